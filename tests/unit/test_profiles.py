"""Who a customer is: its past read once a day, its family's figures together, and whose word on it counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from answers_cases import MONDAY, POLICY, Case, LedgerErp, invoice, usd
from sqlalchemy import event, select, update

from connector import profiles
from connector.errors import Transient
from connector.policy import EscalationRule, Policy, Segment
from connector.receivables import Customer, PaymentHistory, Profile, Traits, Trend
from connector.settlement import ArDocument, CrmAccount, DocumentKind
from connector.store import Tx, book, relations
from connector.store import tables as t

TODAY = date(2026, 9, 7)
ASKS = replace(POLICY, segments=(Segment("late payers"),))


@dataclass
class PastErp(LedgerErp):
    """An ERP with a past; `asked` are the windows that were read, `fails` makes every read fail."""

    documents: tuple[ArDocument, ...] = ()
    asked: list[tuple[date, date]] = field(default_factory=list)
    fails: bool = False

    def read_past_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        self.asked.append((first_on, last_on))
        if self.fails:
            raise Transient("the ERP is away")
        return tuple(one for one in self.documents if first_on <= one.on <= last_on or one.closed_on is None)


class PastCase(Case):
    erp: PastErp

    def __init__(self, folder: Path, policy: Policy = ASKS, where: str = "") -> None:
        super().__init__(folder, policy, where)
        self.erp = PastErp(self.clock)

    def read(self, **later: int) -> None:
        self.clock.at += timedelta(**later)
        profiles.read_past(self.parts(), self.clock.at)

    def profile(self, family: str, today: date = TODAY) -> Profile:
        with self.store.read() as tx:
            return profiles.profiles(tx, today, {family})[family]


@pytest.fixture
def case(tmp_path: Path, where: str) -> Iterator[PastCase]:
    made = PastCase(tmp_path, where=where)
    yield made
    made.store.close()


def paid(customer_id: str, late: int, ago: int = 20, **more: Any) -> ArDocument:
    """An invoice settled so many days ago, so many days late."""
    closed_on = TODAY - timedelta(days=ago)
    due_on = closed_on - timedelta(days=late)
    issued_on = due_on - timedelta(days=30)
    document = ArDocument(
        "1", "INV", DocumentKind.INVOICE, customer_id, "1", issued_on, usd("10.00"), due_on, closed_on
    )
    return replace(document, **more)


def put(case: Case, *customers: Customer) -> None:
    with case.store.tx() as tx:
        book.put_customers(tx, customers, case.clock.at)


# ---- reading the past ----


def test_the_past_is_read_once_a_day(case: PastCase) -> None:
    case.read()
    case.read(hours=3)
    case.read(days=1)

    of_first_day = [window for window in case.erp.asked if window[1] <= TODAY]
    assert [(TODAY - timedelta(days=399), TODAY + timedelta(days=1))] == case.erp.asked[len(of_first_day) :]
    # The first time further back: the spans touch and do not overlap.
    days = [timedelta(days=n) for n in (400, 0, 800, 401, 1200, 801)]
    assert [TODAY - day for day in days] == [day for window in of_first_day for day in window]


@pytest.mark.parametrize(
    ("policy", "asks"),
    [
        (POLICY, False),
        (replace(POLICY, escalation=(EscalationRule("old", 30),)), False),
        (replace(POLICY, escalation=(EscalationRule("disputed", 7, disputed_before=True),)), True),
        (ASKS, True),
    ],
)
def test_a_past_that_no_rule_asks_for_is_not_read(tmp_path: Path, policy: Policy, asks: bool) -> None:
    case = PastCase(tmp_path, policy)
    case.read()
    case.store.close()

    assert asks == bool(case.erp.asked)


def test_a_failure_leaves_what_is_known_and_is_tried_again_after_an_hour(case: PastCase) -> None:
    put(case, Customer("C1", "Northfield Robotics"))
    case.erp.documents = (paid("C1", 12),)
    case.read()
    before = case.profile("C1")
    case.erp.fails = True

    with pytest.raises(Transient):
        case.read(days=1)
    asked = len(case.erp.asked)
    case.read(minutes=59)
    assert asked == len(case.erp.asked)
    assert before == case.profile("C1")
    with pytest.raises(Transient):
        case.read(minutes=1)
    case.erp.fails, case.erp.documents = False, (paid("C1", 20),)
    case.read(hours=1)

    assert Decimal("20.0") == case.profile("C1").history.average_days_late


def test_it_is_known_whether_the_past_was_ever_read(case: PastCase) -> None:
    case.erp.fails = True
    with pytest.raises(Transient):
        case.read()
    with case.store.read() as tx:
        assert not profiles.is_past_known(tx)
    case.erp.fails = False
    case.read(hours=2)
    with case.store.read() as tx:
        assert profiles.is_past_known(tx)


def waiting(tx: Tx) -> set[str]:
    """Invoices that are decided again in the next tick."""
    return set(tx.execute(select(t.invoice.c.id).where(t.invoice.c.next_on == book.AT_ONCE)).scalars())


def settle_all(case: Case) -> None:
    with case.store.tx() as tx:
        tx.execute(update(t.invoice).values(next_on="2026-12-01", restate=False))


def test_only_the_families_whose_history_changed_are_decided_again(case: PastCase) -> None:
    put(case, Customer("C1", "Head"), Customer("C2", "Branch", parent_id="C1"), Customer("C3", "Other"))
    issued_on, due_on = date(2026, 8, 1), date(2026, 8, 31)
    owners = {"INV-1": "C1", "INV-2": "C2", "INV-3": "C3"}
    invoices = [invoice(number, "9.00", issued_on, due_on, customer_id=one) for number, one in owners.items()]
    with case.store.tx() as tx:
        book.put_invoices(tx, invoices, MONDAY, TODAY)
    case.erp.documents = (paid("C2", 12), paid("C3", 5))
    case.read()
    settle_all(case)
    case.erp.documents = (paid("C2", 12), paid("C2", 30), paid("C3", 5))
    case.read(days=1)

    with case.store.read() as tx:
        rows = dict(tx.execute(select(t.payment_history.c.customer_id, t.payment_history.c.as_of)).all())
        assert {"1", "2"} == waiting(tx)
    assert {"C2": "2026-09-08", "C3": "2026-09-07"} == rows


def test_a_past_that_says_the_same_costs_nothing(case: PastCase) -> None:
    put(case, Customer("C1", "Head"))
    with case.store.tx() as tx:
        book.put_invoices(tx, [invoice("INV-1", "9.00", date(2026, 8, 1), date(2026, 8, 31))], MONDAY, TODAY)
    case.erp.documents = (paid("C1", 12, ago=20),)
    case.read()
    settle_all(case)
    case.read(days=1)

    with case.store.read() as tx:
        assert set() == waiting(tx)


def test_what_grew_old_counts_no_more_but_the_first_invoice_stays(case: PastCase) -> None:
    put(case, Customer("C1", "Head"))
    case.erp.documents = (paid("C1", 12, was_disputed=True),)
    case.read()
    before = case.profile("C1").history
    assert (1, 1, 1) == (before.late_last_quarter, before.late_last_year, before.disputes_last_year)
    case.read(days=500)

    assert PaymentHistory(first_invoiced_on=before.first_invoiced_on) == case.profile("C1").history


@pytest.mark.parametrize(("issued_ago", "is_known"), [(400, True), (401, True), (1200, True), (1201, False)])
def test_since_when_somebody_is_a_customer_is_known_from_the_first_day(
    case: PastCase, issued_ago: int, is_known: bool
) -> None:
    put(case, Customer("C1", "Head"))
    issued_on = TODAY - timedelta(days=issued_ago)
    case.erp.documents = (paid("C1", 0), paid("C1", 300, ago=10, on=issued_on))
    case.read()
    first, late = case.profile("C1").history.first_invoiced_on, case.profile("C1").history.late_last_year
    case.read(days=1)

    assert (issued_on if is_known else date(2026, 7, 19)) == first
    # What was issued so long ago counts as late on no day, so that the second says what the first did.
    assert late == int(issued_ago <= 400)
    assert first == case.profile("C1").history.first_invoiced_on


# ---- profiles ----


def test_the_history_of_a_family_is_that_of_all_its_invoices(case: PastCase) -> None:
    """Nine invoices ten days late and one forty: 13.0 on average, and not the 25.0 between two averages."""
    put(case, Customer("C1", "Head"), Customer("C2", "Branch", parent_id="C1"))
    documents = [paid("C1", 10, ago=100) for _ in range(9)] + [paid("C2", 40), paid("C2", 40), paid("C2", 40)]
    case.erp.documents = tuple(documents[:10])
    case.read()
    assert Decimal("13.0") == case.profile("C1").history.average_days_late
    case.erp.documents = tuple(documents)
    case.read(days=1)

    found = case.profile("C1").history
    assert (12, 3, 12, Trend.WORSE) == (
        found.settled_count, found.late_last_quarter, found.late_last_year, found.trend
    )  # fmt: skip


def account(id: str, customer_id: str, **more: Any) -> CrmAccount:
    return CrmAccount(id, customer_id, "Firm", **more)


def put_accounts(case: Case, *accounts: CrmAccount) -> None:
    with case.store.tx() as tx:
        relations.put_accounts(tx, accounts, is_whole=True)


def test_the_erp_speaks_before_the_crm_and_the_head_before_its_members(case: PastCase) -> None:
    put(
        case,
        Customer("20", "Branch", parent_id="30", traits=Traits(tier="branch", contract_type="monthly")),
        Customer("30", "Head", traits=Traits(tier="enterprise")),
        Customer("40", "Other branch", parent_id="30", traits=Traits(contract_type="annual", relationship="partner")),
    )
    put_accounts(
        case,
        account("001A", "20", traits=Traits(tier="smb", arr=usd("5.00"), country="US")),
        account("001B", "30", traits=Traits(tier="smb", arr=usd("500000.00"), billing_model="usage")),
    )

    expected = Traits("enterprise", "monthly", "usage", "partner", usd("500000.00"), "US")
    assert expected == case.profile("30").traits


def test_what_the_crm_says_of_any_account_counts_for_the_family(case: PastCase) -> None:
    put(case, Customer("C1", "Head"), Customer("C2", "Branch", parent_id="C1"))
    put_accounts(
        case,
        account("001A", "C1", renews_on=date(2027, 3, 31)),
        account("001B", "C2", renews_on=date(2026, 12, 31), is_strategic=True),
    )

    found = case.profile("C1")
    assert (True, date(2026, 12, 31)) == (found.is_strategic, found.renews_on)


def test_a_conversation_touches_the_invoices_of_its_family_and_no_others(case: PastCase) -> None:
    put(case, Customer("C1", "Head"), Customer("C2", "Branch", parent_id="C1"), Customer("C3", "Other"))
    owners = {"INV-1": "C1", "INV-2": "C2", "INV-3": "C3"}
    some = [invoice(one, "9.00", date(2026, 8, 1), TODAY, customer_id=owner) for one, owner in owners.items()]
    with case.store.tx() as tx:
        book.put_invoices(tx, some, MONDAY, TODAY)
    put_accounts(case, account("001A", "C2"), account("001B", "C3"))
    settle_all(case)
    put_accounts(case, account("001A", "C2", talked_on=TODAY), account("001B", "C3"))
    with case.store.read() as tx:
        assert {"1", "2"} == waiting(tx)
    settle_all(case)
    put_accounts(case, account("001A", "C2", talked_on=TODAY), account("001B", "C3"))
    with case.store.read() as tx:
        assert set() == waiting(tx)


def test_customers_that_are_not_known_yet_are_families_of_their_own(case: PastCase) -> None:
    case.erp.documents = (paid("C7", 12),)
    case.read()
    put_accounts(case, account("001A", "C8", traits=Traits(tier="smb")))

    assert 1 == case.profile("C7").history.settled_count
    assert "smb" == case.profile("C8").traits.tier


def many(case: PastCase, count: int) -> None:
    put(case, *(Customer(str(number), "Firm", parent_id=str(number // 2 * 2)) for number in range(count)))
    put_accounts(case, *(account(f"001{number}", str(number), traits=Traits(tier="smb")) for number in range(count)))
    case.erp.documents = tuple(paid(str(number), 12) for number in range(count))
    case.read()


def test_all_profiles_are_one_query_a_table(case: PastCase) -> None:
    many(case, 1200)
    asked: list[str] = []
    with case.store.read() as tx:
        event.listen(tx.connection, "before_cursor_execute", lambda *given: asked.append(given[2].split()[0]))
        found = profiles.profiles(tx, TODAY)
        assert 3 == asked.count("SELECT")
        assert found == profiles.profiles(tx, TODAY, found)

    assert 600 == len(found)
    assert {2} == {one.history.settled_count for one in found.values()}
