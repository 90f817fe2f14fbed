"""Files beside the database: artifacts, array cache, lock."""
