-- What of the data was inserted, changed and deleted since a copy of them was kept, or a version made.

PRAGMA user_version = 11;

-- In order. Triggers write it as soon as there is a mark.
CREATE TABLE data_changes (
    change_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('insert', 'update', 'delete', 'catalogue')),
    user_id INTEGER,  -- of a rating; NULL: of the catalogue
    movie_id INTEGER,  -- NULL: of a genre's name
    CHECK ((kind = 'catalogue') = (user_id IS NULL))
) STRICT;

-- The data under that seal are those after that change; 0 is before all.
CREATE TABLE data_marks (
    seal TEXT PRIMARY KEY CHECK (length(seal) = 32),
    change_id INTEGER NOT NULL CHECK (change_id >= 0)
) STRICT;
INSERT INTO data_marks (seal, change_id) SELECT seal, 0 FROM data_seal;

-- The last change that a retraining has seen; NULL: not known.
ALTER TABLE training_runs ADD COLUMN last_change INTEGER CHECK (last_change >= 0);

CREATE TRIGGER ratings_insert_is_logged AFTER INSERT ON ratings
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, user_id, movie_id)
    VALUES ('insert', new.user_id, new.movie_id);
END;
CREATE TRIGGER ratings_update_is_logged AFTER UPDATE ON ratings
    WHEN (old.user_id, old.movie_id) IS (new.user_id, new.movie_id)
         AND (old.rating, old.rated_at) IS NOT (new.rating, new.rated_at)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, user_id, movie_id)
    VALUES ('update', new.user_id, new.movie_id);
END;
CREATE TRIGGER ratings_move_is_logged AFTER UPDATE ON ratings
    WHEN (old.user_id, old.movie_id) IS NOT (new.user_id, new.movie_id)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, user_id, movie_id)
    VALUES ('delete', old.user_id, old.movie_id), ('insert', new.user_id, new.movie_id);
END;
CREATE TRIGGER ratings_delete_is_logged AFTER DELETE ON ratings
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, user_id, movie_id)
    VALUES ('delete', old.user_id, old.movie_id);
END;

CREATE TRIGGER movies_insert_is_logged AFTER INSERT ON movies
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', new.movie_id);
END;
CREATE TRIGGER movies_update_is_logged AFTER UPDATE ON movies
    WHEN (old.movie_id, old.collection_id) IS NOT (new.movie_id, new.collection_id)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id)
    VALUES ('catalogue', old.movie_id), ('catalogue', new.movie_id);
END;
CREATE TRIGGER movies_delete_is_logged AFTER DELETE ON movies
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', old.movie_id);
END;

CREATE TRIGGER genres_update_is_logged AFTER UPDATE ON genres
    WHEN (old.genre_id, old.name) IS NOT (new.genre_id, new.name)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind) VALUES ('catalogue');
END;

CREATE TRIGGER movie_genres_insert_is_logged AFTER INSERT ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', new.movie_id);
END;
CREATE TRIGGER movie_genres_update_is_logged AFTER UPDATE ON movie_genres
    WHEN (old.movie_id, old.genre_id) IS NOT (new.movie_id, new.genre_id)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id)
    VALUES ('catalogue', old.movie_id), ('catalogue', new.movie_id);
END;
CREATE TRIGGER movie_genres_delete_is_logged AFTER DELETE ON movie_genres
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', old.movie_id);
END;

CREATE TRIGGER cast_members_insert_is_logged AFTER INSERT ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', new.movie_id);
END;
CREATE TRIGGER cast_members_update_is_logged AFTER UPDATE ON cast_members
    WHEN (old.movie_id, old.person_id, old.billing)
         IS NOT (new.movie_id, new.person_id, new.billing)
         AND EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id)
    VALUES ('catalogue', old.movie_id), ('catalogue', new.movie_id);
END;
CREATE TRIGGER cast_members_delete_is_logged AFTER DELETE ON cast_members
    WHEN EXISTS (SELECT 1 FROM data_marks)
BEGIN
    INSERT INTO data_changes (kind, movie_id) VALUES ('catalogue', old.movie_id);
END;

-- To write what is there already changes nothing: the seal holds.
DROP TRIGGER ratings_update_breaks_the_seal;
CREATE TRIGGER ratings_update_breaks_the_seal AFTER UPDATE ON ratings
    WHEN (old.user_id, old.movie_id, old.rating, old.rated_at)
         IS NOT (new.user_id, new.movie_id, new.rating, new.rated_at)
         AND EXISTS (SELECT 1 FROM data_seal)
BEGIN
    DELETE FROM data_seal;
END;
DROP TRIGGER movies_update_breaks_the_seal;
CREATE TRIGGER movies_update_breaks_the_seal AFTER UPDATE ON movies
    WHEN (old.movie_id, old.title, old.year, old.collection_id)
         IS NOT (new.movie_id, new.title, new.year, new.collection_id)
         AND EXISTS (SELECT 1 FROM data_seal)
BEGIN
    DELETE FROM data_seal;
END;
