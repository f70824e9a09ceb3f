"""Records as EC2's responses, one family a file. Pure; **status is computed here**."""
