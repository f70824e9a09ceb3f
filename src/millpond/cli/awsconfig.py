"""One marked profile in an AWS configuration file: pure editing of its bytes, so that removal restores every byte.

A block is written between two comment lines that carry what removal must know: whose it is, and whether a line end
had to be put before it. Everything outside the block is never read as anything but section headers.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

import msgspec

_BEGIN = b"# >>> millpond "
_END = b"# <<< millpond\n"
_MARK = re.compile(
    rb"^# >>> millpond (?P<facts>\S+)[^\n]*\n"
    rb"(?:(?!# >>> millpond |# <<< millpond)[^\n]*\n)*"
    rb"# <<< millpond\r?\n",
    re.MULTILINE,
)
_SECTION = re.compile(rb"^[ \t]*\[(?P<name>[^\]\n]*)\]", re.MULTILINE)


class ForeignProfile(Exception):  # noqa: N818 - it is an answer
    """The file has a profile of that name that is not this installation's; nothing was changed. The text says whose."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One block of ours as it lies in the file."""

    start: int
    end: int
    profile: str
    home: str
    joined: bool
    """A line end was put before the block, because the file's last line had none."""
    created: bool
    """There was no file before."""


def blocks(content: bytes) -> Iterator[Block]:
    """Every marked block, whoever's installation it belongs to."""
    for found in _MARK.finditer(content):
        facts = dict(each.split("=", 1) for each in found["facts"].decode("ascii", "replace").split(";") if "=" in each)
        if "profile" in facts and "home" in facts:
            yield Block(
                start=found.start(),
                end=found.end(),
                profile=unquote(facts["profile"]),
                home=unquote(facts["home"]),
                joined=facts.get("joined") == "yes",
                created=facts.get("created") == "yes",
            )


def with_profile(content: bytes | None, *, profile: str, home: str, settings: Mapping[str, str]) -> bytes:
    """The file's content with this installation's profile in it; `content` is None when there is no file.

    A block of the same profile and home is replaced where it stands. Raises ForeignProfile when the profile is someone
    else's: a second section of one name would make every AWS tool refuse the file.
    """
    text = content or b""
    for block in blocks(text):
        if block.profile == profile and block.home == home:
            written = _written(block.profile, block.home, settings, joined=block.joined, created=block.created)
            return text[: block.start] + written + text[block.end :]
        if block.profile == profile:
            raise ForeignProfile(f"belongs to the installation in {block.home}")
    if profile in _profiles(text):
        raise ForeignProfile("was not written by Millpond")
    joined = bool(text) and not text.endswith(b"\n")
    written = _written(profile, home, settings, joined=joined, created=content is None)
    return text + (b"\n" if joined else b"") + written


def without_profiles(content: bytes, *, home: str) -> bytes | None:
    """The content without any block of this installation; None when the file was ours alone and should go."""
    mine = [block for block in blocks(content) if block.home == home]
    for block in reversed(mine):
        before, after = content[: block.start], content[block.end :]
        # With lines added behind the block the line end belongs to them now: without it two lines would become one.
        if block.joined and not after and before.endswith(b"\n"):
            before = before[:-1]
        content = before + after
    return None if not content and any(block.created for block in mine) else content


def _written(profile: str, home: str, settings: Mapping[str, str], *, joined: bool, created: bool) -> bytes:
    facts = f"profile={quote(profile, safe='')};home={quote(home, safe='/')}"
    facts += ";joined=yes" if joined else ""
    facts += ";created=yes" if created else ""
    lines = [f"[profile {profile}]", *(f"{key} = {value}" for key, value in settings.items())]
    head = _BEGIN + facts.encode() + b" (millpond uninstall removes this block)\n"
    return head + "".join(line + "\n" for line in lines).encode() + _END


def _profiles(content: bytes) -> set[str]:
    """Names of profiles by the file's section headers: `[profile name]`, `[profile "name"]`, `[default]`."""
    found = set()
    for header in _SECTION.finditer(content):
        words = header["name"].decode("utf-8", "replace").split(maxsplit=1)
        if len(words) == 2 and words[0] == "profile":
            found.add(words[1].strip().strip("\"'"))
        elif words == ["default"]:
            found.add("default")
    return found
