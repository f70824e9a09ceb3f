"""Real engines on the local host, without root: incidents in plain words."""
