"""Names of cache endpoints: a DNS server for the zone, and how this machine comes to ask it."""
