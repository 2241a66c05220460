"""The documentation as a site, which ``make docs`` builds and a wheel carries."""
