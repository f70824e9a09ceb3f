"""The process of a Memcached node: it starts memcached as its child, listens on the node's endpoint, answers what stock
memcached cannot (`config get cluster`), refuses what ElastiCache refuses, and passes everything else through.

A program of its own, started by `memcached.driver` and importing nothing of Millpond's or others' but itself, so that
it starts fast. `protocol` reads requests, `relay` moves bytes, `child` minds memcached, `__main__` joins them.
"""
