"""An instance of IAM Identity Center: its directory and its access portal belong to it."""

from datetime import datetime

import msgspec


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """At most one an account; that of the installation's first account serves every account."""

    id: str
    """`ssoins-` and 16 hexadecimal digits."""
    identity_store_id: str
    """`d-` and 10 hexadecimal digits."""
    account: str
    """The owner."""
    region: str
    """Its home: nobody sees it from another region."""
    name: str = ""
    created_at: datetime
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:sso:::instance/{self.id}"

    @property
    def identity_store_arn(self) -> str:
        return f"arn:aws:identitystore::{self.account}:identitystore/{self.identity_store_id}"

    @property
    def portal_url(self) -> str:
        """A start URL that AWS's tools take for AWS-owned; it names the instance and is never fetched."""
        return f"https://{self.id}.portal.{self.region}.app.aws/start"

    @property
    def start_url(self) -> str:
        """The older form of the same."""
        return f"https://{self.identity_store_id}.awsapps.com/start"
