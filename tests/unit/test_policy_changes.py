"""What changed between two versions of the policy, as a person would say it."""

from __future__ import annotations

import pytest

from connector import mapping
from connector.policy_changes import changes


def told(before: str, after: str) -> list[str]:
    return [str(one) for one in changes(mapping.plain(before), mapping.plain(after))]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("send: shadow", "send: shadow  # as before", []),
        ("send: shadow", "send: auto", ["send: shadow -> auto"]),
        ("", "send: auto", ["send: auto (new)"]),
        ("send: auto", "", ["send: auto (taken away)"]),
        ("a: {b: {c: 1}}", "a: {b: {c: 2}}", ["a.b.c: 1 -> 2"]),
        ("on: true", "on: false", ["on: true -> false"]),
        # Amounts keep their digits.
        ("x: {USD: 5.00}", "x: {USD: 5.10}", ["x.USD: 5.00 -> 5.10"]),
        ("days: [mon, tue]", "days: [mon]", ["days: [mon, tue] -> [mon]"]),
        ("people: {}", "people: {ana: analyst}", ["people.ana: analyst (new)", "people: {} (taken away)"]),
    ],
)
def test_each_key_is_told_by_its_path(before: str, after: str, said: list[str]) -> None:
    assert said == told(before, after)


STEPS = "steps: [{days: -7, template: a}, {days: 1, template: b}]"


def test_entries_of_a_list_are_known_by_their_names_and_not_by_their_places() -> None:
    """One put in front doesn't change all behind it."""
    more = "steps: [{days: -14, template: z}, {days: -7, template: a}, {days: 1, template: c}]"

    assert [
        "steps[-14].days: -14 (new)",
        "steps[-14].template: z (new)",
        "steps[1].template: b -> c",
        "order of steps: -7, 1 -> -14, -7, 1",
    ] == told(STEPS, more)


def test_another_order_is_a_change_since_the_first_that_fits_decides() -> None:
    before = "segments: [{name: a, post: auto}, {name: b, post: auto}]"
    after = "segments: [{name: b, post: auto}, {name: a, post: auto}]"

    assert ["order of segments: a, b -> b, a"] == told(before, after)


def test_who_may_approve_stands_first() -> None:
    before = "send: shadow\napprovals: {people: {bo: controller}}"
    after = "send: auto\napprovals: {people: {bo: controller, mallory: controller}}"

    assert ["approvals.people.mallory: controller (new)", "send: shadow -> auto"] == told(before, after)


def test_a_text_that_is_no_policy_has_no_keys() -> None:
    assert [] == told("- a\n- b", "[")
    assert ["send: auto (new)"] == told("just words", "send: auto")


def test_long_values_are_cut() -> None:
    (only,) = changes({"when": "a" * 500}, {"when": "b" * 500})
    assert only.before.endswith("…")
    assert len(only.before) == len(only.after) < 130
