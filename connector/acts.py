"""The durable acts: close (match -> ERP payment, records, read-back) and remind (one mail).

Each step reads its row, looks at what is there already, does the next thing and records it; each may run twice. The
named points (`reached`) are where the kill matrix in tests/acceptance kills the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from connector.decisions import channel as channel_decision
from connector.decisions import closing as closing_decision
from connector.decisions.closing import ClosingOutcome
from connector.engine import reached
from connector.errors import ConnectorError, Terminal, Transient
from connector.money import Money
from connector.policy import EMAIL, Policy, Step
from connector.ports import (
    ActAnswer,
    ActSeen,
    Channel,
    Erp,
    Mark,
    Outcome,
    PaymentSeen,
    ReminderMail,
    SendOutcome,
    SendResult,
    on_its_way_until,
)
from connector.receivables import ArStatus, CreditKind, CreditMemo, InvoiceStatus, RecordState
from connector.store import Store, Tx, book, closing, credits, gate, instant, verdicts
from connector.store.closing import Act, ActState
from connector.store.gate import MessageState

# A write is tried, looked up and tried again this often within one run; then the next tick goes on.
ROUNDS_MAX = 3
# The matcher asks the ERP whether somebody else posted a payment; that answer is good for so long.
LOOKED_JUST_NOW = timedelta(minutes=2)
_THERE = (Outcome.CREATED, Outcome.EXISTS)
# How long a message that goes instead of another may take.
LEASE = timedelta(seconds=60)


class CloseAct:
    """Carries closing acts to their end. Steps take the id of a request: up to 25 acts that share one ERP write."""

    def __init__(
        self,
        store: Store,
        erp: Erp,
        verify_installation: Callable[[], None],
        ar_status: Callable[[Tx, Sequence[str]], tuple[ArStatus, ...]],
        status_written: Callable[[Tx, Sequence[ArStatus]], None],
        posting_forbidden: Callable[[Tx, bool, Sequence[str]], str],
        posts: Callable[[str], bool] = lambda currency: True,
    ) -> None:
        self._store = store
        self._erp = erp
        self._verify_installation = verify_installation
        self._ar_status = ar_status
        self._status_written = status_written
        self._posting_forbidden = posting_forbidden
        self._posts = posts
        # A run recovered after a kill and the tick's own run must not work on one act at the same time.
        self._turn = threading.Lock()

    def steps(self) -> tuple[tuple[str, Callable[[str], None]], ...]:
        return (("write", self.write), ("read_back", self.read_back), ("finish", self.finish))

    # ---- 1: the ERP write ----

    def write(self, request: str) -> None:
        """Bring every act of the request to an ERP payment or a refusal; what stays unknown waits for the next tick."""
        with self._turn:
            for _ in range(ROUNDS_MAX):
                self._look(self._assigned(request, ActState.ATTEMPTED))
                intended = self._assigned(request, ActState.INTENDED)
                if not intended:
                    return
                if not self._attempt(intended):
                    return

    def _look(self, acts: Sequence[Act]) -> None:
        """A write was begun and its answer is not known: read back before anything is tried again.

        What isn't there may still be on its way; as long as it may, nothing is tried, and the next tick looks again.
        """
        if not acts:
            return
        seen = {one.act_id: one for one in self._erp.read_acts([act.intent for act in acts])}
        with self._store.tx() as tx:
            for act in acts:
                found = seen[act.id]
                verdict = closing_decision.decide(act.intent, found, {})
                if found.payment is None or verdict.outcome is ClosingOutcome.PAYMENT_MISSING:
                    if until := on_its_way_until(act.attempted_at, self._erp, tx.at):
                        problem = f"not there yet; its write may still be carried out until {until:%Y-%m-%d %H:%M} UTC"
                        closing.move(tx, act.id, ActState.ATTEMPTED, problem=problem)
                    else:
                        closing.move(tx, act.id, ActState.INTENDED, problem="looked in the ERP: not there yet")
                elif verdict.outcome is ClosingOutcome.PAYMENT_DIFFERENT:
                    self._differ(tx, act, found, verdict.differences)
                else:
                    closing.move(tx, act.id, ActState.WRITTEN, erp_id=found.payment.erp_id)

    def _attempt(self, acts: Sequence[Act]) -> bool:
        """One write of all these acts. False: the ERP took nothing just now, so this run is over."""
        try:
            self._verify_installation()
            posted = self._posted_by_others(acts)
        except ConnectorError as error:
            self._not_now(acts, error)
            return False
        with self._store.tx() as tx:
            acts = [act for act in acts if not self._forbidden(tx, act)]
            if not acts:
                return False  # a person stopped posting; the acts stay as they are
            overtaken = {act.id: why for act in acts if (why := self._overtaken(tx, act, posted))}
            for act in acts:
                if act.id in overtaken:
                    self._refuse(tx, act, overtaken[act.id])
                    closing.set_standing(tx, act.payment_id, "waiting")  # decided anew, and adopted, by the next tick
            acts = [act for act in acts if act.id not in overtaken]
            statuses = self._as_closed(tx, acts) if self._erp.is_atomic else ()
            for act in acts:
                closing.move(tx, act.id, ActState.ATTEMPTED, attempt=True)
        if not acts:
            return False
        reached("act.attempted")
        try:
            answers = {one.act_id: one for one in self._erp.write_acts([act.intent for act in acts], statuses)}
        except (Transient, Terminal) as error:
            self._not_now(acts, error)
            return False
        reached("act.answered")
        with self._store.tx() as tx:
            for act in acts:
                self._take(tx, act, answers[act.id])
            done = {one.external_id for act in acts for one in answers[act.id].statuses if one.outcome in _THERE}
            self._status_written(tx, [status for status in statuses if status.external_id in done])
        reached("act.written")
        return True

    def _as_closed(self, tx: Tx, acts: Sequence[Act]) -> tuple[ArStatus, ...]:
        """The AR statuses of these acts' invoices as they will read once all the acts stand in the ERP."""
        ids = [act.id for act in acts]
        with tx.supposing():
            left = {id: owed for act in acts for id, owed in closing.expected_balances(tx, act, ids).items()}
            for act in acts:
                closing.settle_allocations(tx, act, "posted")
            for invoice_id, row in book.invoices_by_id(tx, sorted(left)).items():
                status = InvoiceStatus.OPEN if left[invoice_id] else InvoiceStatus.PAID
                paid = replace(book.invoice_of(row), balance=left[invoice_id], status=status)
                closing.take_read_back(tx, paid, tx.at_text)
            return self._ar_status(tx, sorted(left))

    def _posted_by_others(self, acts: Sequence[Act]) -> dict[str, PaymentSeen]:
        """What the ERP has by now of payments whose match is not of just now: an act may have waited for days."""
        now = self._store.clock.now()
        waited = [
            act.payment_id
            for act in acts
            if now - act.matched_at > LOOKED_JUST_NOW and not act.intent.payment.erp_id  # that one is known to be there
        ]
        found = self._erp.find_payments(waited) if waited else {}
        return {payment_id: seen for payment_id, seen in found.items() if not seen.voided}

    def _overtaken(self, tx: Tx, act: Act, posted: Mapping[str, PaymentSeen]) -> str:
        """Why must an act that was decided not be written any more? '' if it may."""
        if not closing.is_received(tx, act):
            return f"payment {act.payment_id} came back before it was posted"
        if act.payment_id in posted:
            return f"the ERP has payment {posted[act.payment_id].erp_id} of the same money, made by somebody else"
        currency = act.intent.payment.amount.currency
        return "" if self._posts(currency) else f"somebody else posts payments in {currency} by now"

    def _not_now(self, acts: Sequence[Act], error: ConnectorError) -> None:
        with self._store.tx() as tx:
            for act in acts:
                closing.move(tx, act.id, ActState.INTENDED, problem=str(error))

    def _take(self, tx: Tx, act: Act, answer: ActAnswer) -> None:
        outcome = answer.payment.outcome
        tx.journal("erp_answered", act=act.id, outcome=outcome, code=answer.payment.code)
        if outcome in _THERE:
            closing.move(tx, act.id, ActState.WRITTEN, erp_id=answer.payment.erp_id)
        elif outcome is Outcome.REFUSED:
            why = answer.payment.message or answer.payment.code
            self._refuse(tx, act, f"the ERP refused payment {act.payment_id}: {why}")
        elif outcome is Outcome.EXISTS_DIFFERENT:
            self._differ(tx, act, None, (answer.payment.message,))
        # UNKNOWN stays ATTEMPTED: the next round looks first.

    def _refuse(self, tx: Tx, act: Act, reason: str) -> None:
        """Surely not written: the cents are free again, and the reminders wait for a person instead of resuming."""
        invoice_ids = [a.invoice_id for a in act.intent.payment.applications]
        book.drop_own_credit(tx, act.id)
        closing.settle_allocations(tx, act, "released")
        closing.release_payment(tx, act.payment_id)
        for cancellation in act.intent.cancellations:
            gate.hold_cancelled(tx, cancellation.invoice_id, cancellation.steps, reason)
        verdicts.open_exception(
            tx,
            "posting_refused",
            act.payment_id,
            f"{reason}. Nothing was posted; it is tried again tomorrow, or when the customer's invoices change.",
            amount=act.intent.payment.amount,
            customer_id=act.intent.payment.customer_id,
            payment_id=act.payment_id,
            invoice_ids=invoice_ids,
        )
        closing.touch(tx, invoice_ids)
        closing.move(tx, act.id, ActState.REFUSED, problem=reason)

    def _differ(self, tx: Tx, act: Act, seen: ActSeen | None, differences: Sequence[str]) -> None:
        """The ERP has this payment, but not as we meant it: its invoices are held, a person told, nothing touched."""
        invoice_ids = [a.invoice_id for a in act.intent.payment.applications]
        closing.settle_allocations(tx, act, "posted")
        if seen:
            for invoice in seen.invoices:
                closing.take_read_back(tx, invoice, instant(seen.requested_at))
        problem = "; ".join(differences) or "the ERP's payment differs from what was matched"
        verdicts.open_exception(
            tx,
            "difference",
            act.id,
            f"Payment {act.payment_id} ({act.intent.payment.external_id} in the ERP): {problem}. "
            "Nothing more is written; compare the two and correct the ERP's record.",
            amount=act.intent.payment.amount,
            customer_id=act.intent.payment.customer_id,
            payment_id=act.payment_id,
            invoice_ids=invoice_ids,
        )
        closing.touch(tx, invoice_ids)
        closing.move(tx, act.id, ActState.DIFFERENT, problem=problem)

    # ---- 2: read-back ----

    def read_back(self, request: str) -> None:
        """Does the ERP hold what we meant? A lost record alone is written again; the payment never is."""
        with self._turn:
            for attempt in range(ROUNDS_MAX):
                written = self._assigned(request, ActState.WRITTEN)
                if not written:
                    return
                lacking = self._compare(written)
                if not lacking or attempt == ROUNDS_MAX - 1 or self._is_stopped(lacking):
                    return
                self._verify_installation()
                answers = self._erp.write_records([act.intent for act in lacking])
                refused = {a.act_id: r for a in answers for r in a.records if r.outcome is Outcome.REFUSED}
                with self._store.tx() as tx:
                    for act_id, record in refused.items():
                        problem = f"record {record.external_id} was refused: {record.message or record.code}"
                        closing.move(tx, act_id, ActState.WRITTEN, problem=problem)
                if len(refused) == len(lacking):
                    return  # tried again by the next tick; the payment stands and nobody is reminded meanwhile

    def _compare(self, written: Sequence[Act]) -> list[Act]:
        seen = {one.act_id: one for one in self._erp.read_acts([act.intent for act in written])}
        reached("act.read_back")
        lacking: list[Act] = []
        ids = [act.id for act in written]
        with self._store.tx() as tx:
            # All before the first is settled: what one act confirms, the next must not expect again.
            expected = {act.id: closing.expected_balances(tx, act, ids) for act in written}
            for act in written:
                found = seen[act.id]
                verdict = closing_decision.decide(act.intent, found, expected[act.id])
                verdicts.put_verdict(
                    tx,
                    f"act:{act.id}",
                    "closing",
                    verdict.outcome,
                    "; ".join(verdict.differences) or "ERP, cash and reminders agree",
                    {"expected": {invoice: str(left) for invoice, left in expected[act.id].items()}},
                    "",
                )
                if verdict.outcome is ClosingOutcome.CLOSED:
                    self._confirm(tx, act, found)
                elif verdict.outcome is ClosingOutcome.RECORDS_MISSING:
                    lacking.append(act)
                elif verdict.outcome is ClosingOutcome.PAYMENT_MISSING:
                    closing.move(tx, act.id, ActState.ATTEMPTED, problem="answered as made, but not found on read-back")
                else:
                    self._differ(tx, act, found, verdict.differences)
        reached("act.confirmed")
        return lacking

    def _confirm(self, tx: Tx, act: Act, seen: ActSeen) -> None:
        closing.settle_allocations(tx, act, "posted")
        for invoice in seen.invoices:
            closing.take_read_back(tx, invoice, instant(seen.requested_at))
            if not invoice.balance:
                tx.journal("invoice_closed", invoice=invoice.id, payment=act.payment_id, act=act.id)
        erp_id = ""
        if seen.payment:
            # What stays unapplied is the customer's credit from now on, not only from the next read on.
            book.put_credits(tx, _rest(tx, act, seen.payment), seen.requested_at)
            erp_id = seen.payment.erp_id
        closing.move(tx, act.id, ActState.CONFIRMED, erp_id=erp_id)

    # ---- 3: the records get their end state ----

    def finish(self, request: str) -> None:
        """Mark the act's records closed, or withdrawn where the payment was refused; then the loop is closed.

        An atomic ERP has it all since the payment, or nothing at all: there the act only ends.
        """
        with self._turn:
            confirmed = self._assigned(request, ActState.CONFIRMED)
            refused = self._assigned(request, ActState.REFUSED)
            if (not confirmed and not refused) or self._is_stopped([*confirmed, *refused]):
                return
            undone = self._mark(confirmed, refused)
            with self._store.tx() as tx:
                for act in (*confirmed, *refused):
                    self._end(tx, act, undone.get(act.id, ()))
            reached("act.closed")

    def _mark(self, confirmed: Sequence[Act], refused: Sequence[Act]) -> dict[str, list[str]]:
        """Give the records their end state and the invoices their AR status; act id -> what could not be marked."""
        if self._erp.is_atomic:
            reached("act.marked")
            return {}
        marks = {act.id: _marks(act, RecordState.CLOSED) for act in confirmed} | self._withdrawals(refused)
        touched = [a.invoice_id for act in (*confirmed, *refused) for a in act.intent.payment.applications]
        with self._store.read() as tx:
            statuses = self._ar_status(tx, touched)
        self._verify_installation()
        answers = self._erp.write_marks([m for some in marks.values() for m in some], statuses)
        reached("act.marked")
        done = {a.external_id for a in answers if a.outcome in _THERE}
        with self._store.tx() as tx:
            self._status_written(tx, [status for status in statuses if status.external_id in done])
        return {id: [m.external_id for m in some if m.external_id not in done] for id, some in marks.items()}

    def _withdrawals(self, refused: Sequence[Act]) -> dict[str, list[Mark]]:
        """Only records that are there can be withdrawn."""
        if not refused:
            return {}
        seen = self._erp.read_acts([act.intent for act in refused])
        return {s.act_id: [Mark(external_id, RecordState.WITHDRAWN) for external_id, _ in s.records] for s in seen}

    def _end(self, tx: Tx, act: Act, undone: Sequence[str]) -> None:
        if undone:
            closing.move(tx, act.id, act.state, problem=f"not marked in the ERP yet: {', '.join(undone)}")
        elif act.state is ActState.REFUSED:
            closing.move(tx, act.id, ActState.WITHDRAWN, problem=act.problem)
        else:
            closing.move(tx, act.id, ActState.CLOSED)
            for application in act.intent.payment.applications:
                tx.journal("loop_closed", invoice=application.invoice_id, payment=act.payment_id, act=act.id)

    def _is_stopped(self, acts: Sequence[Act]) -> bool:
        """May nothing of these acts be written now? What a person approved may, also where nothing posts by itself."""
        with self._store.read() as tx:
            return any(self._forbidden(tx, act) for act in acts)

    def _forbidden(self, tx: Tx, act: Act) -> str:
        return self._posting_forbidden(tx, bool(act.approved_by), act.invoice_ids)

    def _assigned(self, request: str, *states: ActState) -> tuple[Act, ...]:
        with self._store.read() as tx:
            return closing.assigned(tx, request, states)


