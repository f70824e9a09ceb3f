"""How this very program is called: in a profile (absolute, for good) and in hints (short, to be typed)."""

import shutil
import sys
from pathlib import Path

_CLONE = Path(__file__).resolve().parents[3]


def absolute_command() -> list[str]:
    """An argument list that runs this installation's `millpond` from anywhere."""
    if _in_clone():
        return [str(_CLONE / "bin" / "millpond")]
    beside = Path(sys.executable).parent / "millpond"
    if beside.exists():
        return [str(beside)]
    return [sys.executable, "-P", "-m", "millpond"]


def spoken() -> str:
    """What a person types here: `millpond` when that is found, else the way to it."""
    if shutil.which("millpond") or not _in_clone():
        return "millpond"
    program = _CLONE / "bin" / "millpond"
    if Path.cwd() == _CLONE:
        return "bin/millpond"
    return str(program)


def _in_clone() -> bool:
    return (_CLONE / "bin" / "millpond").exists() and (_CLONE / "pyproject.toml").exists()
