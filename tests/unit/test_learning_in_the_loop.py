"""What was learned, in the real loop: who pays, which evidence may post by itself, and what an undoing costs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest
from answers_cases import POLICY, Case, LedgerErp, invoice, usd

from connector.decisions.payer import AliasKind
from connector.policy import PROOFS, Trust
from connector.ports import PaymentSeen
from connector.receivables import Customer, InvoiceStatus, Rung
from connector.store import closing, learning

BILLED, DUE = date(2026, 8, 20), date(2026, 9, 19)
AMOUNTS = frozenset({Rung.EXACT_BALANCE})


@dataclass
class ErpOfPeople(LedgerErp):
    """One in which people post too: `by_people` by the source's id that they noted."""

    by_people: dict[str, PaymentSeen] = field(default_factory=dict)

    def find_payments(self, source_ids: Sequence[str]) -> dict[str, PaymentSeen]:
        return {one: seen for one, seen in self.by_people.items() if one in source_ids}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    made.erp.customers["C2"] = Customer("C2", "Globex GmbH")
    made.bill(
        invoice("INV-1", "100.00", BILLED, DUE),
        invoice("INV-2", "250.00", BILLED, DUE),
        invoice("INV-3", "100.00", BILLED, DUE, customer_id="C2"),
    )
    yield made
    made.store.close()


def standing(case: Case, payment_id: str) -> str:
    with case.store.read() as tx:
        return closing.standing(tx, payment_id)


def unknown(case: Case, payment_id: str, amount: str, text: str, **said: str) -> None:
    case.pay(payment_id, amount, text, customer_id="", **said)


# ---- whose money ----


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"payer_name": "NORTHFIELD ROBOTICS"}, "matched"),
        ({"payer_name": "Northfield Robotix"}, "exception"),
        ({"payer_bank": "fp-1"}, "exception"),
        ({}, "exception"),
    ],
)
def test_money_without_a_customer_is_whose_name_it_bears_and_nobodys_that_is_merely_alike(
    case: Case, said: dict[str, str], expected: str
) -> None:
    unknown(case, "ch_1", "250.00", "", **said)
    case.tick()

    assert expected == standing(case, "ch_1")


def test_a_learned_bank_account_counts_from_the_pass_after_the_second_persons_word(case: Case) -> None:
    case.policy = replace(POLICY, trust=Trust(PROOFS))
    unknown(case, "ch_1", "250.00", "INV-2", payer_bank="fp-1", payer_name="N. Treasury")
    case.tick()
    before = standing(case, "ch_1")
    with case.store.tx() as tx:
        alias = learning.put_alias(tx, AliasKind.BANK_ACCOUNT, "fp-1", "C1", "ch_1", "ana")
    case.tick(minutes=1)
    between = standing(case, "ch_1")
    with case.store.tx() as tx:
        assert "" == learning.confirm_alias(tx, alias, "bo")
    case.tick(minutes=1)

    assert ("suggested", "suggested") == (before, between)
    assert ("matched", usd("0.00")) == (standing(case, "ch_1"), case.erp.invoices["2"].balance)


# ---- which evidence posts ----


def right(case: Case, count: int) -> None:
    with case.store.tx() as tx:
        for number in range(count):
            learning.put_evidence(tx, f"past{number}", learning.HISTORY, Rung.EXACT_BALANCE, "right", "")


@pytest.mark.parametrize(
    ("auto", "count", "expected"),
    [
        (PROOFS | AMOUNTS, 381, "matched"),
        (PROOFS | AMOUNTS, 380, "suggested"),  # not yet measured
        (PROOFS, 381, "suggested"),  # measured, and nobody switched it on
    ],
)
def test_an_amount_posts_only_if_it_is_switched_on_and_measured(
    case: Case, auto: frozenset[Rung], count: int, expected: str
) -> None:
    case.policy = replace(POLICY, trust=Trust(auto))
    right(case, count)
    case.pay("ch_1", "250.00")
    case.tick()

    assert expected == standing(case, "ch_1")


def test_one_posting_taken_back_demotes_its_class_until_a_person_lifts_it(case: Case) -> None:
    case.policy = replace(POLICY, trust=Trust(PROOFS | AMOUNTS))
    right(case, 5000)
    case.pay("ch_1", "250.00")
    case.tick()
    assert "matched" == standing(case, "ch_1")
    case.erp.change("INV-2", balance=usd("250.00"), status=InvoiceStatus.OPEN)  # a person takes the application back
    case.tick(minutes=1)
    case.pay("ch_2", "100.00")
    case.tick(minutes=1)

    assert "suggested" == standing(case, "ch_2")
    with case.store.tx() as tx:
        assert [Rung.EXACT_BALANCE] == list(learning.demotions(tx))
        learning.lift(tx, Rung.EXACT_BALANCE, "bo", "the customer asked for it")
    case.tick(minutes=1)
    assert "matched" == standing(case, "ch_2")


@pytest.mark.parametrize(("paid", "outcome"), [("2", "right"), ("1", "wrong")])
def test_what_a_person_posts_while_a_suggestion_stands_says_how_good_it_was(
    case: Case, paid: str, outcome: str
) -> None:
    case.erp = ErpOfPeople(case.clock, invoices=case.erp.invoices, customers=case.erp.customers)
    case.policy = replace(POLICY, trust=Trust(PROOFS))
    case.pay("ch_1", "250.00")
    case.tick()
    assert "suggested" == standing(case, "ch_1")
    case.erp.by_people["ch_1"] = PaymentSeen("900", "C1", usd("250.00"), ((paid, usd("250.00")),), voided=False)
    case.tick(minutes=1)

    with case.store.read() as tx:
        tally = learning.tallies(tx)[Rung.EXACT_BALANCE]
        demoted = list(learning.demotions(tx))
    assert (outcome == "right", outcome == "wrong") == (tally.right == 1, tally.wrong == 1)
    assert ([Rung.EXACT_BALANCE] if outcome == "wrong" else []) == demoted