def _marks(act: Act, state: RecordState) -> list[Mark]:
    external_ids = [c.external_id for c in act.intent.cancellations] + [act.intent.receipt.external_id]
    return [Mark(external_id, state) for external_id in external_ids]


def _rest(tx: Tx, act: Act, payment: PaymentSeen) -> list[CreditMemo]:
    """What the ERP holds of this payment beyond its applications, as the credit that it is there."""
    applied = Money.total((amount for _, amount in payment.applications), payment.amount.currency)
    used = Money.total((amount for _, amount in payment.credits), payment.amount.currency)
    left = payment.amount + used - applied
    if left.minor < 0 or (not left and not act.intent.payment.erp_id):
        return []
    there = credits.credits_by_id(tx, [payment.erp_id]).get(payment.erp_id)
    if there:
        return [replace(there, open_amount=left)]
    kind, external_id = CreditKind.UNAPPLIED_PAYMENT, act.intent.payment.external_id
    return [CreditMemo(payment.erp_id, "", payment.customer_id, left, kind, external_id)]


class RemindAct:
    """Sends one message at most once, and where its channel surely failed, once another instead, if policy says so.

    Its step takes "<owner>#<Message-ID>#<attempt>". Without a policy nothing falls back. `sending` holds the messages
    that are on their way just now.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        owner: str,
        policy: Policy | None = None,
        sending: set[str] | None = None,
    ) -> None:
        self._sending = sending if sending is not None else set()
        self._store = store
        self._channels = channels
        self._owner = owner
        self._policy = policy

    def steps(self) -> tuple[tuple[str, Callable[[str], None]], ...]:
        return (("send", self.send),)

    def send(self, key: str) -> None:
        _, message_id, _ = key.split("#")
        with self._at_work_on(message_id):
            with self._store.read() as tx:
                found = gate.read_message(tx, message_id)
            if found is None or found[1] is not MessageState.LEASED or found[2] != self._owner:
                return  # ended before, or buried with the process that had leased it
            instead = self._send_one(found[0])
        while instead is not None:
            with self._at_work_on(instead.message_id):
                instead = self._send_one(instead)

    @contextmanager
    def _at_work_on(self, message_id: str) -> Iterator[None]:
        self._sending.add(message_id)
        try:
            yield
        finally:
            self._sending.discard(message_id)

    def _send_one(self, mail: ReminderMail) -> ReminderMail | None:
        """Send this one and say what became of it; returns the message that is leased to go instead."""
        reached("reminder.leased")
        asked: list[bool] = []
        try:
            result = self._by_its_channel(mail, asked)
        except BaseException:
            with self._store.tx() as tx:
                gate.end_broken(tx, mail.message_id)
            raise
        reached("reminder.dot")
        instead = None
        with self._store.tx() as tx:
            if result.address_refused and mail.channel == EMAIL:
                self._fix_contact(tx, mail, result.detail)
            # What the gate called off must not leave by another door; what may have left must not leave twice.
            if result.outcome is SendOutcome.NOT_SENT and False not in asked:
                instead = self._lease_instead(tx, mail, result.detail)
            # Ending an ended message does nothing.
            gate.end_message(tx, mail.message_id, _STATE_AFTER[result.outcome], result.detail)
        reached("reminder.sent")
        return instead

    def _by_its_channel(self, mail: ReminderMail, asked: list[bool]) -> SendResult:
        channel = self._channels.get(mail.channel)
        if channel is None:
            return SendResult(SendOutcome.NOT_SENT, f"no channel {mail.channel} is connected")

        def may_leave() -> bool:
            asked.append(self._may_leave(mail.message_id))
            return asked[-1]

        return channel.send(mail, may_leave)

    def _may_leave(self, message_id: str) -> bool:
        reached("reminder.body")
        with self._store.tx() as tx:
            may = gate.mark_leaving(tx, message_id, self._owner, self._store.clock.now())
        reached("reminder.leaving")
        return may

    def _lease_instead(self, tx: Tx, mail: ReminderMail, detail: str) -> ReminderMail | None:
        """The same message by the channel that the policy names for this case, leased through the gate like any."""
        fallback = self._policy.channel(mail.channel).fallback if self._policy else ""
        if self._policy is None or not fallback or mail.instead_of or fallback not in self._channels:
            return None
        customer_id, _ = gate.addressed(tx, mail.message_id)
        customer = book.customers_by_id(tx, [customer_id]).get(customer_id)
        parent_id = customer.parent_id if customer else ""
        parent = book.customers_by_id(tx, [parent_id]).get(parent_id) if parent_id else None
        step = Step("", 0, mail.template, "", channel=fallback)
        way = channel_decision.decide(step, customer, parent, self._policy)
        if way.channel != fallback or not way.to:
            return None
        local, _, domain = mail.message_id.rpartition("@")
        second = replace(
            mail,
            message_id=f"{local}{gate.INSTEAD}{fallback}@{domain}",
            channel=fallback,
            to=way.to,
            cc=way.cc,
            instead_of=mail.message_id,
        )
        refused = gate.take_leases_instead(tx, mail.message_id, second, self._owner, detail, LEASE)
        said = {"by": fallback, "instead_of": mail.channel, "detail": detail, "refused": refused}
        tx.journal("channel_fell_back" if not refused else "mail_dropped", message=second.message_id, **said)
        return second if not refused else None

    def _fix_contact(self, tx: Tx, mail: ReminderMail, detail: str) -> None:
        """A refused address: the step is not delivered, nothing escalates on it, and a person corrects the contact."""
        customer_id, invoice_ids = gate.addressed(tx, mail.message_id)
        verdicts.open_exception(
            tx,
            "fix_contact",
            customer_id,
            "the billing contact's address was refused by the mail server; correct it in the ERP, then reminders go on",
            amount=mail.items[0].askable,
            customer_id=customer_id,
            invoice_ids=invoice_ids,
            explanations=[detail],
        )


_STATE_AFTER = {
    SendOutcome.SENT: MessageState.SENT,
    SendOutcome.NOT_SENT: MessageState.NOT_SENT,
    SendOutcome.UNKNOWN: MessageState.UNKNOWN,
}
