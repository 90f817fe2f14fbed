-- Hyperparameters may be words and booleans: a model of one's own may call one as the built-in model
-- calls a number. So the columns that show them take whatever is stored.

PRAGMA user_version = 10;

ALTER TABLE hp_experiments DROP COLUMN genre_weight;
ALTER TABLE hp_experiments DROP COLUMN cast_weight;
ALTER TABLE hp_experiments DROP COLUMN franchise_weight;
ALTER TABLE hp_experiments DROP COLUMN rating_weight;
ALTER TABLE hp_experiments DROP COLUMN popularity_weight;
ALTER TABLE hp_experiments DROP COLUMN genre_boost_high;
ALTER TABLE hp_experiments DROP COLUMN genre_boost_medium;
ALTER TABLE hp_experiments DROP COLUMN genre_boost_low;
ALTER TABLE hp_experiments DROP COLUMN genre_threshold_low;
ALTER TABLE hp_experiments DROP COLUMN genre_threshold_medium;
ALTER TABLE hp_experiments DROP COLUMN genre_threshold_high;
ALTER TABLE hp_experiments DROP COLUMN cast_lead_weight;
ALTER TABLE hp_experiments DROP COLUMN cast_supporting_weight;
ALTER TABLE hp_experiments DROP COLUMN cast_background_weight;
ALTER TABLE hp_experiments DROP COLUMN cast_lead_threshold;
ALTER TABLE hp_experiments DROP COLUMN cast_supporting_threshold;
ALTER TABLE hp_experiments DROP COLUMN popularity_rating_weight;
ALTER TABLE hp_experiments DROP COLUMN popularity_count_weight;
ALTER TABLE hp_experiments DROP COLUMN accuracy_threshold;

ALTER TABLE hp_experiments ADD COLUMN genre_weight ANY AS (hyperparameters ->> 'genre_weight');
ALTER TABLE hp_experiments ADD COLUMN cast_weight ANY AS (hyperparameters ->> 'cast_weight');
ALTER TABLE hp_experiments ADD COLUMN franchise_weight ANY AS (hyperparameters ->> 'franchise_weight');
ALTER TABLE hp_experiments ADD COLUMN rating_weight ANY AS (hyperparameters ->> 'rating_weight');
ALTER TABLE hp_experiments ADD COLUMN popularity_weight ANY AS (hyperparameters ->> 'popularity_weight');
ALTER TABLE hp_experiments ADD COLUMN genre_boost_high ANY AS (hyperparameters ->> 'genre_boost_high');
ALTER TABLE hp_experiments ADD COLUMN genre_boost_medium ANY AS (hyperparameters ->> 'genre_boost_medium');
ALTER TABLE hp_experiments ADD COLUMN genre_boost_low ANY AS (hyperparameters ->> 'genre_boost_low');
ALTER TABLE hp_experiments ADD COLUMN genre_threshold_low ANY AS (hyperparameters ->> 'genre_threshold_low');
ALTER TABLE hp_experiments ADD COLUMN genre_threshold_medium ANY AS (hyperparameters ->> 'genre_threshold_medium');
ALTER TABLE hp_experiments ADD COLUMN genre_threshold_high ANY AS (hyperparameters ->> 'genre_threshold_high');
ALTER TABLE hp_experiments ADD COLUMN cast_lead_weight ANY AS (hyperparameters ->> 'cast_lead_weight');
ALTER TABLE hp_experiments ADD COLUMN cast_supporting_weight ANY AS (hyperparameters ->> 'cast_supporting_weight');
ALTER TABLE hp_experiments ADD COLUMN cast_background_weight ANY AS (hyperparameters ->> 'cast_background_weight');
ALTER TABLE hp_experiments ADD COLUMN cast_lead_threshold ANY AS (hyperparameters ->> 'cast_lead_threshold');
ALTER TABLE hp_experiments ADD COLUMN cast_supporting_threshold ANY AS (hyperparameters ->> 'cast_supporting_threshold');
ALTER TABLE hp_experiments ADD COLUMN popularity_rating_weight ANY AS (hyperparameters ->> 'popularity_rating_weight');
ALTER TABLE hp_experiments ADD COLUMN popularity_count_weight ANY AS (hyperparameters ->> 'popularity_count_weight');
ALTER TABLE hp_experiments ADD COLUMN accuracy_threshold ANY AS (hyperparameters ->> 'accuracy_threshold');
