"""Replication groups under load while nodes, networks and the control plane fail at random, from a seed."""
