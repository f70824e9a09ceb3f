#!/usr/bin/env python3
"""Gather the fragments of `changes/` under a version's heading in CHANGELOG.md and remove them.

`tools/changelog.py VERSION DATE`; `--check` only says whether every fragment is named and worded as it should be.
"""

import re
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_CHANGES = _ROOT / "changes"
_CHANGELOG = _ROOT / "CHANGELOG.md"
_KINDS = ("added", "changed", "fixed", "removed", "security")
_NAME = re.compile(rf"[a-z0-9-]+\.({'|'.join(_KINDS)})\.md")


def fragments() -> dict[str, list[Path]]:
    """Fragments by kind, in the order in which a changelog lists kinds."""
    files = sorted(file for file in _CHANGES.iterdir() if file.name != "README.md")
    return {kind: [file for file in files if file.name.endswith(f".{kind}.md")] for kind in _KINDS}


def problems() -> list[str]:
    """What is wrong with fragments, in words."""
    found = []
    for file in sorted(_CHANGES.iterdir()):
        if file.name == "README.md":
            continue
        if not _NAME.fullmatch(file.name):
            found.append(f"{file.name} should be called WHAT.KIND.md, with KIND one of {', '.join(_KINDS)}")
        elif not file.read_text(encoding="utf-8").strip().endswith("."):
            found.append(f"{file.name} should hold a sentence")
    return found


def section(version: str, date: str) -> str:
    """The version's part of the changelog."""
    lines = [f"## {version} ({date})", ""]
    for kind, files in fragments().items():
        if files:
            lines += [f"### {kind.capitalize()}", ""]
            lines += [f"* {' '.join(file.read_text(encoding='utf-8').split())}" for file in files]
            lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    if found := problems():
        print("\n".join(found), file=sys.stderr)
        return 1
    if arguments == ["--check"]:
        return 0
    version, date = arguments
    head, _, rest = _CHANGELOG.read_text(encoding="utf-8").partition("\n## ")
    older = f"\n## {rest}" if rest else ""
    _CHANGELOG.write_text(f"{head.rstrip()}\n\n{section(version, date)}{older}", encoding="utf-8")
    for files in fragments().values():
        for file in files:
            file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
