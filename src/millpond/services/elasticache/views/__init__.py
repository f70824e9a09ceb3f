"""Records as AWS responses, one file per resource family. Status is computed here, never stored. Pure."""
