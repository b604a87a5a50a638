"""`connector explain PAYMENT`: the evidence, the equation in cents, what else was considered and why it lost."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from answers_cases import POLICY, Case, invoice, usd
from rich.console import Console

from connector import answers_payment
from connector.display import show_payment
from connector.policy import Policy, Trust
from connector.reports import PaymentExplanation

ISSUED, DUE = date(2026, 8, 10), date(2026, 9, 9)
ONLY_PROOFS = replace(POLICY, trust=Trust(precision_min=Decimal("0.99")))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    with contextlib.closing(made.store):
        made.bill(invoice("INV-1001", "1250.00", ISSUED, DUE), invoice("INV-1002", "800.00", ISSUED, DUE))
        yield made


def explain(case: Case, name: str = "ch_1", policy: Policy | None = POLICY) -> PaymentExplanation | None:
    with case.store.read() as tx:
        return answers_payment.explain_payment(tx, name, case.clock.now(), policy)


def explained(case: Case, name: str = "ch_1", policy: Policy | None = POLICY) -> PaymentExplanation:
    found = explain(case, name, policy)

    assert found is not None
    return found


def shown(found: PaymentExplanation) -> str:
    out = io.StringIO()
    show_payment(Console(file=out, width=160), found)
    return out.getvalue()


def test_a_match_is_told_with_its_evidence_its_equation_and_its_parts(case: Case) -> None:
    case.pay("ch_1", "2050.00", "INV-1001, INV-1002")
    case.tick()

    found = explained(case)

    assert ("match by printed_reference", "1,250.00 + 800.00 = 2,050.00 USD") == (found.verdict, found.equation)
    assert [("INV-1001", usd("1250.00"), "posted"), ("INV-1002", usd("800.00"), "posted")] == [
        (part.invoice, part.amount, part.state) for part in found.parts
    ]
    assert (usd("0.00"), "INV-1001, INV-1002", "id") == (found.left, found.remittance, found.payer_by)
    assert ["closed"] == [act.state for act in found.acts]
    assert {"payment_seen", "payment_matched", "invoice_matched"} <= {row.event for row in found.timeline}


def test_it_is_found_by_the_erps_own_id_too(case: Case) -> None:
    case.pay("ch_1", "1250.00", "INV-1001")
    case.tick()

    assert "ch_1" == explained(case, name="90").payment
    assert explain(case, "ch_unknown") is None


def test_a_suggestion_says_what_it_waits_for_and_how_often_its_evidence_was_right(case: Case) -> None:
    case.policy = ONLY_PROOFS
    case.pay("ch_1", "1250.00")
    case.tick()

    found = explained(case, policy=ONLY_PROOFS)

    assert [("INV-1001", "suggested")] == [(part.invoice, part.state) for part in found.parts]
    assert "exact balance doesn't post by itself" in found.waits
    assert "never seen here; the policy wants 99 %: 381 more must be right" in found.trust
    assert "" == explained(case, policy=None).trust  # the policy file can't be read: the rest is told all the same


def test_an_exception_shows_what_was_considered_and_lost(case: Case) -> None:
    case.pay("ch_1", "1200.00", "INV-1001, INV-9999")
    case.tick()

    found = explained(case)

    assert "exception unexplained_reference" == found.verdict
    assert any("1,250.00 USD, which is not the payment of 1,200.00 USD" in text for text in found.considered)
    assert ["unexplained_reference"] == [one.kind for one in found.exceptions]


def test_a_person_reads_sentences_and_amounts_and_no_names_of_programs(case: Case) -> None:
    case.pay("ch_1", "1200.00", "INV-1001, INV-9999")
    case.tick()

    text = shown(explained(case))

    assert "Payment ch_1 (stripe)" in text
    assert "1,200.00 USD" in text
    assert "What else was considered" in text
    assert "received, waits for a person" in text
    assert ["known", "by", "customer", "id"] in [line.split() for line in text.splitlines()]
    assert "_" not in text.partition("What happened")[0].replace("ch_1", "")
