"""Entities and histories between files and stores, whatever the command."""
