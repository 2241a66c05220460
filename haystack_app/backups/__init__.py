"""Back-ups of databases and Redis stores: made, proved, restored, kept for a time."""
