"""AWS's rule for identifiers."""

import pytest

from millpond.services.elasticache.api import InvalidParameterValueException
from millpond.services.elasticache.identifiers import identifier


@pytest.mark.parametrize("value", ["a", "A1", "my-cache", "a-1-b", "a" * 50])
def test_good_identifiers_are_folded_to_lower_case(value: str):
    assert identifier("CacheClusterId", value, most=50) == value.lower()


@pytest.mark.parametrize("value", ["", "1a", "-a", "a-", "a--b", "a b", "a.b", "a_b", "é", "a\n", "a" * 51])
def test_others_are_refused_with_the_name_of_the_member(value: str):
    with pytest.raises(
        InvalidParameterValueException, match="The parameter CacheClusterId is not a valid identifier"
    ) as fault:
        identifier("CacheClusterId", value, most=50)
    assert (fault.value.code, fault.value.status) == ("InvalidParameterValue", 400)
