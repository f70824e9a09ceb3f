"""Attributes of directory users and groups: what is required, and how updates change them. Pure.

`UpdateUser` names attributes by paths in lower camel case (`displayName`, `name.familyName`, `emails`); values are
documents whose keys clients spell in either case.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from millpond.services.sso.api.identity_store import ValidationException
from millpond.services.sso.records.directory import Group, User

_RESERVED = frozenset({"administrator", "awsadministrators"})
_SCALARS = frozenset({
    "DisplayName",
    "NickName",
    "ProfileUrl",
    "UserType",
    "Title",
    "PreferredLanguage",
    "Locale",
    "Timezone",
    "Website",
    "Birthdate",
})
_PARTS: Mapping[str, frozenset[str]] = {
    "Name": frozenset({
        "Formatted",
        "FamilyName",
        "GivenName",
        "MiddleName",
        "HonorificPrefix",
        "HonorificSuffix",
    }),
    "Emails": frozenset({"Value", "Type", "Primary"}),
    "PhoneNumbers": frozenset({"Value", "Type", "Primary"}),
    "Roles": frozenset({"Value", "Type", "Primary"}),
    "Photos": frozenset({"Value", "Type", "Display", "Primary"}),
    "Addresses": frozenset({
        "StreetAddress",
        "Locality",
        "Region",
        "PostalCode",
        "Country",
        "Formatted",
        "Type",
        "Primary",
    }),
}
_MOST: Mapping[str, int] = {"Emails": 1, "PhoneNumbers": 1, "Roles": 1, "Addresses": 1, "Photos": 3}
_REQUIRED_OF_NAME = ("GivenName", "FamilyName")
_EXTENSION = "aws:identitystore:enterprise"
_LONGEST = 1024
_LONGEST_USER_NAME = 128
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def checked_user_name(given: Any) -> str:
    """A user name. ValidationException when it is missing, reserved, too long, or has spaces."""
    if not isinstance(given, str) or not given:
        raise ValidationException("UserName is a required attribute.")
    if given.lower() in _RESERVED:
        raise ValidationException(f"{given} is a reserved name.")
    if len(given) > _LONGEST_USER_NAME or any(char.isspace() for char in given):
        raise ValidationException("UserName must have at most 128 characters and no spaces.")
    return given


def checked_group_name(given: Any) -> str:
    """A group's display name. ValidationException when it is missing or reserved."""
    if not isinstance(given, str) or not given:
        raise ValidationException("DisplayName is a required attribute.")
    if given.lower() in _RESERVED:
        raise ValidationException(f"{given} is a reserved name.")
    return _checked_text("DisplayName", given)


def checked_user(given: Mapping[str, Any]) -> dict[str, Any]:
    """A user's attributes, with what Identity Center requires (API reference, CreateUser)."""
    if not given.get("DisplayName"):
        raise ValidationException("DisplayName is a required attribute.")
    for part in _REQUIRED_OF_NAME:
        if not (given.get("Name") or {}).get(part):
            raise ValidationException(f"Name.{part} is a required attribute.")
    for email in given.get("Emails", []):
        if not _EMAIL.fullmatch(email.get("Value", "")):
            raise ValidationException("Emails.Value must be an e-mail address.")
    if any(name != _EXTENSION for name in given.get("Extensions", {})):
        raise ValidationException(f"{_EXTENSION} is the only supported extension.")
    return dict(given)


def updated_user(user: User, operations: Sequence[Mapping[str, Any]]) -> User:
    """The user after the operations of an `UpdateUser`. ValidationException, and nothing is changed."""
    name, attributes = user.name, dict(user.attributes)
    for each in operations:
        path, value = each["AttributePath"], each.get("AttributeValue")
        top, _, part = path.partition(".")
        top = top[:1].upper() + top[1:]
        if path.startswith(_EXTENSION):
            _update_extension(attributes, path.removeprefix(_EXTENSION).lstrip("."), value)
        elif top == "UserName" and not part:
            name = checked_user_name(value)
        elif top in _SCALARS and not part:
            _set(attributes, top, None if value is None else _checked_text(path, value))
        elif top == "Name" and part:
            attributes["Name"] = _checked_parts("Name", {**attributes.get("Name", {}), _upper(part): value})
        elif top in _PARTS and not part:
            _set(attributes, top, None if value is None else _checked_value(top, value))
        else:
            raise ValidationException(f"{path} is not an attribute that can be updated.")
    return msgspec.structs.replace(user, name=name, attributes=checked_user(attributes))


def updated_group(group: Group, operations: Sequence[Mapping[str, Any]]) -> Group:
    """The group after the operations of an `UpdateGroup`."""
    for each in operations:
        value = each.get("AttributeValue")
        match each["AttributePath"].lower():
            case "displayname":
                group = msgspec.structs.replace(group, name=checked_group_name(value))
            case "description":
                text = "" if value is None else _checked_text("Description", value)
                group = msgspec.structs.replace(group, description=text)
            case _:
                raise ValidationException(f"{each['AttributePath']} is not an attribute that can be updated.")
    return group


def _checked_value(attribute: str, value: Any) -> Any:
    if attribute == "Name":
        return _checked_parts(attribute, value)
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST[attribute]:
        raise ValidationException(f"{attribute} must be a list of 1 to {_MOST[attribute]} items.")
    return [_checked_parts(attribute, item) for item in value]


def _checked_parts(attribute: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValidationException(f"{attribute} must be an object.")
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = _upper(str(key))
        if name not in _PARTS[attribute]:
            raise ValidationException(f"{attribute} has no {key}.")
        if item is None:
            continue
        if name == "Primary":
            if not isinstance(item, bool):
                raise ValidationException(f"{attribute}.Primary must be true or false.")
            found[name] = item
        else:
            found[name] = _checked_text(f"{attribute}.{name}", item)
    return found


def _checked_text(path: str, value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
        raise ValidationException(f"{path} must be a string of 1 to {_LONGEST} characters.")
    return value


def _update_extension(attributes: dict[str, Any], part: str, value: Any) -> None:
    held = dict(attributes.get("Extensions", {}))
    if part:
        inner = dict(held.get(_EXTENSION, {}))
        _set(inner, part, value)
        value = inner or None
    _set(held, _EXTENSION, value)
    _set(attributes, "Extensions", held or None)


def _set(attributes: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        attributes.pop(name, None)
    else:
        attributes[name] = value


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]
