"""Where engine processes run. `spec` is the contract; `memory`, `local` (and later `linux`) are its drivers.

Knows nothing of caches or AWS: a process here is a command line, some files, an address and a volume.
"""
