"""The store in one SQLite file. All SQL of the project stands in this package."""
