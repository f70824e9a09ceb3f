"""Column types that slices share."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, kept as microseconds since 1970: sortable and the same on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> int | None:
        return None if value is None else round(value.timestamp() * 1_000_000)

    def process_result_value(self, value: int | None, _dialect: Any) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value / 1_000_000, UTC)
