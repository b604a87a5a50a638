"""The port `Erp` on the small ledger: one that writes an act whole, or one that writes record by record.

Deterministic, and honest about what can happen: an answer may be lost before or after the ledger did what was asked, a
record may be refused, the ledger may be busy or refuse the login. `upset` says what goes wrong next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from connector.errors import Terminal, Transient
from connector.money import Money
from connector.ports import (
    ActAnswer,
    ActSeen,
    Answer,
    Counted,
    ErpRead,
    Finding,
    History,
    Installation,
    Mark,
    OtherSender,
    Outcome,
    PaymentSeen,
)
from connector.receivables import (
    ArStatus,
    Cancellation,
    CloseIntent,
    CreditMemo,
    Customer,
    CustomerTotal,
    ExceptionRecord,
    InvoiceStatus,
    OpenInvoice,
    PaymentToPost,
    ProofRecord,
    Receipt,
    RecordState,
)
from connector.settlement import (
    AccountBalance,
    ArDocument,
    DepositIntent,
    DepositSeen,
    Period,
    ReversalIntent,
    ReversalSeen,
    SettleThrough,
)
from tests.fakes import ledger_books, ledger_reversals
from tests.fakes.ledger_book import UNDEPOSITED, LedgerBook, Received, Record, Refused, names

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
NOT_SENT = "NOT_SENT"
Told = TypeVar("Told")
Shown = TypeVar("Shown", ExceptionRecord, ProofRecord)


class Trouble(StrEnum):
    """What goes wrong with a request."""

    LOST_BEFORE = "lost_before"  # no answer, and nothing was done
    LOST_AFTER = "lost_after"  # no answer, and all was done
    HALF = "half"  # no answer, and of what takes several steps the first was done; else all
    REFUSED = "refused"  # one record
    BUSY = "busy"  # too many requests: surely nothing was done
    LOGIN = "login"


class At(StrEnum):
    """Which request it goes wrong with."""

    READ = "read"
    READ_BACK = "read_back"  # of acts and deposits
    ACT = "act"
    REST = "rest"  # an act that applies the rest of an older payment
    DEPOSIT = "deposit"
    REVERSAL = "reversal"
    STATUS = "status"  # statuses outside acts
    EXCEPTION = "exception"  # and daily proofs


@dataclass(frozen=True, slots=True)
class Upset:
    at: At
    trouble: Trouble
    record: int = 0  # of a refusal: which record of an act, the payment is the first


@dataclass
class LedgerErp(LedgerBook):
    upsets: list[Upset] = field(default_factory=list)

    def upset(self, at: At, trouble: Trouble, record: int = 0, times: int = 1) -> None:
        self.upsets += [Upset(at, trouble, record)] * times

    def _met(self, at: At) -> Upset | None:
        """What goes wrong with this request, if anything; what is surely not carried out raises."""
        met = next((one for one in self.upsets if one.at is at), None)
        if met is None:
            return None
        self.upsets.remove(met)
        if met.trouble is Trouble.LOGIN:
            raise Terminal("the ledger refused the login")
        if met.trouble is Trouble.BUSY or at in (At.READ, At.READ_BACK):
            raise Transient("the ledger could not answer just now")
        return met

    # ---- reading ----

    def read_totals(self) -> tuple[CustomerTotal, ...]:
        self._met(At.READ)
        sums: dict[tuple[str, str], list[Money]] = {}
        for one in self._open_invoices():
            sums.setdefault((one.customer_id, one.balance.currency), []).append(one.balance)
        return tuple(CustomerTotal(c, cur, len(some), Money.total(some, cur)) for (c, cur), some in sums.items())

    def read_changed(self, since: datetime) -> ErpRead:
        """What was put here without a deed counts as changed: nobody knows when."""

        def moved(id: str) -> bool:
            return self.touched.get(id, self.clock.now()) >= since

        return self._read(
            [one for one in self.invoices.values() if moved(one.id)],
            [one for one in self.all_credits() if moved(one.id)],
            [one for one in self.customers.values() if moved(one.id)],
        )

    def read_open(self, customer_ids: Sequence[str] | None = None) -> ErpRead:
        wanted = self.customers if customer_ids is None else set(customer_ids)
        open_credits = [one for one in self.all_credits() if one.open_amount and one.customer_id in wanted]
        invoices = [one for one in self._open_invoices() if one.customer_id in wanted]
        return self._read(invoices, open_credits, list(self.customers.values()) if customer_ids is None else None)

    def read_open_by_part(self) -> Iterator[ErpRead]:
        yield self.read_open()

    def read_invoices(self, ids: Sequence[str]) -> ErpRead:
        return self._read([self.invoices[one] for one in dict.fromkeys(ids) if one in self.invoices])

    def read_credits(self, ids: Sequence[str]) -> ErpRead:
        self._met(At.READ)
        return ErpRead(self.clock.now(), credits=tuple(one for one in self.all_credits() if one.id in ids))

    def _open_invoices(self) -> list[OpenInvoice]:
        return [one for one in self.invoices.values() if one.status is InvoiceStatus.OPEN]

    def _read(
        self,
        invoices: Sequence[OpenInvoice],
        credits: Sequence[CreditMemo] = (),
        customers: Sequence[Customer] | None = None,
    ) -> ErpRead:
        """Without customers those of the invoices, and the parents that get their reminders."""
        self._met(At.READ)
        owners = [self.customers[one.customer_id] for one in invoices if one.customer_id in self.customers]
        parents = [self.customers[one.parent_id] for one in owners if one.mails_parent and one.parent_id]
        found = {one.id: one for one in (owners + parents if customers is None else customers)}
        return ErpRead(self.clock.now(), tuple(invoices), tuple(found.values()), tuple(credits), self.parked)

    def find_payments(self, source_ids: Sequence[str]) -> dict[str, PaymentSeen]:
        """The latest one, and one in force before a voided one."""
        self._met(At.READ)
        found: dict[str, PaymentSeen] = {}
        for one in sorted(self._found(), key=lambda one: not one.voided):
            text = f"{one.external_id} {one.memo}"
            found |= {id: self.seen(one.erp_id) for id in source_ids if names(text, id)}
        return found

    def find_similar(
        self, customer_ids: Sequence[str], amount: Money, first_on: date, last_on: date
    ) -> tuple[PaymentSeen, ...]:
        self._met(At.READ)
        return tuple(
            self.seen(one.erp_id)
            for one in self._found()
            if one.customer_id in customer_ids and one.amount == amount and first_on <= one.on <= last_on
        )

    def _found(self) -> list[Received]:
        """One that came back is no payment to who looks for one; where it is reversed itself, it is told as voided."""
        return [one for one in self.payments.values() if self.is_atomic or not one.reversal]

    # ---- acts ----

    def write_acts(self, intents: Sequence[CloseIntent], statuses: Sequence[ArStatus] = ()) -> tuple[ActAnswer, ...]:
        answers: list[ActAnswer] = []
        for intent in intents:
            seen_of = [one for one in statuses if one.invoice_id in _invoice_ids(intent)] if self.is_atomic else []
            try:
                answers.append(self._write(intent, seen_of))
            except Transient as error:
                if not answers:
                    raise
                answers.append(_all(intent, UNKNOWN, message=str(error)))
        return tuple(answers)

    def _write(self, intent: CloseIntent, statuses: Sequence[ArStatus]) -> ActAnswer:
        met = self._met(At.REST if intent.payment.erp_id else At.ACT)
        if met and met.trouble is Trouble.LOST_BEFORE:
            return _all(intent, UNKNOWN)
        answer = self._act(intent, met.record if met and met.trouble is Trouble.REFUSED else -1)
        if answer.payment.outcome in (CREATED, EXISTS) and statuses:
            answer = replace(answer, statuses=self._show(statuses))
        return _all(intent, UNKNOWN) if met and met.trouble is Trouble.LOST_AFTER else answer

    def _act(self, intent: CloseIntent, refused: int) -> ActAnswer:
        """`refused` is the place of the record that is refused, if one is."""
        paid = intent.payment
        if _key(intent) in self.acts:
            return ActAnswer(intent.act_id, self._compared(intent), self._keep(intent, refused))
        try:
            with self.whole():
                if self.refuses or refused == 0:
                    raise Refused("PERIOD", "the period 2026-09 is closed")
                payment = Answer(paid.external_id, CREATED, self._pay(intent))
                records = self._keep(intent, refused)
                lost = next((one for one in records if one.outcome is REFUSED), None)
                if lost and self.is_atomic:
                    raise Refused(lost.code, f"record {lost.external_id} was refused: {lost.message}")
                return ActAnswer(intent.act_id, payment, records)
        except Refused as error:
            return _all(intent, REFUSED, error.code, str(error))

    def _pay(self, intent: CloseIntent) -> str:
        """The id of the payment that it became, or whose rest it applied."""
        paid = intent.payment
        if paid.erp_id:
            self._require_as_decided(paid)
            self.apply(paid.erp_id, paid.applications, paid.credits)
            return self._done(intent, paid.erp_id)
        account, id = paid.deposit_account or self._waits_on(paid.amount.currency), self.next_payment_id()
        new = Received(id, paid.customer_id, paid.amount, paid.received_on, account, paid.external_id, paid.memo)
        self.enter(new, paid.applications, paid.credits)
        return self._done(intent, id)

    def _done(self, intent: CloseIntent, erp_id: str) -> str:
        self.drafts.pop(intent.payment.external_id, None)
        self.acts[_key(intent)] = erp_id
        return erp_id

    def _require_as_decided(self, paid: PaymentToPost) -> None:
        payment = self.payments.get(paid.erp_id)
        if payment is None or payment.voided or payment.customer_id != paid.customer_id:
            raise Refused(NOT_SENT, f"payment {paid.erp_id} is not there in force for customer {paid.customer_id}")
        left = self.left_of(paid.erp_id)
        if left != paid.unapplied_before:
            raise Refused(
                NOT_SENT, f"payment {paid.erp_id} has {left} unapplied, and had {paid.unapplied_before} when decided"
            )

    def _waits_on(self, currency: str) -> str:
        known = [one for one in self.settlements if one.currency == currency]
        return "clearing" if known and known[0].through is SettleThrough.CLEARING else UNDEPOSITED

    def _compared(self, intent: CloseIntent) -> Answer:
        paid = intent.payment
        erp_id = self.acts[_key(intent)]
        wrong = "; ".join(_differences(paid, self.seen(erp_id), self.payments[erp_id]))
        return Answer(paid.external_id, DIFFERENT if wrong else EXISTS, erp_id, message=wrong)

    def _keep(self, intent: CloseIntent, refused: int = -1) -> tuple[Answer, ...]:
        """The records beside the payment, those that are there already left as they are."""
        born = RecordState.CLOSED if self.is_atomic else RecordState.INTENDED
        answers: list[Answer] = []
        for place, value in enumerate(_beside(intent), 1):
            known = self.records.get(value.external_id)
            if known is None and place == refused:
                answers.append(Answer(value.external_id, REFUSED, code="USER_ERROR", message="refused by a script"))
                continue
            self.records.setdefault(value.external_id, Record(intent.act_id, value, born))
            same = DIFFERENT if known and known.value != value else EXISTS
            answers.append(Answer(value.external_id, same if known else CREATED, value.external_id))
        return tuple(answers)

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]:
        if intents:
            self._met(At.READ_BACK)
        return tuple(self._seen_of(intent) for intent in intents)

    def _seen_of(self, intent: CloseIntent) -> ActSeen:
        erp_id = self.acts.get(_key(intent))
        wanted = [one.external_id for one in _beside(intent)]
        states = tuple((one, self.records[one].state) for one in wanted if one in self.records)
        invoices = tuple(self.invoices[one] for one in _invoice_ids(intent) if one in self.invoices)
        return ActSeen(intent.act_id, self.clock.now(), self.seen(erp_id) if erp_id else None, states, invoices)

    def write_drafts(self, payments: Sequence[PaymentToPost]) -> tuple[Answer, ...]:
        return tuple(self._draft(one) for one in payments)

    def _draft(self, payment: PaymentToPost) -> Answer:
        if payment.external_id in self.acts:
            return Answer(payment.external_id, DIFFERENT, self.acts[payment.external_id], message="it is posted")
        same = self.drafts.get(payment.external_id) == payment
        self.drafts[payment.external_id] = payment
        return Answer(payment.external_id, EXISTS if same else CREATED, f"draft {payment.external_id}")

    def delete_drafts(self, external_ids: Sequence[str]) -> tuple[Answer, ...]:
        return tuple(Answer(one, CREATED if self.drafts.pop(one, None) else EXISTS) for one in external_ids)

    def write_records(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        return tuple(ActAnswer(one.act_id, self._compared(one), self._keep(one)) for one in intents)

    def write_marks(self, marks: Sequence[Mark], statuses: Sequence[ArStatus]) -> tuple[Answer, ...]:
        met = self._met(At.STATUS) if marks or statuses else None
        if met and met.trouble is Trouble.LOST_BEFORE:
            return _unknown((*marks, *statuses))
        answers = (*(self._mark(one) for one in marks), *self._show(statuses))
        return _unknown(answers) if met else answers

    def _show(self, statuses: Sequence[ArStatus]) -> tuple[Answer, ...]:
        self.shown.update({one.invoice_id: one for one in statuses})
        return tuple(Answer(one.external_id, CREATED, one.external_id) for one in statuses)

    def _mark(self, mark: Mark) -> Answer:
        known = self.records.get(mark.external_id)
        if known is None:
            return Answer(mark.external_id, REFUSED, code="NO_RECORD", message="there is no such record")
        self.records[mark.external_id] = replace(known, state=mark.state, text=mark.text)
        return Answer(mark.external_id, CREATED, mark.external_id)

    def write_exceptions(self, records: Sequence[ExceptionRecord]) -> tuple[Answer, ...]:
        return self._show_last(records, self.waiting)

    def write_proofs(self, records: Sequence[ProofRecord]) -> tuple[Answer, ...]:
        return self._show_last(records, self.proofs)

    def _show_last(self, records: Sequence[Shown], kept: dict[str, Shown]) -> tuple[Answer, ...]:
        """What people see of it; last write wins."""
        met = self._met(At.EXCEPTION) if records else None
        if not (met and met.trouble is Trouble.LOST_BEFORE):
            kept.update({one.external_id: one for one in records})
        if met:
            return _unknown(records)
        return tuple(Answer(one.external_id, CREATED, one.external_id) for one in records)

    def read_installation(self) -> Installation | None:
        return self.installation

    def write_installation(self, installation: Installation) -> Answer:
        self.installation = installation
        return Answer("arc-installation", CREATED, "arc-installation")

    # ---- payouts ----

    def write_deposit(self, intent: DepositIntent) -> Answer:
        met = self._met(At.DEPOSIT)
        if met and met.trouble is Trouble.LOST_BEFORE:
            return Answer(intent.external_id, UNKNOWN)
        answer = self._answered(intent, lambda: ledger_books.post_deposit(self, intent))
        return replace(answer, outcome=UNKNOWN) if met and met.trouble is Trouble.LOST_AFTER else answer

    def write_reversal(self, intent: ReversalIntent) -> Answer:
        met = self._met(At.REVERSAL)
        if met and met.trouble is Trouble.LOST_BEFORE:
            return Answer(intent.external_id, UNKNOWN)
        halves = met is not None and met.trouble is Trouble.HALF and not self.is_atomic
        answer = self._answered(intent, lambda: ledger_reversals.reverse(self, intent, halves))
        lost = met is not None and met.trouble in (Trouble.LOST_AFTER, Trouble.HALF)
        return replace(answer, outcome=UNKNOWN) if lost else answer

    def read_reversal(self, intent: ReversalIntent) -> ReversalSeen | None:
        self._met(At.READ_BACK)
        return ledger_reversals.seen(self, intent)

    def why_irreversible(self, intent: ReversalIntent) -> str:
        return ledger_reversals.why_not(self, intent)

    def _answered(self, intent: DepositIntent | ReversalIntent, post: Callable[[], Answer]) -> Answer:
        try:
            with self.whole():
                return post()
        except Refused as error:
            return Answer(intent.external_id, REFUSED, code=error.code, message=str(error))

    def read_deposit(self, intent: DepositIntent) -> DepositSeen | None:
        self._met(At.READ_BACK)
        return ledger_books.deposit_of(self, intent)

    def find_deposits(self, payout_ids: Sequence[str]) -> dict[str, DepositSeen]:
        self._met(At.READ)
        found = ((id, one) for one in self.posted.values() for id in payout_ids if names(one.memo, id))
        return {id: ledger_books.deposit_seen(self, one) for id, one in found}

    def find_cleared(self, source_ids: Sequence[str]) -> dict[str, Money]:
        return ledger_books.cleared(self, source_ids)

    # ---- books ----

    def read_periods(self) -> tuple[Period, ...]:
        return ledger_books.periods(self)

    def read_balances(self, on: date) -> tuple[AccountBalance, ...]:
        return ledger_books.balances(self, on)

    def read_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        return ledger_books.documents(self, first_on, last_on)

    def read_past_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        return self.read_documents(first_on, last_on)

    def read_history(self, first_on: date, last_on: date) -> History:
        return ledger_books.history(self, first_on, last_on)

    def pause_dunning(self, invoice_ids: Sequence[str]) -> tuple[Answer, ...]:
        why = "the ledger has no dunning of its own"
        return tuple(Answer(one, REFUSED, code=NOT_SENT, message=why) for one in invoice_ids)

    def take_counted(self) -> Counted:
        taken, self.counted = self.counted, Counted()
        return taken

    def other_senders(self) -> tuple[OtherSender, ...]:
        return ()

    def check(self) -> tuple[Finding, ...]:
        return ()


def _beside(intent: CloseIntent) -> list[Cancellation | Receipt]:
    """The records beside the payment."""
    return [*intent.cancellations, intent.receipt]


def _key(intent: CloseIntent) -> str:
    """What an act is found by: its payment's id; one that applies a rest leaves the payment its own."""
    return intent.act_id if intent.payment.erp_id else intent.payment.external_id


