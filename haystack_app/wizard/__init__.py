"""The page that imports files; all that it does goes over the API."""
