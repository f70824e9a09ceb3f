"""The faults of CreateOAuth2Token, each with the `error` that AWS CLI decides by."""

from millpond.services.signin.oauth.api import AccessDeniedException, ValidationException


def invalid_request(words: str) -> ValidationException:
    return ValidationException(words, error="INVALID_REQUEST")


def code_expired(words: str) -> AccessDeniedException:
    """The CLI says to start `aws login` again."""
    return AccessDeniedException(words, error="AUTHCODE_EXPIRED")


def session_ended(words: str) -> AccessDeniedException:
    """The CLI asks for `aws login`."""
    return AccessDeniedException(words, error="TOKEN_EXPIRED")


def credentials_changed() -> AccessDeniedException:
    """The CLI asks for `aws login`."""
    return AccessDeniedException("The user's credentials have changed.", error="USER_CREDENTIALS_CHANGED")
