"""Imports of files that users upload: what is understood, corrections, jobs.

The engine is ``transfer``; commands use the same.
"""
