"""The page that people keep open on live values."""
