"""Pushes watches over websockets, and the change log as server-sent events."""
