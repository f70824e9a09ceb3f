"""The loop that keeps promises. Knows keys, wake-ups, back-off and history; nothing of what is reconciled."""
