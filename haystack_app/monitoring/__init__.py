"""What operators see: metrics, a line of the log for each request, and a page."""
