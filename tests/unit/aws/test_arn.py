"""ARNs, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.aws.arn import Arn, parse

WORDS = st.text(st.sampled_from("abc-1"), min_size=1)


@given(
    partition=WORDS,
    service=WORDS,
    region=WORDS | st.just(""),
    account=st.just("") | WORDS,
    resource=st.text(min_size=1),
)
def test_what_is_written_is_read_back(partition: str, service: str, region: str, account: str, resource: str):
    arn = Arn(partition=partition, service=service, region=region, account=account, resource=resource)

    assert parse(str(arn)) == arn


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("arn:aws:elasticache:eu-central-1:123456789012:cluster:a", "cluster", "a"),
        ("arn:aws:iam::123456789012:user/division/alice", "user", "division/alice"),
        ("arn:aws:iam::123456789012:root", "", "root"),
        ("arn:aws:logs:eu-central-1:1:log-group:/a/b", "log-group", "/a/b"),
    ],
)
def test_the_resource_has_a_type_and_an_id(text: str, kind: str, name: str):
    assert (parse(text).resource_type, parse(text).resource_id) == (kind, name)


@pytest.mark.parametrize(
    "text", ["", "arn", "arn:aws:iam::1", "urn:aws:iam::1:root", "arn::iam::1:root", "arn:aws:iam::1:"]
)
def test_what_is_no_arn_is_refused(text: str):
    with pytest.raises(ValueError, match="ARN"):
        parse(text)
