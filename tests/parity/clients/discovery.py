"""What a Django application does with a Memcached cluster: discovers its nodes, writes and reads. Prints JSON."""

import json
import sys

from django_elastipymemcache.client import AWSElastiCacheClient

client = AWSElastiCacheClient(sys.argv[1])
nodes = sorted(client.clients)
keys = {f"key-{number}": f"value-{number}" for number in range(200)}
client.set_many(keys)
found = {key: value.decode() for key, value in client.get_many(list(keys)).items()}
print(json.dumps({"nodes": nodes, "same": found == keys}))
