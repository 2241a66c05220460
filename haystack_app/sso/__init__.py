"""Logging in as companies do: second factors and OpenID Connect, by django-allauth.

Nothing here is imported unless a project has installed allauth.
"""
