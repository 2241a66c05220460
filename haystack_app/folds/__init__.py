"""Roll-ups and decimation of samples: what they mean, in plain Python.

This package defines the answers; any faster evaluator is compared with it. It reads
samples in time order, without holding them, and knows no store.
"""
