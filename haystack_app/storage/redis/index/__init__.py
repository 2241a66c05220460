"""Search of entities: terms, their sets or documents, and queries."""
