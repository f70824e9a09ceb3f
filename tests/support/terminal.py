"""A program at a terminal: what it asks is read from its screen, what a person would type is typed."""

import os
import pty
import re
import select
import subprocess
from collections.abc import Callable, Mapping, Sequence

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_CURSOR_ASKED = "\x1b[6n"
_QUIET_SECONDS = 0.3


def conversation(
    command: Sequence[str], environ: Mapping[str, str], answers: Sequence[tuple[str, Callable[[str], str | None]]]
) -> tuple[int, str]:
    """Run a program to its end at a terminal of its own; exit code and everything it showed.

    Whenever it falls silent, the first of the answers that is due (its words are on the screen, and it was not given
    yet) is asked what to type, given the screen; None types nothing.
    """
    master, slave = pty.openpty()
    try:
        with subprocess.Popen(
            command, env={**environ, "TERM": "dumb", "COLUMNS": "500"}, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
        ) as running:  # fmt: skip
            os.close(slave)
            shown, due = "", list(answers)
            while (said := _read(master)) is not None:
                shown += said
                if _CURSOR_ASKED in said:
                    os.write(master, b"\x1b[1;1R")
                screen = _CONTROL.sub("", shown)
                ready = next((each for each in due if each[0] in screen), None) if not said else None
                if ready is not None:
                    due.remove(ready)
                    typed = ready[1](screen)
                    if typed is not None:
                        os.write(master, f"{typed}\r".encode())
            running.wait(30)
        return running.returncode, _CONTROL.sub("", shown)
    finally:
        os.close(master)


def _read(master: int) -> str | None:
    """What the program said; nothing when it is silent, None when it has left."""
    ready, _, _ = select.select([master], [], [], _QUIET_SECONDS)
    if not ready:
        return ""
    try:
        return os.read(master, 65536).decode(errors="replace") or None
    except OSError:
        return None
