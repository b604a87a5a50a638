"""The past that is played is the ERP's own, with what the store watched: days of money, pauses, who customers are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from connector.decisions.pauses import Entry, PauseState, PauseVerdict
from connector.decisions.pauses import Known as KnownPause
from connector.errors import ConfigError
from connector.history.backtest import KeptBack, Past
from connector.history.backtest_past import look_back, read
from connector.ports import Erp
from connector.receivables import Customer, InvoiceLine, InvoiceStatus, PauseKind, Traits
from connector.settlement import ArDocument, DocumentKind
from connector.store import Store, book, pauses
from tests.unit.answers_cases import POLICY, FixedClock
from tests.unit.past_cases import FIRST, PastErp, billed, day, paid, usd

NOW = datetime(2026, 9, 7, 14, tzinfo=UTC)
LAST = day(120)


@dataclass
class BookedErp(PastErp):
    """A past with its documents."""

    documents: tuple[ArDocument, ...] = ()
    documents_asked: list[tuple[date, date]] = field(default_factory=list)

    def read_past_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        self.documents_asked.append((first_on, last_on))
        return self.documents


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(Store(tmp_path / "connector.db", FixedClock(NOW))) as made:
        yield made


def past(store: Store, **known: Any) -> Past:
    return read(cast(Erp, BookedErp(**known)), store, FIRST, LAST, NOW.date())


def test_money_counts_from_the_day_it_was_received_however_late_people_applied_it(store: Store) -> None:
    found = past(
        store,
        invoices=(billed("INV-1", 100, 0),),
        payments=(paid("P1", 60, 10, ("1", 60, 15)),),
        settled=(("1", usd(40), day(20)),),
    )

    (invoice,) = found.invoices
    assert (((day(10), usd(60)), (day(20), usd(40))), day(20)) == (invoice.settled, invoice.closed_on)


def test_holds_disputes_and_states_of_today_say_nothing_about_then(store: Store) -> None:
    line = InvoiceLine("1", "seats", usd(100), disputed=True, dispute_reason="wrong price", disputed_on=day(3))
    today = replace(
        billed("INV-1", 100, 0), hold_reason="renewal", lines=(line,), status=InvoiceStatus.PAID, balance=usd(0)
    )
    (found,) = past(store, invoices=(today,)).invoices

    assert (InvoiceStatus.OPEN, usd(100), usd(100), "") == (
        found.invoice.status,
        found.invoice.balance,
        found.invoice.askable,
        found.invoice.hold_reason,
    )


def test_an_invoice_that_was_voided_was_never_owed(store: Store) -> None:
    voided = replace(billed("INV-1", 100, 0), status=InvoiceStatus.VOIDED)

    assert () == past(store, invoices=(voided,)).invoices


def test_documents_say_what_was_disputed_and_how_everybody_paid(store: Store) -> None:
    document = ArDocument(
        "1", "INV-1", DocumentKind.INVOICE, "C1", "", day(0), usd(100), day(30), day(45), was_disputed=True
    )
    between = replace(document, id="9", is_intercompany=True)
    payment = replace(document, id="8", kind=DocumentKind.PAYMENT)
    found = past(store, invoices=(billed("INV-1", 100, 0),), documents=(document, between, payment))

    assert ([True], (document,)) == ([one.was_disputed for one in found.invoices], found.documents)
    assert (0, 1) == tuple(found.profile("C1", day(on)).history.late_last_quarter for on in (44, 45))


def test_a_year_before_the_period_is_asked_for_and_nothing_after_it(store: Store) -> None:
    erp = BookedErp()
    read(cast(Erp, erp), store, FIRST, LAST, NOW.date())

    assert [LAST, LAST] == [erp.asked[0][1], erp.documents_asked[0][1]]
    assert (FIRST - erp.documents_asked[0][0]).days > 365


def test_the_store_knows_who_customers_are_and_on_which_days_an_invoice_was_kept_back(store: Store) -> None:
    known = Customer("C1", "Northfield", "ap@northfield.example", traits=Traits(tier="enterprise"))
    with store.tx() as tx:
        book.put_customers(tx, [known], NOW)
        put_pause(tx, "1", PauseKind.HOLD, since=day(2), ended_on=day(9))
        put_pause(tx, "1", PauseKind.DISPUTE, since=day(12), amount="40")
        put_pause(tx, "", PauseKind.CONVERSATION, since=day(90))
    found = past(store, invoices=(billed("INV-1", 100, 0), billed("INV-2", 100, 0, customer_id="C2")))
    mine, others = found.invoices

    assert "enterprise" == found.profile("C1", LAST).traits.tier
    assert (
        KeptBack(PauseKind.HOLD, day(2), day(8), "because"),
        KeptBack(PauseKind.DISPUTE, day(12), None, "because", usd(40)),
        KeptBack(PauseKind.CONVERSATION, day(90), None, "because"),
    ) == mine.kept_back
    assert () == others.kept_back


def put_pause(
    tx: Any, invoice_id: str, kind: PauseKind, *, since: date, ended_on: date | None = None, amount: str = ""
) -> None:
    entry = Entry(kind, "because", amount=usd(amount) if amount else None)
    state = PauseState.ENDED if ended_on else PauseState.STANDING
    verdict = PauseVerdict(state, "because", KnownPause(entry, since, ended_on=ended_on), holds=not ended_on)
    pauses.put(tx, invoice_id, "C1", "finance", verdict, None)


def test_the_same_policy_twice_is_no_difference(store: Store) -> None:
    customers = (Customer("C1", "Northfield", "ap@northfield.example"),)
    erp = BookedErp(
        invoices=(billed("INV-1", 100, 0),), payments=(paid("P1", 100, 32, ("1", 100)),), customers=customers
    )
    report = look_back(cast(Erp, erp), store, POLICY, POLICY, FIRST, LAST, NOW, UTC)
    counts = {one.name: (one.present, one.proposed) for one in report.figures}

    # -7, 0 and +1 leave before the money comes on the 2nd day past due.
    assert ((3, 3), (0, 0)) == (counts["reminders"], counts["reminders that only one of them sends"])
    assert (1, 1) == (report.invoices, report.customers)


@pytest.mark.parametrize(
    ("first_on", "last_on", "told"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), "first day before its last"),
        (date(2026, 3, 2), date(2026, 9, 8), "not over yet"),
    ],
)
def test_days_that_are_no_past_are_refused(store: Store, first_on: date, last_on: date, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        look_back(cast(Erp, BookedErp()), store, POLICY, POLICY, first_on, last_on, NOW, UTC)
