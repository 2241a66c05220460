"""Logging in as Haystack clients do: SCRAM handshakes, then bearer tokens."""
