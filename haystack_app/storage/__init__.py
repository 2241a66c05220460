"""Storage of entities and histories: one contract, several adapters."""
