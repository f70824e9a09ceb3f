"""Where a node lives: decided when it is placed, whatever the machine can do later."""

from datetime import UTC, datetime

import pytest

from millpond.services.elasticache.records.cache_clusters import CacheNode

AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(("address", "lives_in"), [("172.31.0.9", "eni-1"), ("127.83.0.17", ""), ("", "eni-1")])
def test_given_an_address_of_the_machines_own_then_its_interface_is_on_record_only(address: str, lives_in: str):
    node = CacheNode(id="0001", zone="us-east-1a", created_at=AT, address=address, interface="eni-1")
    assert node.lives_in == lives_in
