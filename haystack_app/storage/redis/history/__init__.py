"""Histories: samples in blocks or in time series, and plans of their changes."""
