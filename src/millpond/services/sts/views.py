"""Records as STS answers them."""

from typing import Any

from millpond.services.iam import TemporaryKey


def credentials(key: TemporaryKey) -> dict[str, Any]:
    return {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.session_token,
        "Expiration": key.expires_at,
    }
