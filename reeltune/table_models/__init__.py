"""Models of tables: features, families, blends and packages."""
