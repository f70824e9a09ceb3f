"""The memory machine as text that a person can compare: sorted, without pids, one fact a line."""

from collections.abc import Iterator

from millpond.host.memory.machine import Directory, Machine


def rendering(machine: Machine) -> str:
    """One paragraph a name; empty for an empty machine."""
    return "\n".join(
        line for name, directory in sorted(machine.directories.items()) for line in _paragraph(name, directory)
    )


def _paragraph(name: str, directory: Directory) -> Iterator[str]:
    process = directory.process
    if process is not None:
        where = " ".join(f"{process.address}:{port}" for port in process.ports)
        condition = f"{'hangs' if process.hanging else 'runs'} at {where}"
    elif directory.incarnation is None:
        condition = "never started"
    else:
        condition = f"ended ({directory.exit})"
    yield f"{name}: {condition}"
    if directory.incarnation is not None:
        yield f"  incarnation {directory.incarnation}, started {directory.starts}x"
    if process is not None:
        yield f"  $ {' '.join(process.argv)}"
    for path, file in sorted(directory.files.items()):
        yield f"  file {path} {file.mode:o}"
        yield from (f"    {line}" for line in file.content.splitlines())
    for volume, contents in sorted(directory.volumes.items()):
        yield f"  volume {volume}: {', '.join(sorted(contents)) or 'empty'}"
