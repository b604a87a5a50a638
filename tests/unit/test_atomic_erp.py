"""An ERP that writes a closing act whole or not at all: the flags go with the payment, and nothing is marked later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from answers_cases import Case, LedgerErp, invoice

from connector.ports import ActAnswer, Answer, Mark, Outcome
from connector.receivables import ArStatus, CloseIntent
from connector.store import closing
from connector.store import tables as t
from connector.store.closing import ActState


@dataclass
class AtomicErp(LedgerErp):
    """`with_acts` and `alone`: the AR statuses as they came, with acts and by themselves."""

    is_atomic: bool = True
    refuses_flags: bool = False
    with_acts: list[ArStatus] = field(default_factory=list)
    alone: list[ArStatus] = field(default_factory=list)

    def write_acts(self, intents: Sequence[CloseIntent], statuses: Sequence[ArStatus] = ()) -> tuple[ActAnswer, ...]:
        self.with_acts += statuses
        return super().write_acts(intents, statuses)

    def write_marks(self, marks: Sequence[Mark], statuses: Sequence[ArStatus]) -> tuple[Answer, ...]:
        self.alone += statuses
        return super().write_marks(marks, statuses)

    def _show(self, statuses: Sequence[ArStatus]) -> tuple[Answer, ...]:
        if self.refuses_flags:
            return tuple(Answer(one.external_id, Outcome.REFUSED, message="no such field") for one in statuses)
        return super()._show(statuses)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    made.erp = AtomicErp(made.clock)
    made.bill(invoice("INV-1", "100.00", date(2026, 8, 10), date(2026, 9, 9)))
    yield made
    made.store.close()


def paid(case: Case, amount: str = "100.00", text: str = "INV-1") -> AtomicErp:
    """The invoice is known to the ERP's people as open; then its payment comes."""
    erp = case.erp
    assert isinstance(erp, AtomicErp)
    case.tick()
    erp.alone.clear()
    case.pay("ch_1", amount, text)
    case.tick()
    return erp


def test_what_is_seen_of_an_invoice_changes_in_the_act_that_closes_it(case: Case) -> None:
    erp = paid(case)

    (status,) = erp.with_acts
    assert ("closed", True) == (status.state, status.reason.startswith("paid; reminders cancelled: "))
    assert [] == erp.alone


def test_what_stays_as_it_is_seen_is_not_written_again(case: Case) -> None:
    erp = paid(case, "60.00", "INV-1 60.00")

    assert ("reminding", []) == (erp.shown["1"].state, erp.with_acts)


def test_an_act_ends_without_another_write(case: Case) -> None:
    paid(case)

    with case.store.read() as tx:
        (act,) = closing.acts(tx, [ActState.CLOSED])
    assert "ch_1" == act.payment_id


def test_a_refused_flag_does_not_keep_the_act_from_closing_and_is_shown(case: Case) -> None:
    case.tick()
    erp = case.erp
    assert isinstance(erp, AtomicErp)
    erp.refuses_flags = True
    case.pay("ch_1", "100.00", "INV-1")
    report = case.tick()

    with case.store.read() as tx:
        assert 1 == len(closing.acts(tx, [ActState.CLOSED]))
        shown = [one["kind"] for one in tx.execute(t.exception.select()).mappings()]
    assert (1, ["flag_refused"]) == (report.closed, shown)


def test_nothing_of_the_supposed_close_stays_in_the_store_when_the_answer_is_lost(case: Case) -> None:
    erp = case.erp
    case.tick()
    assert isinstance(erp, AtomicErp)
    case.pay("ch_1", "100.00", "INV-1")
    erp.refuses = True
    case.tick()

    with case.store.read() as tx:
        balance = tx.execute(t.invoice.select()).mappings().one()["balance"]
    assert 10000 == balance
    assert "closed" == erp.with_acts[0].state  # it was offered, and refused with the payment
    assert "closed" != erp.shown["1"].state
