-- A word that stands for all that training sees, until something of it changes.

PRAGMA user_version = 8;

CREATE TABLE data_seal (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    seal TEXT NOT NULL CHECK (length(seal) = 32)
) STRICT;

CREATE TRIGGER ratings_insert_breaks_the_seal AFTER INSERT ON ratings
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER ratings_update_breaks_the_seal AFTER UPDATE ON ratings
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER ratings_delete_breaks_the_seal AFTER DELETE ON ratings
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;

CREATE TRIGGER movies_insert_breaks_the_seal AFTER INSERT ON movies
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movies_update_breaks_the_seal AFTER UPDATE ON movies
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movies_delete_breaks_the_seal AFTER DELETE ON movies
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;

CREATE TRIGGER genres_insert_breaks_the_seal AFTER INSERT ON genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER genres_update_breaks_the_seal AFTER UPDATE ON genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER genres_delete_breaks_the_seal AFTER DELETE ON genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;

CREATE TRIGGER movie_genres_insert_breaks_the_seal AFTER INSERT ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movie_genres_update_breaks_the_seal AFTER UPDATE ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER movie_genres_delete_breaks_the_seal AFTER DELETE ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;

CREATE TRIGGER cast_members_insert_breaks_the_seal AFTER INSERT ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER cast_members_update_breaks_the_seal AFTER UPDATE ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
CREATE TRIGGER cast_members_delete_breaks_the_seal AFTER DELETE ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_seal) BEGIN DELETE FROM data_seal; END;
