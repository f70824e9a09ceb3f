"""How fast Millpond is, one file a question, always as a ratio to something measured in the same run."""
