"""Authentication of Haystack clients: SCRAM handshakes and bearer tokens."""
