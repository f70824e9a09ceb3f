"""What should exist, computed from records. Pure."""
