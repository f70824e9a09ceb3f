"""Running Memcached, behind a front of our own (`memcached_front`) that speaks ElastiCache's auto discovery."""

from millpond.engines.memcached.driver import MemcachedEngine

__all__ = ["MemcachedEngine"]
