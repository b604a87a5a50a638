"""May this class of evidence post by itself? By counts, against known values of Wilson's bound."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import confidence
from connector.decisions.confidence import Tally
from connector.policy import PROOFS, Trust
from connector.receivables import Rung

ALL = Trust(auto=frozenset(Rung))
NONE_WRONG = "0 wrong of 381, so it is right in at least 99 %"

counts = st.integers(0, 3000)
tallies = st.builds(Tally, counts, st.integers(0, 50), st.integers(0, 50))
shares = st.decimals(Decimal("0.01"), Decimal("0.999"), places=3)


@pytest.mark.parametrize(
    ("right", "wrong", "unjudged", "bound"),
    [
        # Without a wrong one it is N / (N + z^2); the others were computed by the textbook's formula with 50 digits.
        (0, 0, 0, "0"),
        (0, 5, 0, "0"),
        (1, 0, 0, "0.2065"),
        (10, 0, 0, "0.7224"),
        (381, 0, 0, "0.9900"),
        (765, 0, 0, "0.9950"),
        (999, 1, 0, "0.9943"),
        (999, 0, 1, "0.9943"),  # what nobody has judged yet counts as wrong
        (81, 19, 0, "0.7222"),
        (5, 5, 0, "0.2365"),
        (5, 2, 3, "0.2365"),
        (99_999, 1, 0, "0.9999"),
        (50_000, 0, 0, "0.9999"),  # no count makes it certain
    ],
)
def test_the_bound_is_wilsons_lower_one_cut_to_four_decimals(right, wrong, unjudged, bound):
    assert Decimal(bound) == confidence.lower_bound(Tally(right, wrong, unjudged))


@given(tallies)
def test_the_bound_is_the_root_of_wilsons_equation(tally):
    """At the bound the observed share lies just z standard errors above it."""

    def beyond(precision: Fraction) -> bool:
        above = tally.right - tally.count * precision
        return above < 0 or above**2 < Fraction("3.841458820694124") * tally.count * precision * (1 - precision)

    shown = Fraction(confidence.lower_bound(tally))

    assert tally.count == 0 or not shown or not beyond(shown)
    assert tally.count == 0 or beyond(shown + Fraction(1, 10_000))


@given(tallies, st.integers(0, 50))
def test_the_bound_rises_with_every_right_one_and_falls_with_every_other(tally, more):
    bound = confidence.lower_bound(tally)

    assert bound <= confidence.lower_bound(replace(tally, right=tally.right + more))
    assert bound >= confidence.lower_bound(replace(tally, wrong=tally.wrong + more))
    assert bound >= confidence.lower_bound(replace(tally, unjudged=tally.unjudged + more))
    assert 0 <= bound < 1


@given(tallies, shares)
def test_needed_is_the_least_number_of_right_ones_that_reaches_the_policys_bound(tally, wanted):
    trust = replace(ALL, precision_min=wanted)
    needed = confidence.decide(Rung.EXACT_SUBSET, tally, trust).needed

    assert needed is not None
    assert confidence.decide(Rung.EXACT_SUBSET, replace(tally, right=tally.right + needed), trust).may_post
    short = replace(tally, right=tally.right + needed - 1)
    assert not needed or not confidence.decide(Rung.EXACT_SUBSET, short, trust).may_post


@pytest.mark.parametrize(
    ("rung", "auto", "demoted", "tally", "may_post", "is_proposed", "reason"),
    [
        # A person's own split is nobody's inference.
        ("by_person", "", "", (0, 9), True, False, "A person decided it."),
        ("by_person", "", "wrong once", (0, 9), True, False, "A person decided it."),
        # Proofs: the switch alone, from the first day, until a person called one wrong.
        ("stripe_link", "stripe_link", "", (0, 0), True, False, "It proves itself; 0 wrong of 0."),
        ("metadata", "metadata", "", (7, 1), True, False, "It proves itself; 1 wrong of 8."),
        ("metadata", "", "", (999, 0), False, False, "A proof that trust.auto doesn't name; 0 wrong of 999."),
        ("metadata", "metadata", "of ch_1", (9, 1), False, False, "Demoted until a person lifts it: of ch_1"),
        # Inferred: switched on, measured, not demoted: all three.
        ("exact_subset", "exact_subset", "", (381, 0), True, False, f"{NONE_WRONG}."),
        (
            *("exact_subset", "exact_subset", "", (380, 0), False, False),
            "0 wrong of 380, so it is right in at least 98.99 %; the policy wants 99 %: 1 more must be right, and none "
            "wrong.",
        ),
        (
            "exact_subset",
            "exact_subset",
            "of ch_1",
            (9999, 1),
            False,
            False,
            "Demoted until a person lifts it: of ch_1",
        ),
        # Reaching the bound proposes and never switches.
        ("exact_subset", "", "", (381, 0), False, True, f"{NONE_WRONG}: enough to be switched on in trust.auto."),
        ("exact_subset", "", "of ch_1", (381, 0), False, False, "Demoted until a person lifts it: of ch_1"),
        (
            *("exact_subset", "", "", (0, 0), False, False),
            "It was never seen here; the policy wants 99 %: 381 more must be right, and none wrong.",
        ),
        (
            *("exact_subset", "exact_subset", "", (400, 0, 2), False, False),
            "0 wrong of 400, and 2 not judged yet, so it is right in at least 98.2 %; the policy wants 99 %: 324 more "
            "must be right, and none wrong.",
        ),
    ],
)
def test_what_may_post(rung, auto, demoted, tally, may_post, is_proposed, reason):
    trust = Trust(auto=frozenset(Rung(name) for name in auto.split()))

    found = confidence.decide(Rung(rung), Tally(*tally), trust, demoted)

    assert (may_post, is_proposed, reason) == (found.may_post, found.is_proposed, found.reason)


def test_a_bound_of_zero_asks_for_no_measure_and_a_demotion_counts_all_the_same():
    unmeasured = replace(ALL, precision_min=Decimal(0))

    assert confidence.decide(Rung.EXACT_SUBSET, Tally(), unmeasured).may_post
    assert confidence.decide(Rung.EXACT_SUBSET, Tally(0, 9), unmeasured).may_post
    assert not confidence.decide(Rung.EXACT_SUBSET, Tally(), unmeasured, "wrong of ch_1").may_post
    assert not confidence.decide(Rung.EXACT_SUBSET, Tally(), replace(unmeasured, auto=PROOFS)).may_post


def test_a_class_that_was_never_seen_is_not_proposed_even_where_no_measure_is_asked_for():
    unmeasured = Trust(precision_min=Decimal(0))

    assert not confidence.decide(Rung.EXACT_SUBSET, Tally(), unmeasured).is_proposed
    assert confidence.decide(Rung.EXACT_SUBSET, Tally(1), unmeasured).is_proposed


def test_no_count_reaches_certainty():
    found = confidence.decide(Rung.EXACT_SUBSET, Tally(10**6), replace(ALL, precision_min=Decimal(1)))

    assert not found.may_post
    assert found.needed is None
    assert found.reason.endswith("the policy wants 100 %, which no count can prove.")


@given(st.sampled_from(sorted(Rung)), tallies, st.booleans())
def test_what_is_proposed_is_just_what_would_post_if_it_were_switched_on(rung, tally, is_demoted):
    why = "wrong of ch_1" if is_demoted else ""
    off = confidence.decide(rung, tally, Trust(auto=frozenset()), why)
    on = confidence.decide(rung, tally, ALL, why)

    if rung not in PROOFS:
        assert off.is_proposed == (on.may_post and tally.count > 0)
        assert not off.may_post
    assert not on.is_proposed


@pytest.mark.parametrize(
    ("rung", "auto", "demoted", "tally", "bound", "needed"),
    [
        ("by_person", "", "", (10, 0), "0.7224", 0),
        ("metadata", "metadata", "", (10, 0), "0.7224", 0),
        ("metadata", "metadata", "of ch_1", (10, 0), "0.7224", 0),  # a proof needs no number: a person lifts it
        ("exact_subset", "exact_subset", "of ch_1", (0, 0), "0", 381),
        ("exact_subset", "exact_subset", "of ch_1", (381, 0), "0.9900", 0),
        ("exact_subset", "exact_subset", "", (380, 0), "0.9899", 1),
        ("exact_subset", "exact_subset", "", (381, 0), "0.9900", 0),
        ("exact_subset", "", "", (381, 0), "0.9900", 0),
    ],
)
def test_whatever_is_decided_people_see_the_count_its_bound_and_how_far_it_is(
    rung, auto, demoted, tally, bound, needed
):
    trust = Trust(auto=frozenset(Rung(name) for name in auto.split()))
    found = confidence.decide(Rung(rung), Tally(*tally), trust, demoted)

    assert (Tally(*tally), Decimal(bound), needed) == (found.tally, found.lower_bound, found.needed)


def test_what_was_never_seen_and_needs_no_measure_waits_for_the_switch_alone():
    found = confidence.decide(Rung.EXACT_SUBSET, Tally(), Trust(precision_min=Decimal(0)))

    assert "It was never seen here: trust.auto doesn't name it." == found.reason
