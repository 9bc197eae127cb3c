"""The store: SQLite, in memory or in a file."""
