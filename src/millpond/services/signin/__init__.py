"""Signing in with a browser, and what `aws login` makes of it."""
