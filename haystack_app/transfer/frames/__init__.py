"""Histories as tables of columns, for programs that compute: Arrow, Parquet, CSV, JSON.

A frame is wide, with a column for each point, or long, with a row for each sample.
"""
