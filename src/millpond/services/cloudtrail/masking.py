"""Pure: what of a request or a response may be written down, in CloudTrail's form, and what is hidden.

Hidden is what the model marks as sensitive, and what bears the name of a secret where the models do not say so (a
password, an AuthToken, a one-time code, a token, key material). Member names begin in lower case, as in CloudTrail.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from millpond.kernel.clock import iso8601

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"

_SECRETS = frozenset({
    "accesstoken", "addprivatekey", "assertion", "authenticationcode1", "authenticationcode2", "authtoken",
    "base32stringseed", "clientsecret", "code", "codeverifier", "devicecode", "idtoken", "newpassword", "oldpassword",
    "password", "passwords", "privatekey", "qrcodepng", "refreshtoken", "samlassertion", "secretaccesskey",
    "sessiontoken", "subjecttoken", "tokencode", "usercode", "verificationuricomplete", "webidentitytoken",
})  # fmt: skip
_ACCESS_STRING = "accessstring"
_PASSWORD_RULES = (">", "<", "#", "!")
"""How a word of an ACL begins that carries a password or its hash (Valkey documentation, ACL SETUSER)."""
_SHORTEST_SCRUBBED = 4


class Masked:
    """What may be shown of one call, and the secrets that were found in it, to keep them out of messages too."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def shown(self, value: Mapping[str, Any], shape: Any = None) -> dict[str, Any]:
        """A request or response as CloudTrail shows it. `shape` is its botocore shape, where it is known."""
        shown: dict[str, Any] = self._structure(value, shape)
        return shown

    def scrubbed(self, message: str) -> str:
        """A message without the secrets found so far."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            message = message.replace(secret, HIDDEN)
        return message

    def _structure(self, value: Mapping[str, Any], shape: Any) -> dict[str, Any]:
        members = shape.members if shape is not None and shape.type_name == "structure" else {}
        return {
            name[:1].lower() + name[1:]: self._member(name, item, members.get(name))
            for name, item in value.items()
            if item is not None
        }

    def _member(self, name: str, value: Any, shape: Any) -> Any:
        if name.lower() in _SECRETS:
            return self._hidden(value)
        if name.lower() == _ACCESS_STRING and isinstance(value, str):
            return self._access_string(value)
        return self._any(value, shape)

    def _any(self, value: Any, shape: Any) -> Any:
        if shape is not None and shape.metadata.get("sensitive"):
            return self._hidden(value)
        kind = shape.type_name if shape is not None else ""
        if isinstance(value, Mapping):
            if kind == "map":
                return {str(key): self._any(item, shape.value) for key, item in value.items()}
            return self._structure(value, shape)
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            return [self._any(item, shape.member if kind == "list" else None) for item in value]
        return _scalar(value)

    def _hidden(self, value: Any) -> str:
        self._remember(value)
        return HIDDEN

    def _remember(self, value: Any) -> None:
        if isinstance(value, str):
            if len(value) >= _SHORTEST_SCRUBBED:
                self._secrets.add(value)
        elif isinstance(value, Mapping):
            for item in value.values():
                self._remember(item)
        elif isinstance(value, Sequence) and not isinstance(value, bytes):
            for item in value:
                self._remember(item)

    def _access_string(self, value: str) -> str:
        words = []
        for word in value.split(" "):
            if word.startswith(_PASSWORD_RULES) and len(word) > 1:
                self._remember(word[1:])
                words.append(word[0] + HIDDEN)
            else:
                words.append(word)
        return " ".join(words)


def _scalar(value: Any) -> Any:
    match value:
        case datetime():
            return iso8601(value)
        case bytes():
            return base64.b64encode(value).decode()
        case str():
            return writable(value)
        case bool() | int() | float():
            return value
        case _:
            return writable(str(value))


def writable(text: str) -> str:
    """Text as UTF-8 can write it: half a surrogate pair, which JSON's escapes can smuggle in, becomes a `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
