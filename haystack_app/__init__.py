"""A Project Haystack server as a Django app."""

__version__ = "0.1.0"
