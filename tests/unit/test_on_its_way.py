"""A write whose answer was lost may still come true: as long as it may, it is looked up and never tried again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from answers_cases import Case, invoice

from connector.store import closing
from connector.store.closing import Act
from tests.fakes.ledger_erp import At, Trouble

TWENTY_MINUTES = timedelta(minutes=20)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    made.erp.is_atomic, made.erp.settles_within = True, TWENTY_MINUTES
    made.bill(invoice("INV-1", "100.00", date(2026, 8, 10), date(2026, 9, 9)))
    made.pay("ch_1", "100.00", "INV-1")
    yield made
    made.store.close()


def act_of(case: Case) -> Act:
    with case.store.read() as tx:
        (act,) = closing.acts(tx, list(closing.ActState))
    return act


def test_until_it_is_over_nothing_is_tried_again(case: Case) -> None:
    case.erp.upset(At.ACT, Trouble.LOST_BEFORE)
    case.tick()
    case.clock.at += timedelta(minutes=19)
    case.tick()

    act = act_of(case)
    assert ("attempted", 1, {}) == (act.state, act.attempts, case.erp.payments)
    assert "its write may still be carried out until 2026-09-07 14:20 UTC" in act.problem


def test_once_it_is_over_it_is_tried_again(case: Case) -> None:
    case.erp.upset(At.ACT, Trouble.LOST_BEFORE)
    case.tick()
    case.clock.at += TWENTY_MINUTES
    case.tick()

    assert ("closed", 2, 1) == (act_of(case).state, act_of(case).attempts, len(case.erp.payments))


def test_what_is_found_goes_on_at_once(case: Case) -> None:
    case.erp.upset(At.ACT, Trouble.LOST_AFTER)
    case.tick()

    assert ("closed", 1, 1) == (act_of(case).state, act_of(case).attempts, len(case.erp.payments))


def test_where_the_erp_tells_a_second_try_apart_nothing_is_waited_for(case: Case) -> None:
    case.erp.settles_within = timedelta()
    case.erp.upset(At.ACT, Trouble.LOST_BEFORE)
    case.tick()

    assert ("closed", 2) == (act_of(case).state, act_of(case).attempts)
