"""A small book in a store of its own: the real loop on an ERP, a payment source and a channel held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connector import loop
from connector.acts import CloseAct, RemindAct
from connector.erp_flags import mark_written, statuses
from connector.lint.look import LINTED
from connector.money import Money
from connector.parts import Parts
from connector.policy import Policy, Step, Switch, Trust
from connector.ports import (
    ActAnswer,
    ActSeen,
    Answer,
    ErpRead,
    Installation,
    Letter,
    OtherSender,
    Outcome,
    PaymentRead,
    PaymentSeen,
    PayoutRead,
    ReminderMail,
    SendOutcome,
    SendResult,
)
from connector.receivables import (
    CloseIntent,
    CreditMemo,
    Customer,
    CustomerTotal,
    ExceptionRecord,
    InvoiceStatus,
    OpenInvoice,
    Parked,
    Payment,
    PaymentState,
    RecordState,
    Remittance,
    Rung,
)
from connector.reports import TickReport
from connector.settlement import ArDocument, Autopay, Period, Settlement
from connector.store import Store, policies

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
class LedgerErp:
    """An ERP that does what it is told; `refuses` makes it refuse every payment, `loses` forget every answer."""

    clock: FixedClock
    account: str = "1000001_SB1"
    is_test: bool = True
    invoices: dict[str, OpenInvoice] = field(default_factory=dict)
    customers: dict[str, Customer] = field(
        default_factory=lambda: {"C1": Customer("C1", "Northfield Robotics", "ap@northfield.example")}
    )
    credits: tuple[CreditMemo, ...] = ()
    parked: tuple[Parked, ...] = ()
    payments: dict[str, PaymentSeen] = field(default_factory=dict)
    refuses: bool = False
    installation: Installation | None = None
    settlements: tuple[Settlement, ...] = ()
    pays_for_family: bool = True

    def change(self, number: str, **values: Any) -> None:
        """What a person does to an invoice in the ERP."""
        found = next(one for one in self.invoices.values() if one.number == number)
        changed = replace(found, **values)
        status = changed.status if changed.balance else InvoiceStatus.PAID
        self.invoices[found.id] = replace(changed, status=status)

    def _read(self, invoices: Sequence[OpenInvoice]) -> ErpRead:
        credits = tuple(one for one in self.credits if one.open_amount)
        return ErpRead(self.clock.now(), tuple(invoices), tuple(self.customers.values()), credits, self.parked)

    def _open(self) -> list[OpenInvoice]:
        return [one for one in self.invoices.values() if one.status is InvoiceStatus.OPEN]

    def read_totals(self) -> tuple[CustomerTotal, ...]:
        sums: dict[tuple[str, str], list[Money]] = {}
        for one in self._open():
            sums.setdefault((one.customer_id, one.balance.currency), []).append(one.balance)
        return tuple(CustomerTotal(c, cur, len(some), Money.total(some, cur)) for (c, cur), some in sums.items())

    def read_changed(self, since: datetime) -> ErpRead:
        return self._read(list(self.invoices.values()))

    def read_open(self, customer_ids: Sequence[str] | None = None) -> ErpRead:
        return self._read(self._open())

    def read_open_by_part(self) -> Iterator[ErpRead]:
        yield self.read_open()

    def read_invoices(self, ids: Sequence[str]) -> ErpRead:
        return self._read([self.invoices[one] for one in ids if one in self.invoices])

    def read_credits(self, ids: Sequence[str]) -> ErpRead:
        return ErpRead(self.clock.now(), credits=tuple(one for one in self.credits if one.id in ids))

    def find_similar(
        self, customer_ids: Sequence[str], amount: Money, first_on: date, last_on: date
    ) -> tuple[PaymentSeen, ...]:
        return ()

    def find_payments(self, source_ids: Sequence[str]) -> dict[str, PaymentSeen]:
        return {}

    def write_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        return tuple(self._write(intent) for intent in intents)

    def _write(self, intent: CloseIntent) -> ActAnswer:
        paid = intent.payment
        if self.refuses:
            refusal = Answer(paid.external_id, Outcome.REFUSED, code="PERIOD", message="the period 2026-09 is closed")
            return ActAnswer(intent.act_id, refusal, ())
        for part in paid.applications:
            found = self.invoices[part.invoice_id]
            self.change(found.number, balance=found.balance - part.amount)
        applied = tuple((part.invoice_id, part.amount) for part in paid.applications)
        self.payments[intent.act_id] = PaymentSeen(
            f"9{len(self.payments)}", paid.customer_id, paid.amount, applied, False
        )
        erp_id = self.payments[intent.act_id].erp_id
        return ActAnswer(intent.act_id, Answer(paid.external_id, Outcome.CREATED, erp_id), ())

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]:
        return tuple(self._seen(intent) for intent in intents)

    def _seen(self, intent: CloseIntent) -> ActSeen:
        found = self.payments.get(intent.act_id)
        ids = [one.external_id for one in (*intent.cancellations, intent.receipt)] if found else []
        records = tuple((external_id, RecordState.INTENDED) for external_id in ids)
        invoices = tuple(self.invoices[part.invoice_id] for part in intent.payment.applications)
        return ActSeen(intent.act_id, self.clock.now(), found, records, invoices)

    def write_records(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        raise AssertionError("no record is ever lost here")

    def write_marks(self, marks: Sequence[Any], statuses: Sequence[Any]) -> tuple[Answer, ...]:
        return tuple(Answer(one.external_id, Outcome.CREATED) for one in (*marks, *statuses))

    def read_installation(self) -> Installation | None:
        return self.installation

    def write_installation(self, installation: Installation) -> Answer:
        self.installation = installation
        return Answer("arc-installation", Outcome.CREATED)

    def write_exceptions(self, records: Sequence[ExceptionRecord]) -> tuple[Answer, ...]:
        return tuple(Answer(one.external_id, Outcome.CREATED) for one in records)

    def pause_dunning(self, invoice_ids: Sequence[str]) -> tuple[Answer, ...]:
        return ()

    def read_periods(self) -> tuple[Period, ...]:
        return ()

    def read_past_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        return self.read_documents(first_on, last_on)

    def read_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        return ()

    def other_senders(self) -> tuple[OtherSender, ...]:
        return ()

    def check(self) -> tuple[Any, ...]:
        return ()


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

    def read_autopay(self) -> tuple[Autopay, ...]:
        return ()

    def other_senders(self) -> tuple[OtherSender, ...]:
        return ()

    def check(self) -> tuple[Any, ...]:
        return ()


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
            lambda tx, ids: statuses(tx, "demo", self.policy, self.clock.at.astimezone(ZONE).date(), ids),
            mark_written,
            lambda tx, approved, invoices: "",
        )
        jobs = {"close": close, "remind": RemindAct(held, {self.channel.name: self.channel}, "owner-1")}

        def run(job: str, key: str) -> None:
            for _, step in jobs[job].steps():
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
