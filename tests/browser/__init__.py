"""Pages as people meet them: a headless Chromium, a whole Millpond, no script. Skipped where there is no Chromium."""
