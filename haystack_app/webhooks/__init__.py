"""Webhooks: events are sent to other systems by HTTP, signed and tried again.

A job, of which one runs at a time, follows the logs of the storages and the values of
points, stores what is to be sent, and sends it.
"""
