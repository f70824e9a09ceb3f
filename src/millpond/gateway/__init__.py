"""AWS over HTTP: bytes in, bytes out, for every service at one origin. Knows no service by name."""
