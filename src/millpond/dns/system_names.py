"""How programs on this machine come to resolve the zone: by their own resolver, by the hosts file, or not at all.

Decided once, at start, by trying. The name server itself is `server`; who forwards to it is the machine's business.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from millpond.aws.endpoints import ZONE
from millpond.dns import hosts_file, shared_file, stub
from millpond.dns.zone import Records

PROBE_ADDRESS = "127.83.84.85"
"""What the probe's name has: an address that no resolver makes up for names it does not know."""

_TRIES = 3
_PAUSE = 1.0
"""systemd-resolved looks at the hosts file every two seconds."""


class NamesError(Exception):
    """The hosts file could not be changed; the text says why and names the fix."""


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether endpoint names mean something to programs on this machine."""

    names_resolve: bool
    """Where False, the API gives addresses instead of names."""
    how: Literal["resolver", "hosts file", "nothing"]
    why: str
    """A sentence."""
    fix: str = ""


class SystemNames:
    """An installation's names in the system. Every method may block: call it outside the event loop."""

    def __init__(
        self,
        hosts: Path,
        installation: str,
        *,
        home: Path | None = None,
        lookup: Callable[[str], Sequence[str]] = stub.system_addresses,
        servers: Callable[[], Sequence[stub.Server]] = stub.configured_servers,
    ) -> None:
        """`installation`: up to 40 lower-case letters, digits and inner hyphens, unique on the machine; `home`: its
        directory, by which others see that it exists still.
        """
        self.hosts = hosts
        self.installation = installation
        self.probe_name = f"probe-{installation}.{ZONE}"
        self._home = "?" if home is None else str(home.absolute())
        self._lookup = lookup
        self._servers = servers
        self._lock = threading.Lock()
        self._decided: Availability | None = None
        self._published: tuple[dict[str, tuple[str, ...]], tuple[int, int, int]] | None = None

    @property
    def probe(self) -> Records:
        """To be served by the DNS server beside the endpoints: it shows whether questions arrive there."""
        return {self.probe_name: (PROBE_ADDRESS,)}

    def available(self) -> Availability:
        """Find out, the first time, by really resolving a name; the DNS server must be answering already.

        Names that a previous run left in the hosts file stay there until `publish`.
        """
        with self._lock:
            if self._decided is None:
                self._decided = self._by_resolver() or self._by_hosts_file()
            return self._decided

    def publish(self, records: Records) -> bool:
        """Let these names, and no others of this installation, resolve; True when something had to be written.

        Does nothing where the hosts file is not what names come from. Raises NamesError.
        """
        if self.available().how != "hosts file":
            return False
        with self._lock:
            wanted = {**records, **self.probe}
            if self._published == (wanted, self._signature()):
                return False
            changed = self._edit(lambda text: self._with_block(text, wanted))
            self._published = (wanted, self._signature())
            return changed

    def withdraw(self) -> bool:
        """Take everything of this installation out of the hosts file; True when there was something. NamesError."""
        with self._lock:
            self._published = None
            self._decided = None
            return self._edit(lambda text: hosts_file.without_block(text, self.installation))

    def published(self) -> Records:
        """What the hosts file says of this installation, the probe not counted."""
        try:
            text = self.hosts.read_bytes()
        except OSError:
            return {}
        records = hosts_file.block_of(text, self.installation)
        return {name: addresses for name, addresses in records.items() if name != self.probe_name}

    def resolves(self) -> bool:
        """Whether the probe's name resolves just now, by whatever means."""
        return PROBE_ADDRESS in self._lookup(self.probe_name)

    def _by_resolver(self) -> Availability | None:
        """Does somebody forward the zone to us? Asked of the name servers first, because silence is cheap there."""
        if PROBE_ADDRESS not in stub.ask(self.probe_name, self._servers()):
            return None
        try:
            self._edit(lambda text: hosts_file.without_block(text, self.installation))
        except NamesError:
            return None
        if not self.resolves():
            return None
        return Availability(
            names_resolve=True,
            how="resolver",
            why=f"This machine's resolver forwards {ZONE} to Millpond's DNS server.",
        )

    def _by_hosts_file(self) -> Availability:
        try:
            self._edit(
                lambda text: self._with_block(
                    _swept(text), {**hosts_file.block_of(text, self.installation), **self.probe}
                )
            )
        except NamesError as error:
            return Availability(
                names_resolve=False,
                how="nothing",
                why=str(error),
                fix=f"Run Millpond as root, or let your resolver forward {ZONE} to Millpond's DNS server.",
            )
        pause = threading.Event()
        for attempt in range(_TRIES):
            if attempt:
                pause.wait(_PAUSE)
            if self.resolves():
                return Availability(
                    names_resolve=True, how="hosts file", why=f"Endpoint names stand in a marked block of {self.hosts}."
                )
        with contextlib.suppress(NamesError):
            self._edit(lambda text: hosts_file.without_block(text, self.installation))
        return Availability(
            names_resolve=False,
            how="nothing",
            why=f"A name written into {self.hosts} did not resolve: programs here do not read it.",
            fix="Put `files` first in the hosts line of /etc/nsswitch.conf.",
        )

    def _with_block(self, text: bytes, records: Records) -> bytes:
        return hosts_file.with_block(text, self.installation, records, home=self._home)

    def _edit(self, change: Callable[[bytes], bytes]) -> bool:
        try:
            return shared_file.edit(self.hosts, change)
        except OSError as error:
            raise NamesError(f"{self.hosts} could not be changed: {error.strerror or error}.") from error

    def _signature(self) -> tuple[int, int, int]:
        """Tells, without reading it, whether somebody else touched the file."""
        try:
            status = self.hosts.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_ino, status.st_size, status.st_mtime_ns)


def _swept(text: bytes) -> bytes:
    """Without the blocks of installations whose directories were deleted: nobody is left to take them out."""
    for installation, home in hosts_file.homes(text).items():
        if not Path(home).exists():
            text = hosts_file.without_block(text, installation)
    return text
