"""Real engines: what they are given, how they are looked at, how they are changed, and where their binaries come from.

`spec` is the contract; `valkey` (Valkey and Redis OSS) and `memcached` are drivers, `memory` is their twin for tests;
`catalogue` says which versions there are and `obtain` installs them. Knows nothing of AWS operations.
"""
