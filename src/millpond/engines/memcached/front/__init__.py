"""The process of a Memcached node: it starts memcached as its child, listens on the node's endpoint, answers what stock
memcached cannot (`config get cluster`), refuses what ElastiCache refuses, and passes everything else through.

`protocol` reads requests, `relay` moves bytes, `child` minds memcached, `__main__` joins them. Standard library only.
"""
