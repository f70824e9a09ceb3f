"""Engine versions as ElastiCache writes them, compared: `7.2` < `8.0` < `9.1` and `1.4.5` < `1.4.14`."""


def ordinal(version: str) -> tuple[int, ...]:
    """Turn a version into something that compares; a part that is no number (`6.x`) counts as the newest there is."""
    parts = [int(part) if part.isdecimal() else 10**6 for part in version.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def at_least(version: str, first: str) -> bool:
    """Whether `version` is `first` or newer. A version without a patch (`6.2`) stands for its newest."""
    wanted, have = ordinal(first), ordinal(version)
    if version.count(".") == 1:
        return have >= wanted[:2]
    return have >= wanted
