"""Histories: samples in blocks or in time series, and what is to change of them."""
