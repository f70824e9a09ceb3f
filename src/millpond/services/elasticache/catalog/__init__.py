"""What AWS offers, as data: node types, parameter families, regions, quotas. Packaged TOML, read once.

What *this machine* can run is not here: ask `Context.platform` for that.
"""
