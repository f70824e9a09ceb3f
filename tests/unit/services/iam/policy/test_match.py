"""Wildcards and ARNs, and that no pattern is slow."""

import time

import pytest

from millpond.services.iam.policy.match import arn_matches, components_match, plain


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("abc", "ABC", False),
        ("*", "", True),
        ("*", "anything:at/all", True),
        ("**", "a", True),
        ("a*", "a", True),
        ("a*", "ba", False),
        ("*a", "ba", True),
        ("*a", "ab", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*ab*", "aab", True),
        ("?", "", False),
        ("?", "x", True),
        ("?", "xy", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a??", "abc", True),
        ("?*?", "a", False),
        ("?*?", "ab", True),
        ("*b?d*", "abcd", True),
        ("*b?d*", "abd-bxd", True),
        ("*b?d", "bcd-bc", False),
        ("a*?", "a", False),
        ("a*?b", "acb", True),
        ("a.c", "abc", False),
        ("a[b]*", "a[b]c", True),
        ("a\n*", "a\nb", True),
        ("*?*", "\n", True),
    ],
)
def test_given_a_pattern_then_it_matches_the_whole_text_or_not(pattern: str, text: str, *, expected: bool):
    assert plain(pattern).matches(text) is expected


@pytest.mark.parametrize(
    "pattern",
    ["*a" * 40 + "b", "a*" * 40 + "b", "*a?a" * 40 + "b", "*" + "a?" * 40 + "b", "?*" * 40 + "b", "*" * 2000 + "b"],
)
def test_given_a_pattern_made_to_blow_up_then_it_is_as_fast_as_any_other(pattern: str):
    compiled, text = plain(pattern), "a" * 20_000
    begin = time.process_time()
    assert compiled.matches(text) is False
    assert time.process_time() - begin < 0.5


ARN = "arn:aws:elasticache:us-east-1:123456789012:cluster:my-cache"


def segments(pattern: str):
    parts = [plain(each) for each in pattern.split(":", 5)]
    return [*parts, *[plain("*")] * (6 - len(parts))]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (ARN, True),
        ("arn:aws:elasticache:us-east-1:123456789012:cluster:my-*", True),
        ("arn:aws:elasticache:us-east-1:123456789012:cluster:MY-CACHE", False),
        ("arn:aws:elasticache:us-east-1:123456789012:cluster:my", False),
        ("arn:aws:elasticache:*:*:*", True),
        ("arn:aws:elasticache:us-*-1:123456789012:cluster:*", True),
        ("arn:aws:elasticache:eu-*-1:123456789012:cluster:*", False),
        ("arn:aws:elasticache:us-east-?:123456789012:cluster:*", True),
        ("arn:aws:elasticache:us-east-1:12345678901?:cluster:*", True),
        ("arn:aws:elasticache:us-east-1:999999999999:cluster:*", False),
        # short ones are completed
        ("arn:aws:elasticache", True),
        ("arn:aws:elasticache:us-east-1", True),
        ("arn:aws:s3", False),
        # a star at the end of a segment reaches beyond the colon, one within it does not
        ("arn:aws:elasticache:us-*:cluster:my-cache", True),
        ("arn:aws:elasticache:*:cluster:my-cache", True),
        ("arn:aws:elasticache:us*1:cluster:my-cache", False),
        ("arn:aws:elasticache:*:123456789012:my-cache", False),
        ("arn:aws:elasticache:eu-*:cluster:my-cache", False),
    ],
)
def test_given_a_resource_pattern_then_each_segment_is_its_own(pattern: str, *, expected: bool):
    assert arn_matches(segments(pattern), ARN) is expected


def test_given_an_arn_of_many_colons_then_matching_stays_fast():
    pattern = segments("arn*:a*:b*:c*:d*:e")
    begin = time.process_time()
    assert not arn_matches(pattern, "arn" + ":a:b:c:d" * 500)
    assert time.process_time() - begin < 0.5


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (ARN, True),
        ("arn:aws:elasticache:*:123456789012:*", True),
        ("arn:aws:elastic?ache:*:*:*", False),
        ("arn:*:*:*:*:cluster:my-cache", True),
        ("arn:aws:elasticache:*:cluster:my-cache", False),
        ("arn:aws:elasticache:*", False),
    ],
)
def test_given_an_arn_condition_then_components_are_compared_one_by_one(pattern: str, *, expected: bool):
    assert components_match([plain(each) for each in pattern.split(":", 5)], ARN) is expected
