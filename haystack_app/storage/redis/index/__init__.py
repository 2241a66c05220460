"""Finding entities: terms, the sets or documents that hold them, and queries."""
