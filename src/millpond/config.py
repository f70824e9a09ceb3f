"""One frozen Config, read once, passed down. The only module that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

DriverName = Literal["auto", "linux", "local", "memory"]

DEFAULT_LISTEN = "127.0.0.1:8421"
DEFAULT_REGION = "us-east-1"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Where an installation lives and how it is to run."""

    home: Path
    """Holds everything of an installation: database, keys, node data, logs."""
    engines: Path
    """Installed engine binaries; shared by the installations of one user, because they are only a cache."""
    listen: str = DEFAULT_LISTEN
    """ADDR:PORT; port 0 lets the system choose one."""
    driver: DriverName = "auto"
    host_access: bool = True
    """The machine has an interface of its own in the default VPC of its first account, where there are networks."""
    region: str = DEFAULT_REGION
    """The region that the command line speaks for; the API serves every region."""
    database_url: str | None = None
    """A SQLAlchemy URL; SQLite inside the home when not given."""
    resync_seconds: float = 15.0
    hosts_file: Path = Path("/etc/hosts")
    """Where endpoint names are written for this machine, if it may be written."""
    trusted_issuers: tuple[str, ...] = ()
    """Host names of OpenID Connect issuers that may have inner addresses; others are refused there."""
    public_url: str = ""
    """`https://millpond.example.com`: what links in mails begin with; the endpoint's own URL when empty."""
    smtp_url: str = ""
    """`smtp[s]://[user:password@]host[:port]`: where mail is handed over; without any sender it stays in the outbox."""
    mail_command: str = ""
    """A program that takes a mail on its standard input (`sendmail -t -i`), instead of SMTP."""
    mail_from: str = "millpond@localhost"
    text_command: str = ""
    """A program that takes `{"to": "+49…", "text": …}` and sends a text message or calls."""
    text_webhook: str = ""
    """A URL that takes the same by POST."""

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'millpond.db'}"

    @property
    def key_file(self) -> Path:
        """The installation's master key, 32 random bytes, mode 0600, outside the database."""
        return self.home / "master.key"

    @property
    def nodes(self) -> Path:
        """One directory a node: configuration, data, log."""
        return self.home / "nodes"

    @property
    def log_file(self) -> Path:
        return self.home / "millpond.log"

    @property
    def operator_socket(self) -> Path:
        """The unix socket (0600) on which the command line talks to the control plane."""
        return self.home / "operator.sock"


def default_home(environ: Mapping[str, str] | None = None) -> Path:
    """`MILLPOND_HOME`, or the user's data directory (XDG Base Directory Specification)."""
    environ = os.environ if environ is None else environ
    if given := environ.get("MILLPOND_HOME"):
        return Path(given).expanduser().absolute()
    data = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "/root")) / ".local/share")
    return Path(data) / "millpond"


def default_engines(environ: Mapping[str, str] | None = None) -> Path:
    """`MILLPOND_ENGINES`, or the user's cache directory (XDG Base Directory Specification)."""
    environ = os.environ if environ is None else environ
    if given := environ.get("MILLPOND_ENGINES"):
        return Path(given).expanduser().absolute()
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "/root")) / ".cache")
    return Path(cache) / "millpond" / "engines"


def environment() -> dict[str, str]:
    """A copy of the process's environment, for those who pass it on or look for what would override AWS settings."""
    return dict(os.environ)


def aws_config_file(environ: Mapping[str, str] | None = None) -> Path:
    """`AWS_CONFIG_FILE`, or `~/.aws/config` (AWS SDKs and Tools Reference Guide, "Location of the shared files")."""
    environ = os.environ if environ is None else environ
    if given := environ.get("AWS_CONFIG_FILE"):
        return Path(given).expanduser().absolute()
    return Path(environ.get("HOME", "/root")) / ".aws" / "config"


def load(
    *,
    home: Path | None = None,
    listen: str | None = None,
    driver: DriverName | None = None,
    host_access: bool | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Join the options given on the command line with the environment (`MILLPOND_*`, `AWS_REGION`)."""
    environ = os.environ if environ is None else environ
    return Config(
        home=(home or default_home(environ)).expanduser().absolute(),
        engines=default_engines(environ),
        listen=listen or environ.get("MILLPOND_LISTEN") or DEFAULT_LISTEN,
        driver=msgspec.convert(driver or environ.get("MILLPOND_DRIVER") or "auto", DriverName),
        host_access=environ.get("MILLPOND_HOST_ACCESS", "yes") != "no" if host_access is None else host_access,
        region=environ.get("MILLPOND_REGION") or DEFAULT_REGION,
        database_url=environ.get("MILLPOND_DATABASE_URL") or None,
        hosts_file=Path(environ.get("MILLPOND_HOSTS_FILE") or "/etc/hosts"),
        trusted_issuers=tuple(environ.get("MILLPOND_TRUSTED_ISSUERS", "").split()),
        public_url=environ.get("MILLPOND_PUBLIC_URL", "").rstrip("/"),
        smtp_url=environ.get("MILLPOND_SMTP_URL", ""),
        mail_command=environ.get("MILLPOND_MAIL_COMMAND", ""),
        mail_from=environ.get("MILLPOND_MAIL_FROM") or "millpond@localhost",
        text_command=environ.get("MILLPOND_TEXT_COMMAND", ""),
        text_webhook=environ.get("MILLPOND_TEXT_WEBHOOK", ""),
    )
