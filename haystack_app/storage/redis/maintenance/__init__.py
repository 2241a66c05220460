"""Maintenance of a store: checks of server and consistency, and reindexing."""