def _invoice_ids(intent: CloseIntent) -> list[str]:
    paid = (one.invoice_id for one in intent.payment.applications)
    return list(dict.fromkeys([*paid, *(one.invoice_id for one in intent.cancellations)]))


def _unknown(records: Sequence[Mark | ArStatus | ExceptionRecord | ProofRecord | Answer]) -> tuple[Answer, ...]:
    return tuple(Answer(one.external_id, UNKNOWN) for one in records)


def _all(intent: CloseIntent, outcome: Outcome, code: str = "", message: str = "") -> ActAnswer:
    """One answer for the payment and each of its records."""
    records = (one.external_id for one in _beside(intent))
    told = tuple(Answer(one, outcome, code=code, message=message) for one in records)
    return ActAnswer(intent.act_id, Answer(intent.payment.external_id, outcome, code=code, message=message), told)


def _differences(paid: PaymentToPost, seen: PaymentSeen, entered: Received) -> Iterator[str]:
    """In what does the payment differ from what was meant? Of an older payment only our own lines are compared."""
    if seen.voided:
        yield "it is voided"
        return
    applied = dict(seen.applications)
    if any(applied.get(one.invoice_id, Money.zero(one.amount.currency)) < one.amount for one in paid.applications):
        yield f"applied as {_shown(applied)} instead of {_shown({o.invoice_id: o.amount for o in paid.applications})}"
    if paid.erp_id:
        return
    if seen.amount != paid.amount:
        yield f"amount {seen.amount} instead of {paid.amount}"
    if dict(seen.credits) != {one.credit_id: one.amount for one in paid.credits}:
        yield f"credits {_shown(dict(seen.credits))} instead of {_shown({o.credit_id: o.amount for o in paid.credits})}"
    if dict(seen.discounts) != {one.invoice_id: one.discount for one in paid.applications if one.discount}:
        yield "another discount"
    if entered.on != paid.received_on:
        yield f"dated {entered.on} instead of {paid.received_on}"
    if paid.deposit_account and entered.account != paid.deposit_account:
        yield f"on {entered.account} instead of {paid.deposit_account}"


def _shown(sums: dict[str, Money]) -> str:
    return ", ".join(f"{amount} to {name}" for name, amount in sums.items()) or "nothing"
