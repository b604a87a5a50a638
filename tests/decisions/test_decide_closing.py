"""Do ERP, cash and reminders agree?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from decision_cases import invoice, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import closing
from connector.decisions.closing import ClosingOutcome
from connector.receivables import (
    ActSeen,
    Cancellation,
    CloseIntent,
    PaymentApplication,
    PaymentSeen,
    PaymentToPost,
    Receipt,
    RecordState,
)

AT = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)
PARTS = (PaymentApplication("1", usd("60.00")), PaymentApplication("2", usd("40.00")))
INTENT = CloseIntent(
    "a1",
    PaymentToPost("pay-1", "C1", usd("100.00"), date(2026, 10, 5), PARTS, "stripe ch_1"),
    (Cancellation("can-1", "1", ("+7",), "paid", AT),),
    Receipt("rec-1", "pay-1", "text"),
)
SEEN_PAYMENT = PaymentSeen("900", "C1", usd("100.00"), (("2", usd("40.00")), ("1", usd("60.00"))), voided=False)
RECORDS = (("can-1", RecordState.INTENDED), ("rec-1", RecordState.CLOSED))
INVOICES = (invoice("INV-1", "0.00"), invoice("INV-2", "5.00"))
SEEN = ActSeen("a1", AT, SEEN_PAYMENT, RECORDS, INVOICES)
LEFT = {"1": usd("0.00"), "2": usd("5.00")}


def paid(**change: object) -> ActSeen:
    return replace(SEEN, payment=replace(SEEN_PAYMENT, **change))


WITHDRAWN = (("can-1", RecordState.WITHDRAWN), ("rec-1", RecordState.CLOSED))


@pytest.mark.parametrize(
    ("seen", "outcome", "missing", "told"),
    [
        # seen                                            outcome             missing                        told
        (SEEN, "closed", (), ""),
        (replace(SEEN, payment=None), "payment_missing", ("pay-1",), ""),
        (replace(SEEN, payment=None, records=()), "payment_missing", ("pay-1", "can-1", "rec-1"), ""),
        (paid(voided=True), "payment_different", (), "voided"),
        (paid(customer_id="C2"), "payment_different", (), "belongs to customer C2"),
        (paid(amount=usd("99.00")), "payment_different", (), "99.00 USD, not 100.00 USD"),
        (paid(applications=(("1", usd("60.00")),)), "payment_different", (), "invoice 2 got nothing"),
        (paid(applications=(("1", usd("60.00")), ("2", usd("39.00")))), "payment_different", (), "39.00 USD"),
        (paid(applications=(*SEEN_PAYMENT.applications, ("3", usd("1.00")))), "payment_different", (), "invoice 3"),
        # Precedence: a different payment before lost records, these before a balance.
        (replace(paid(voided=True), records=()), "payment_different", ("can-1", "rec-1"), "voided"),
        (replace(SEEN, records=RECORDS[:1], invoices=()), "records_missing", ("rec-1",), "not returned"),
        (replace(SEEN, records=WITHDRAWN), "records_missing", ("can-1",), ""),
        (replace(SEEN, invoices=INVOICES[:1]), "balance_differs", (), "not returned"),
        (replace(SEEN, invoices=(INVOICES[0], invoice("INV-2", "4.00"))), "balance_differs", (), "somebody else"),
        (replace(SEEN, invoices=(INVOICES[0], invoice("INV-2", "45.00"))), "balance_differs", (), "less was applied"),
        (replace(SEEN, invoices=(INVOICES[0], invoice("INV-2", "5.00", currency="EUR"))), "balance_differs", (), "EUR"),
    ],
)
def test_an_act_is_closed_only_if_all_of_it_agrees(seen, outcome, missing, told):
    verdict = closing.decide(INTENT, seen, LEFT)

    assert (outcome, missing) == (verdict.outcome, verdict.missing)
    assert told in " ".join(verdict.differences)
    assert bool(told) == bool(verdict.differences)


def test_every_outcome_has_a_row():
    rows = [SEEN, replace(SEEN, payment=None), paid(voided=True), replace(SEEN, records=()), replace(SEEN, invoices=())]

    assert set(ClosingOutcome) == {closing.decide(INTENT, seen, LEFT).outcome for seen in rows}


@given(st.permutations(RECORDS), st.permutations(INVOICES), st.permutations(SEEN_PAYMENT.applications))
def test_the_order_of_what_the_erp_returns_never_matters(records, invoices, parts):
    seen = replace(paid(applications=tuple(parts)), records=tuple(records), invoices=tuple(invoices))

    assert ClosingOutcome.CLOSED == closing.decide(INTENT, seen, LEFT).outcome
