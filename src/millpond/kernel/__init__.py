"""What every layer may use: clock, ids, logging. Standard library and structlog only; knows nothing of Millpond."""
