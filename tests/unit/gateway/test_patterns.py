"""Java's patterns in Python: every pattern of the services that are served can be read, and means the same."""

import pytest

from millpond.aws.models import Models
from millpond.gateway.patterns import Patterns

SERVED = ("elasticache", "iam", "sts", "ec2", "cloudwatch", "sso-admin", "identitystore", "sso-oidc", "logs", "kms")


@pytest.mark.parametrize("name", SERVED)
def test_every_pattern_of_a_service_can_be_read(name: str):
    service, patterns = Models().service(name), Patterns()
    given = {service.shape_for(each).metadata.get("pattern") for each in service.shape_names} - {None}

    for pattern in given:
        patterns.is_match(pattern, "a")


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "Zoë's", False),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "Zoë Müller 1_/", True),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "漢字", True),
        (r"[\w+=,.@-]+", "zoë", False),
        (r"\p{L}+(?:\.\p{L}+){0,2}", "a.b.c", True),
        (r"\P{L}+", "123", True),
        (r"\P{L}+", "a", False),
        (r"[a[b]]", "[]", True),
        (r"[\u0020-\u00FF]+", "ÿ", True),
        (r"[\u0020-\u00FF]+", "Ā", False),
        (r"[a--z]+", "-", True),
        (r"[a-zA-Z][a-zA-Z0-9\-]*", "a\n", False),
        (r".*\S.*", "   ", False),
        (r"\d+", "٣", False),
        (r"\p{Print}+", "a b", True),
        (r"[\w-_]+", "a-_", True),
        (r"[]a]+", "]a", True),
        (r"[^]a]+", "b", True),
    ],
)
def test_a_pattern_means_what_it_means_in_java(pattern: str, value: str, matches: bool):
    assert Patterns().is_match(pattern, value) is matches
