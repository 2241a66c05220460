"""Read replicas: servers that follow the primary by PostgreSQL's streaming replication.

``routing`` decides whether a replica answers a read; everything else is asked of the
primary. ``monitor`` knows how much each replica lags, and ``positions`` what users
must see of their own writes.
"""
