"""Import, export and copying of entities and histories; used by the commands."""
