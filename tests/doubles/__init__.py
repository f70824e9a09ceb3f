"""Stand-ins that behave: in-memory twins of what a test does not want to start."""
