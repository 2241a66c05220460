"""Django's engine for PostgreSQL, with a circuit breaker: ``ENGINE`` of databases."""
