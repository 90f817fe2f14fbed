"""Only room with SQL: the connection, migrations, and one file per group of tables."""
