"""Running Memcached behind a small front of our own that speaks ElastiCache's auto discovery.

`driver` is the engine driver. `front` is a program of its own, standard library only; this package imports nothing, so
that the front starts fast and needs no other package.
"""
