"""A throw-away PostgreSQL: initdb in a temporary directory, a unix socket and nothing else, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from millpond.kernel import ids


def binaries() -> Path | None:
    """Where initdb and pg_ctl lie: the newest of Debian's versions, or wherever PATH says."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else None


class Server:
    """A running PostgreSQL and the way to fresh databases in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def database(self) -> Iterator[str]:
        """A SQLAlchemy URL of an empty database, dropped afterwards."""
        name = f"test_{ids.endpoint_tag()}"
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield f"postgresql+psycopg://millpond@/{name}?host={self.directory}"
        finally:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=str(self.directory), user="millpond", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


@contextmanager
def running(bin_directory: Path) -> Iterator[Server]:
    """Start a server. PostgreSQL refuses to run as root, so root runs it as the user that Debian's package made."""
    directory = Path(tempfile.mkdtemp(prefix="mp-pg-"))
    account = _account()
    if account is not None:
        os.chown(directory, account.pw_uid, account.pw_gid)
    data = directory / "data"

    def call(*arguments: str) -> None:
        as_user = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}
        subprocess.run(
            arguments, check=True, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
            env={"PATH": os.defpath, "LC_ALL": "C", "HOME": str(directory)}, timeout=90, **as_user,
        )  # fmt: skip

    try:
        call(str(bin_directory / "initdb"), "-D", str(data), "-U", "millpond", "--auth=trust", "--encoding=UTF8", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off -c shared_buffers=16MB"
        call(str(bin_directory / "pg_ctl"), "-D", str(data), "-w", "-l", str(directory / "log"), "-o", options, "start")
        try:
            yield Server(directory)
        finally:
            call(str(bin_directory / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None
