"""What a question comes to: a row of the table, and the arithmetic that all of them share."""

import statistics
import time
from collections.abc import Callable, Sequence

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    question: str
    ours: float
    theirs: float | None
    """What it is compared with; None where there is nothing to compare with, or it cannot be had."""
    unit: str
    aim: str
    """In words, as the table shows it."""
    against: str = ""
    holds: bool | None = None
    """Whether the aim is met; None where there is no aim."""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.theirs else None


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes once."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def interleaved(rounds: int, contenders: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Let every contender measure itself in turn, round after round, so that a busy machine is busy for all."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        names = list(contenders)
        for name in names if number % 2 else reversed(names):
            found[name].append(contenders[name]())
    return found


def table(rows: Sequence[Row]) -> str:
    """The rows as text, columns aligned."""
    cells = [("question", "Millpond", "other", "ratio", "aim", "")]
    for row in rows:
        other = "-" if row.theirs is None else f"{_number(row.theirs)} {row.against}"
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        verdict = {None: "", True: "ok", False: "MISSED"}[row.holds]
        cells.append((row.question, f"{_number(row.ours)} {row.unit}", other, ratio, row.aim, verdict))
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
