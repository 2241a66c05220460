"""Pages of dashboards, which users make and share."""
