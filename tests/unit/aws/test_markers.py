"""Markers: pages join up, and a marker is good for its own query alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.aws import markers

QUERY = ("DescribeCacheClusters", "123456789012", "eu-central-1")


@given(names=st.sets(st.text(max_size=8)), limit=st.integers(1, 7))
def test_the_pages_together_are_everything_once(names: set[str], limit: int):
    found: list[str] = []
    marker: str | None = None
    while True:
        page, marker = markers.page(names, key=lambda name: (name,), limit=limit, marker=marker, query=QUERY)
        found += page
        if marker is None:
            break
        assert len(page) == limit

    assert found == sorted(names)


def test_given_the_last_item_of_a_page_is_gone_when_the_next_is_asked_for_then_nothing_is_lost_or_twice():
    _, marker = markers.page(["a", "b", "c", "d"], key=lambda name: (name,), limit=2, marker=None, query=QUERY)

    page, _ = markers.page(["a", "c", "d"], key=lambda name: (name,), limit=2, marker=marker, query=QUERY)

    assert page == ["c", "d"]


@given(text=st.text(max_size=60))
def test_any_text_is_refused_as_a_marker(text: str):
    with pytest.raises(markers.ForeignMarker):
        markers.decode(text, QUERY)


@pytest.mark.parametrize("other", [(*QUERY[:2], "us-east-1"), QUERY[:2], (*QUERY, "filter")])
def test_a_marker_of_another_query_is_refused(other: tuple[str, ...]):
    marker = markers.encode(("a",), QUERY)

    assert markers.decode(marker, QUERY) == ("a",)
    with pytest.raises(markers.ForeignMarker):
        markers.decode(marker, other)


def test_a_marker_cut_short_or_changed_is_refused():
    marker = markers.encode(("a-key", "another"), QUERY)

    for spoiled in (marker[:-1], marker + "A", "A" + marker[1:], marker.swapcase()):
        with pytest.raises(markers.ForeignMarker):
            markers.decode(spoiled, QUERY)
