"""Millpond: a self-hosted ElastiCache. Not affiliated with Amazon."""

__version__ = "0.1.0"
