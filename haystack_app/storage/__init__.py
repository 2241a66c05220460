"""Where entities and histories are kept: one contract, several adapters."""
