"""Looking after a store: its server, whether it is whole, and its index."""
