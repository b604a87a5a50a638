"""What waits for approval is seen as a draft in the ERP, as it would be posted, and only as long as it waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from answers_cases import POLICY, Case, invoice, usd

from connector import loop
from connector.policy import Switch
from connector.receivables import PaymentState
from connector.reports import TickReport

SUGGESTED = replace(POLICY, version="policy-suggest", post=Switch.SUGGEST)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path, SUGGESTED)
    made.erp.takes_drafts = True
    made.bill(invoice("INV-1", "100.00", date(2026, 8, 10), date(2026, 9, 9)))
    yield made
    made.store.close()


def test_a_suggested_match_is_one_draft_of_all_that_approving_would_post(case: Case) -> None:
    case.pay("ch_1", "100.00", "INV-1")
    case.tick()
    case.tick()

    ((external_id, draft),) = case.erp.drafts.items()
    assert ("arc-demo-pay-ch_1-1", "C1", usd("100.00")) == (external_id, draft.customer_id, draft.amount)
    assert [("1", usd("100.00"))] == [(one.invoice_id, one.amount) for one in draft.applications]
    assert {} == case.erp.payments


def test_a_draft_is_taken_back_when_its_suggestion_is_gone(case: Case) -> None:
    case.pay("ch_1", "100.00", "INV-1")
    case.tick()
    (payment,) = case.payments.payments
    case.payments.payments = [replace(payment, state=PaymentState.RETURNED)]
    case.tick()

    assert {} == case.erp.drafts


def test_a_draft_follows_its_suggestion(case: Case) -> None:
    case.pay("ch_1", "100.00", "INV-1")
    case.tick()
    case.erp.change("INV-1", balance=usd("40.00"))
    case.tick()

    (draft,) = case.erp.drafts.values()
    assert [("1", usd("40.00"))] == [(one.invoice_id, one.amount) for one in draft.applications]


@pytest.mark.parametrize("post", [Switch.SHADOW, Switch.AUTO])
def test_there_is_no_draft_in_shadow_nor_of_what_is_posted(tmp_path: Path, post: Switch) -> None:
    case = Case(tmp_path, replace(SUGGESTED, version=f"policy-{post}", post=post))
    case.erp.takes_drafts = True
    case.bill(invoice("INV-1", "100.00", date(2026, 8, 10), date(2026, 9, 9)))
    case.pay("ch_1", "100.00", "INV-1")
    case.tick()

    assert {} == case.erp.drafts
    case.store.close()


def test_where_the_erp_has_no_drafts_nothing_is_asked_of_it(case: Case) -> None:
    case.erp.takes_drafts = False
    case.pay("ch_1", "100.00", "INV-1")
    report: TickReport = loop.tick(case.parts())[0]

    assert ((), {}) == (report.troubles, case.erp.drafts)


def test_switched_off_what_is_there_is_taken_back(case: Case) -> None:
    case.pay("ch_1", "100.00", "INV-1")
    case.tick()
    case.erp.takes_drafts = False
    case.tick()

    assert {} == case.erp.drafts
