"""`connector check` between the systems: who else writes, the books at the opening, how old facts are, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from answers_cases import POLICY, Case, HeldPayments, LedgerErp, invoice, usd

from connector import checks
from connector.errors import Terminal, Transient
from connector.policy import BacklogChoice, Calendar, ClosedPeriod, Policy, Switch
from connector.ports import BalanceRead, CrmRead, Finding, Installation, MailboxRead, OtherSender
from connector.receivables import CreditKind, CreditMemo
from connector.settlement import AccountBalance, AccountRole, Period, Settlement, SettleThrough
from connector.store import book, orders, restoring

ISSUED, DUE = date(2026, 8, 12), date(2026, 9, 20)
TODAY = date(2026, 9, 7)
DUNNING = OtherSender("netsuite_dunning", "NetSuite's own dunning is installed")
EVERY_ROLE = frozenset(AccountRole)
THROUGH_CLEARING = Settlement("USD", SettleThrough.CLEARING, "1", EVERY_ROLE)


@dataclass
class WatchedErp(LedgerErp):
    senders: tuple[OtherSender, ...] = ()
    periods: tuple[Period, ...] = ()
    balances: tuple[AccountBalance, ...] = ()
    own: tuple[Finding, ...] = ()
    is_down: bool = False

    def check(self) -> tuple[Finding, ...]:
        if self.is_down:
            raise Transient("NetSuite did not answer")
        return self.own

    def other_senders(self) -> tuple[OtherSender, ...]:
        return self.senders

    def read_periods(self) -> tuple[Period, ...]:
        if self.is_down:
            raise Transient("NetSuite did not answer")
        return self.periods

    def read_balances(self, on: date) -> tuple[AccountBalance, ...]:
        return self.balances


@dataclass
class WatchedPayments(HeldPayments):
    def read_balance(self, since: datetime) -> BalanceRead:
        return BalanceRead(self.clock.now(), (usd("970.70"),), ())


@dataclass
class QuietCrm:
    name: str = "salesforce"
    is_test: bool = True
    own: Sequence[Finding] = field(default_factory=tuple)

    def read_changed(self, cursor: str, now: datetime) -> CrmRead:
        return CrmRead(now, now, "", ())

    def write_tasks(self, tasks: Sequence[Any]) -> tuple[Any, ...]:
        return ()

    def check(self) -> tuple[Finding, ...]:
        return tuple(self.own)


class Watched(Case):
    """A Case whose ERP also has senders, periods and balances; `found` asks for the findings of one area."""

    erp: WatchedErp
    crm: QuietCrm | None = None

    def __init__(self, folder: Path, policy: Policy = POLICY) -> None:
        super().__init__(folder, policy)
        self.erp, self.payments = WatchedErp(self.clock), WatchedPayments(self.clock)

    def all(self) -> tuple[Finding, ...]:
        return checks.findings(replace(self.parts(), crm=self.crm, policy=self.policy))

    def found(self, area: str) -> list[Finding]:
        return [one for one in self.all() if one.area == area]

    def policy_is(self, **changes: Any) -> None:
        self.policy = replace(self.policy, **changes)


@pytest.fixture
def case(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def words(findings: Sequence[Finding]) -> str:
    return " | ".join(one.what for one in findings)


# ---- what must hold of all of them ----


def test_whatever_is_not_in_order_says_what_to_do(case: Watched) -> None:
    case.erp.senders = (DUNNING,)
    case.erp.installation = Installation("another", 3, None)
    case.erp.periods = (Period("Sep 2026", date(2026, 9, 1), date(2026, 9, 30), True),)
    case.erp.settlements = (Settlement("USD", SettleThrough.CLEARING, "1", frozenset({AccountRole.BANK})),)
    case.policy_is(acknowledged_senders=("gone",), posting_owners=(("*", "other"), ("USD", "us"), ("EUR", "us")))
    found = [one for one in case.all() if not one.ok]

    assert len(found) >= 7
    assert [] == [one.what for one in found if not one.remedy]


def test_nothing_is_written_by_a_look(case: Watched) -> None:
    case.parts()  # the policy is approved
    before = case.store.last_seq()
    case.all()

    assert before == case.store.last_seq()
    assert case.erp.installation is None


def test_a_side_that_does_not_answer_is_told_once(case: Watched) -> None:
    case.erp.is_down = True

    assert ["erp"] == [one.area for one in case.all() if "did not answer" in one.what]


def test_what_cannot_be_looked_at_is_told_where_the_side_is_well_otherwise(case: Watched) -> None:
    def refuse() -> tuple[OtherSender, ...]:
        raise Terminal("the key may not read invoices")

    case.payments.other_senders = refuse  # type: ignore[method-assign]
    [finding] = case.found("senders")

    assert (False, True, "the key may not read invoices") == (finding.ok, finding.blocking, finding.what)


@dataclass
class QuietMailbox:
    name: str = "mailbox"

    def read_since(self, cursor: str, now: datetime) -> MailboxRead:
        return MailboxRead(now, "1:1", ())

    def check(self) -> tuple[Finding, ...]:
        return (Finding("mailbox", True, "the folder can be read"),)


@pytest.mark.parametrize(("reply_to", "in_order"), [("ar@ours.example", [True]), ("", [True, False])])
def test_answers_must_go_where_they_are_read(case: Watched, reply_to: str, in_order: list[bool]) -> None:
    parts = replace(case.parts(), mailbox=QuietMailbox(), reply_to=reply_to)
    found = [one for one in checks.findings(parts) if one.area == "mailbox"]

    assert [one.ok for one in found] == in_order
    assert "empty" in words(found) or reply_to


def test_every_channel_is_asked_by_its_own_name(case: Watched) -> None:
    sms = type(case.channel)(name="sms")
    sms.check = lambda: (Finding("sms", True, "the gateway answers"),)  # type: ignore[method-assign]
    found = checks.findings(replace(case.parts(), other_channels={"sms": sms}))

    assert [one.what for one in found if one.area == "sms"] == ["the gateway answers"]


def test_the_age_of_customers_answers_is_told(case: Watched) -> None:
    mailbox = QuietMailbox()
    case.tick()
    with case.store.tx() as tx:
        book.put_source(tx, "mailbox", cursor="1:1", fresh_as_of=case.clock.at)
    fresh = checks.findings(replace(case.parts(), mailbox=mailbox))
    case.clock.at += timedelta(hours=2)
    stale = checks.findings(replace(case.parts(), mailbox=mailbox))

    told = [next(one for one in some if "customers' answers" in one.what) for some in (fresh, stale)]
    assert [one.ok for one in told] == [True, False]


def test_the_crm_is_asked_where_there_is_one(case: Watched) -> None:
    case.crm = QuietCrm(own=(Finding("salesforce", True, "Account: everything is there"),))

    assert "Account: everything is there" in words(case.found("salesforce"))
    assert "the CRM" not in words(case.found("freshness"))  # nothing was read yet


# ---- who else writes ----

# found, acknowledged, send -> ok, blocking
SENDERS = [
    ((DUNNING,), (), Switch.AUTO, (False, True)),
    ((DUNNING,), (), Switch.SUGGEST, (False, False)),
    ((DUNNING,), ("netsuite_dunning",), Switch.AUTO, (True, True)),
    ((), (), Switch.AUTO, (True, True)),
    ((), ("netsuite_dunnings",), Switch.AUTO, (False, False)),
]


@pytest.mark.parametrize(("found", "known", "send", "expected"), SENDERS)
def test_another_sender_blocks_until_it_is_acknowledged(
    case: Watched, found: tuple[OtherSender, ...], known: tuple[str, ...], send: Switch, expected: tuple[bool, bool]
) -> None:
    case.erp.senders = found
    case.policy_is(acknowledged_senders=known, send=send)
    last = case.found("senders")[-1]

    assert expected == (last.ok, last.blocking)


def test_what_others_posted_is_counted(case: Watched) -> None:
    assert "0 of 0" in words(case.found("posters"))


def test_another_installation_blocks_only_what_would_write(case: Watched) -> None:
    case.erp.installation = Installation("another", 3, None)
    blocking = []
    for post in Switch:
        case.policy_is(post=post, send=Switch.SHADOW)
        [finding] = case.found("installation")
        blocking.append((post, finding.ok, finding.blocking))

    expected = [(Switch.SHADOW, False, False), (Switch.SUGGEST, False, True), (Switch.AUTO, False, True)]
    assert expected == blocking


# posting owners, settlements -> what is said
OWNERS = [
    ((("*", "us"),), (), "every currency: we post payments; payouts are only shown"),
    ((("*", "other"),), (), "every currency: somebody else posts payments"),
    ((("*", "us"),), (THROUGH_CLEARING,), "USD: we post payments, through clearing; each payout becomes a deposit"),
    ((("*", "other"), ("EUR", "us")), (), "EUR: we post payments to undeposited funds; its payouts are only shown"),
    ((("*", "other"),), (THROUGH_CLEARING,), "Its `settlement` isn't used"),
]


@pytest.mark.parametrize(("owners", "settlements", "said"), OWNERS)
def test_each_currency_has_an_owner_and_a_way(
    case: Watched, owners: tuple[tuple[str, str], ...], settlements: tuple[Settlement, ...], said: str
) -> None:
    case.policy_is(posting_owners=owners)
    case.erp.settlements = settlements

    assert said in words(case.found("posting"))


def test_a_role_without_account_is_named(case: Watched) -> None:
    case.erp.settlements = (replace(THROUGH_CLEARING, roles=EVERY_ROLE - {AccountRole.FEES, AccountRole.RESERVES}),)

    assert "USD: no account for fees, reserves" in words(case.found("posting"))


# ---- the switches ----


def test_an_example_sender_blocks_only_mail_that_would_leave(case: Watched) -> None:
    case.policy_is(send=Switch.AUTO)
    [finding] = [one for one in case.found("switches") if "senders.billing" in one.what]
    case.channel.redirect_all_to = "me@ours.example"
    [redirected] = [one for one in case.found("switches") if "senders.billing" in one.what]

    assert (True, False) == (finding.blocking, redirected.blocking)


def test_a_restored_store_is_shown_with_the_way_back(case: Watched) -> None:
    with case.store.tx() as tx:
        restoring.mark(tx, tx.at - timedelta(days=2), "t1", "t1", tx.at.date())

    [finding] = [one for one in case.found("switches") if not one.ok and "restored" in one.what]

    assert "connector restore --go-on" in finding.what


def test_a_stop_of_a_person_is_shown_with_the_way_back(case: Watched) -> None:
    with case.store.tx() as tx:
        orders.stop(tx, "send", "controller", "quarter end")
    [finding] = [one for one in case.found("switches") if not one.ok and "stopped" in one.what]

    assert "quarter end" in finding.what
    assert "connector stop send --lift" in finding.remedy


# ---- the books at the opening ----


def control(amount: str) -> AccountBalance:
    return AccountBalance(AccountRole.RECEIVABLE, "USD", "1", usd(amount), TODAY)


# on the receivables accounts -> ok, unexplained
OPENINGS = [("880.00", True, "unexplained 0.00 USD"), ("880.01", False, "unexplained 0.01 USD")]


@pytest.mark.parametrize(("held", "ok", "said"), OPENINGS)
def test_open_ar_is_held_against_the_control_account(case: Watched, held: str, ok: bool, said: str) -> None:
    case.bill(invoice("INV-1001", "1000.00", ISSUED, DUE))
    case.erp.credits = (
        CreditMemo("71", "CM-1", "C1", usd("20.00")),
        CreditMemo("72", "", "C1", usd("100.00"), kind=CreditKind.UNAPPLIED_PAYMENT),
    )
    case.erp.balances = (control(held),)
    case.tick()
    [finding] = [one for one in case.found("opening") if "open invoices" in one.what]

    assert (ok, True) == (finding.ok, said in finding.what)
    assert "unapplied cash 100.00 USD, open credit memos 20.00 USD" in finding.what


def test_before_the_first_pass_the_opening_shows_what_can_be_asked(case: Watched) -> None:
    case.bill(invoice("INV-1001", "1000.00", ISSUED, DUE))
    case.erp.settlements = (THROUGH_CLEARING,)
    said = words(case.found("opening"))

    assert "1,000.00 USD in 1 open invoices" in said
    assert "Stripe holds 970.70 USD, on its way to the bank 0.00 USD, the clearing account 0.00 USD" in said


def test_after_the_first_pass_the_opening_is_the_first_proof(case: Watched) -> None:
    case.erp.settlements = (THROUGH_CLEARING,)
    case.erp.balances = (AccountBalance(AccountRole.CLEARING, "USD", "1", usd("1000.00"), TODAY),)
    case.tick()
    case.tick(days=1)
    found = [one for one in case.found("opening") if "clearing 1,000.00" in one.what]

    assert ["USD at the opening on 2026-09-07", "USD on 2026-09-08"] == [one.what.partition(":")[0] for one in found]
    assert "clearing 1,000.00 USD = Stripe 970.70 USD + in transit 0.00 USD" in found[0].what
    assert [False, True] == [one.ok for one in found]


def test_a_cutover_to_come_is_said(case: Watched) -> None:
    later = replace(case.parts(), cutover_on=date(2026, 9, 8))
    today = replace(case.parts(), cutover_on=TODAY)

    said = [[one for one in checks.findings(parts) if "never posted" in one.what] for parts in (later, today)]
    assert [False, True] == [one.ok for [one] in said]


# ---- how old, and when ----


def test_nothing_read_yet_is_one_finding(case: Watched) -> None:
    assert ["nothing was read yet"] == [one.what for one in case.found("freshness")]


# minutes since the last pass -> the feeds that are too old
AGES = [(29, []), (30, []), (31, ["payments", "payouts"]), (61, ["the ERP", "payments", "payouts"])]


@pytest.mark.parametrize(("minutes", "old"), AGES)
def test_each_feed_is_held_against_its_own_limit(case: Watched, minutes: int, old: list[str]) -> None:
    case.tick()
    case.clock.at += timedelta(minutes=minutes)

    assert old == [one.what.partition(":")[0] for one in case.found("freshness") if not one.ok]


SEPTEMBER = Period("Sep 2026", date(2026, 9, 1), date(2026, 9, 30), False)
# periods, what the policy says -> ok, said
PERIODS = [
    ((), ClosedPeriod.HOLD, True, "no accounting periods"),
    ((SEPTEMBER,), ClosedPeriod.HOLD, True, "today's period Sep 2026 is open"),
    ((replace(SEPTEMBER, is_locked=True),), ClosedPeriod.HOLD, False, "2026-09-07 lies in Sep 2026, which is closed"),
    ((replace(SEPTEMBER, is_locked=True),), ClosedPeriod.FIRST_OPEN, False, "which is closed"),
    (
        (Period("Aug 2026", date(2026, 8, 1), date(2026, 8, 31), False),),
        ClosedPeriod.HOLD,
        False,
        "no accounting period",
    ),
]


@pytest.mark.parametrize(("periods", "choice", "ok", "said"), PERIODS)
def test_todays_period_is_looked_at(
    case: Watched, periods: tuple[Period, ...], choice: ClosedPeriod, ok: bool, said: str
) -> None:
    case.erp.periods = periods
    case.policy_is(closed_period=choice)
    [finding] = case.found("periods")

    assert (ok, True) == (finding.ok, said in finding.what)


OFFICE = Calendar(time(8), time(18), frozenset(range(5)), frozenset({date(2026, 9, 8)}))


def test_a_calendar_that_never_lets_mail_out_is_told(case: Watched) -> None:
    case.policy_is(calendar=replace(OFFICE, send_weekdays=frozenset()))
    quiet, posting = case.found("calendar")

    assert (False, True) == (quiet.ok, posting.ok)
    assert "never in the year to come" in quiet.what


# ---- what waits ----


def test_the_backlog_is_counted_with_what_was_chosen(case: Watched) -> None:
    case.policy_is(backlog=BacklogChoice.WORKLIST)
    case.bill(invoice("INV-1001", "1000.00", date(2026, 7, 1), date(2026, 7, 31)))
    case.bill(invoice("INV-1002", "5.00", ISSUED, DUE))
    before = words(case.found("backlog"))
    case.tick()
    after = words(case.found("backlog"))

    assert "known after the first pass" in before
    assert "1 invoices of 1 customers, 1,000.00 USD; only people see them" in after
