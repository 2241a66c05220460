"""Alarms: rules over the histories of points, and what they raise.

``conditions``, ``segments`` and ``evaluation`` define what a rule means, in plain
Python. The other modules find what has changed, store alarms, and tell of them.
"""
