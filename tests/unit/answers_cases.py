"""A small book in a store of its own: the real loop on an ERP, a payment source and a channel held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connector import loop
from connector.acts import CloseAct, RemindAct
from connector.erp_flags import changed_statuses, mark_written
from connector.lint.look import LINTED
from connector.money import Money
from connector.parts import Parts
from connector.policy import Policy, Step, Switch, Trust
from connector.ports import (
    BalanceRead,
    Letter,
    OtherSender,
    PaymentRead,
    PayoutRead,
    ReminderMail,
    SendOutcome,
    SendResult,
)
from connector.receivables import (
    OpenInvoice,
    Payment,
    PaymentState,
    Remittance,
    Rung,
)
from connector.reports import TickReport
from connector.reversals import ReversalAct
from connector.settlement import Autopay, BalanceTransaction, Category
from connector.store import Store, policies
from tests.fakes.ledger_erp import LedgerErp as LedgerErp

ZONE = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)
POLICY = Policy(
    version="policy-1",
    steps=(
        Step("-7", -7, "upcoming", "billing"),
        Step("0", 0, "due_today", "billing"),
        Step("+1", 1, "past_due", "billing"),
        Step("+7", 7, "firmer", "billing"),
    ),
    senders=(("billing", "billing@ours.example"),),
    post=Switch.AUTO,
    send=Switch.AUTO,
    trust=Trust(frozenset(Rung), Decimal(0)),  # every class of evidence posts
)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def invoice(number: str, amount: str, issued_on: date, due_on: date, **more: Any) -> OpenInvoice:
    """INV-1001 has the id 1001; nothing is paid of it."""
    billed = Money.of(amount, more.pop("currency", "USD"))
    customer_id = more.pop("customer_id", "C1")
    return OpenInvoice(number.rpartition("-")[2], number, customer_id, billed, billed, issued_on, due_on, **more)


@dataclass
class FixedClock:
    at: datetime = MONDAY

    def now(self) -> datetime:
        return self.at


@dataclass
class HeldPayments:
    clock: FixedClock
    name: str = "stripe"
    is_test: bool = True
    payments: list[Payment] = field(default_factory=list)

    def read_changed(self, cursor: str, now: datetime) -> PaymentRead:
        return PaymentRead(now, now, "", tuple(self.payments))

    def read_payouts(self, cursor: str, now: datetime) -> PayoutRead:
        return PayoutRead(now, "", ())

    def read_balance(self, since: datetime) -> BalanceRead:
        """All that these payments ever moved; nothing of it was paid out, and nothing costs a fee."""
        moved = [movement for one in self.payments for movement in self._movements(one)]
        held = {one.net.currency: Money.zero(one.net.currency) for one in moved}
        for one in moved:
            held[one.net.currency] += one.net
        return BalanceRead(self.clock.now(), tuple(held.values()), tuple(m for m in moved if m.created_at >= since))

    def _movements(self, payment: Payment) -> Iterator[BalanceTransaction]:
        """What was received, and what of it left again: it is noticed now."""
        left = {
            PaymentState.RETURNED: Category.CHARGE_FAILURE,
            PaymentState.DISPUTED: Category.DISPUTE,
            PaymentState.CHARGED_BACK: Category.DISPUTE,
        }
        if payment.state in (PaymentState.SUCCEEDED, *left):
            yield _movement(payment, Category.CHARGE, payment.amount, payment.received_at)
        if payment.state in left:
            yield _movement(payment, left[payment.state], -payment.amount, self.clock.now())

    def read_autopay(self) -> tuple[Autopay, ...]:
        return ()

    def other_senders(self) -> tuple[OtherSender, ...]:
        return ()

    def check(self) -> tuple[Any, ...]:
        return ()


def _movement(payment: Payment, category: Category, amount: Money, at: datetime) -> BalanceTransaction:
    none, on = Money.zero(amount.currency), at.astimezone(ZONE).date()
    return BalanceTransaction(
        f"{category}_{payment.id}", category, amount, none, amount, at, on, payment.id, payment.id
    )


@dataclass
class Outbox:
    name: str = "email"
    redirect_all_to: str = ""
    outcome: SendOutcome = SendOutcome.SENT
    mails: list[ReminderMail] = field(default_factory=list)

    def send(self, mail: ReminderMail, may_leave: Callable[[], bool]) -> SendResult:
        if not may_leave():
            return SendResult(SendOutcome.NOT_SENT, "called off")
        self.mails.append(mail)
        return SendResult(self.outcome, f"250 queued for {mail.to}")

    def preview(self, mail: ReminderMail) -> Letter:
        numbers = ", ".join(item.number for item in mail.items)
        return Letter(numbers, f"Please pay {numbers}.", f"<p>Please pay {numbers}.</p>")

    def check(self) -> tuple[Any, ...]:
        return ()


class Case:
    """One installation with its outside; `tick` is one real pass of the loop. `where`: a store elsewhere."""

    def __init__(self, folder: Path, policy: Policy = POLICY, where: str = "") -> None:
        self.clock = FixedClock()
        self.store = Store(where or folder / "connector.db", self.clock)
        self.erp, self.payments, self.channel = LedgerErp(self.clock), HeldPayments(self.clock), Outbox()
        self.policy = policy
        self.sending: set[str] = set()
        self.approve()

    def approve(self) -> None:
        """What the policy says now may run by itself."""
        with self.store.tx() as tx:
            policies.register(tx, self.policy.version, "")
            policies.put_approved(tx, self.policy, "an approver")
            policies.put_red(tx, self.policy.version, "")

    def parts(self, store: Store | None = None) -> Parts:
        held = store or self.store
        with held.tx() as tx:
            policies.register(tx, self.policy.version, "")
            if policies.approved_version(tx) != self.policy.version:
                policies.put_approved(tx, self.policy, "an approver")
            policies.put_red(tx, self.policy.version, "")
            # A few steps without texts of their own are no policy that the linter would let run.
            tx.set(LINTED, f"{self.clock.at.astimezone(ZONE).date()} {self.policy.version} owner-1")
        close = CloseAct(
            held,
            self.erp,
            lambda: None,
            lambda tx, ids: changed_statuses(tx, "demo", self.policy, self.clock.at.astimezone(ZONE).date(), ids),
            mark_written,
            lambda tx, approved, invoices: "",
        )
        reverse = ReversalAct(held, self.erp, lambda: None, lambda tx, ids: "")
        remind = RemindAct(held, {self.channel.name: self.channel}, "owner-1", sending=self.sending)
        jobs = {"close": close.steps(), "remind": remind.steps(), "reversal": reverse.steps()}

        def run(job: str, key: str) -> None:
            for _, step in jobs[job]:
                step(key)

        return Parts(
            store=held,
            erp=self.erp,
            payments=self.payments,
            channel=self.channel,
            clock=self.clock,
            policy=self.policy,
            zone=ZONE,
            cutover_on=date(2026, 1, 1),
            installation="demo",
            reply_to="ar@ours.example",
            owner="owner-1",
            run=run,
            verify_installation=lambda: None,
            sending=self.sending,
        )

    def bill(self, *invoices: OpenInvoice) -> None:
        self.erp.invoices.update({one.id: one for one in invoices})

    def pay(self, payment_id: str, amount: str, text: str = "", **more: Any) -> None:
        """A payment received now."""
        values: dict[str, Any] = {
            "id": payment_id,
            "amount": usd(amount),
            "state": PaymentState.SUCCEEDED,
            "received_at": self.clock.at,
            "received_on": self.clock.at.astimezone(ZONE).date(),
            "customer_id": "C1",
            "remittance": Remittance(text=text),
        }
        self.payments.payments.append(Payment(**(values | more)))

    def tick(self, **later: int) -> TickReport:
        """Let time pass (`days=3`), then one pass."""
        self.clock.at += timedelta(**later)
        report, troubles = loop.tick(self.parts())

        assert [] == troubles.told
        return report
