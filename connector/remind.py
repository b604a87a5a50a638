"""Steps 2 and 6: plan every invoice's reminders, and let out what is due and may leave, through the gate.

Cash is looked at last, before speaking: what is due is decided on this tick's facts, read again in one batch, decided
once more, leased on the facts' version, and only then mailed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from connector import pull, undo
from connector.cash import settle_reminders
from connector.decisions import backlog, cadence, suppression
from connector.decisions.cadence import CadenceOutcome, CadenceVerdict
from connector.decisions.suppression import (
    SuppressionOutcome,
    SuppressionReason,
    SuppressionVerdict,
)
from connector.errors import ConnectorError
from connector.money import Money
from connector.parts import Parts, clock_behind
from connector.policy import BacklogChoice, Courtesy
from connector.ports import MailItem, ReminderMail
from connector.receivables import Customer, InvoiceStatus, OpenInvoice, Reminder, ReminderState
from connector.store import Tx, book, closing, gate, relations, verdicts
from connector.store.gate import Claim
from connector.store.verdicts import Verdict
from connector.surroundings import Surroundings

# Customers whose facts are read again together just before their mails.
BATCH_CUSTOMERS = 50
# Invoices whose plan is settled in one commit.
CHANGED_AT_ONCE = 500
LEASE = timedelta(seconds=60)


# ---- step 2 ----


def plan_reminders(parts: Parts, today: date) -> None:
    """Settle the plan of every invoice whose facts changed: new ones get their cadence, paid ones lose theirs."""
    with parts.store.tx() as tx:
        auto_before = tx.get("auto_since")
        auto_since = pull.sending_since(tx, parts.policy.send, today)
        last_able_on = date.fromisoformat(tx.get("last_able_on")) if tx.get("last_able_on") else None
        if (auto_since and not auto_before) or _was_out(parts, last_able_on, today):
            for row in book.open_rows(tx):
                _into_backlog(tx, parts, row, auto_since, last_able_on, today)
    while True:
        with parts.store.tx() as tx:
            rows = book.changed_rows(tx, CHANGED_AT_ONCE)
            _plan(tx, parts, rows, auto_since, last_able_on, today)
        if len(rows) < CHANGED_AT_ONCE:
            break
    with parts.store.tx() as tx:
        _clear_backlog(tx, parts, auto_since, today, parts.clock.now())


def _plan(
    tx: Tx, parts: Parts, rows: Sequence[Any], auto_since: date | None, last_able_on: date | None, today: date
) -> None:
    """Settle the plan of these invoices, in one commit."""
    ids = [row["id"] for row in rows]
    plans, ours = gate.reminders(tx, ids), closing.with_acts(tx, ids)
    invoices = [book.invoice_of(row) for row in rows]
    is_open = [invoice for invoice in invoices if invoice.status is InvoiceStatus.OPEN]
    gate.put_plan(
        tx, [step for one in is_open for step in _moved(cadence.plan(one, parts.policy), plans[one.id])], plans
    )
    for row, invoice in zip(rows, invoices, strict=True):
        if invoice.status is not InvoiceStatus.OPEN:
            if invoice.id in ours:
                undo.take_applied_again(tx, invoice)
        else:
            if invoice.id in ours:
                undo.take_reopened(tx, invoice, today)
            if not plans[invoice.id]:
                _into_backlog(tx, parts, row, auto_since, last_able_on, today)
        cash_on = _cash_on(plans[invoice.id], parts.policy.courtesy, today)
        settle_reminders(tx, invoice, parts.policy, cash_on, _why_closed(invoice))
    book.set_next(tx, {id: _next_on(steps) for id, steps in gate.reminders(tx, ids).items()})


def _clear_backlog(tx: Tx, parts: Parts, auto_since: date | None, today: date, now: datetime) -> None:
    """What a person chose for the backlog, as far as its limits let it (RULES 4.5)."""
    choice, limits = parts.policy.backlog, parts.policy.backlog_limits
    if choice is BacklogChoice.WORKLIST or (choice is BacklogChoice.STATEMENT and auto_since is None):
        return
    invoices = [book.invoice_of(row) for row in book.backlog_rows(tx)]
    if choice is BacklogChoice.NEXT_STEP:
        for invoice in invoices:
            if backlog.way_out(invoice, choice, limits, today).choice is choice:
                _out_of_backlog(tx, invoice.id, today, "the backlog starts at the next step")
        return
    told, told_today = gate.with_step(tx, cadence.STATEMENT_STEP, today)
    may_be_told = _held_by_the_backlog_alone(tx, parts, invoices, now, today)
    for one in backlog.statements(may_be_told, told, told_today, limits, today):
        for invoice_id in one.invoice_ids:
            _out_of_backlog(tx, invoice_id, today, "the backlog starts with one statement")
            gate.put_plan(tx, [Reminder(invoice_id, cadence.STATEMENT_STEP, today, ReminderState.PLANNED)])


def _held_by_the_backlog_alone(
    tx: Tx, parts: Parts, invoices: Sequence[OpenInvoice], now: datetime, today: date
) -> list[OpenInvoice]:
    """Those that might be mailed otherwise: who can't be must not use up one of the day's statements."""
    surroundings = Surroundings(tx, parts, now, today, with_hours=False)
    rows = book.invoices_by_id(tx, [invoice.id for invoice in invoices])
    customers = book.customers_by_id(tx, {invoice.customer_id for invoice in invoices})
    found = []
    for invoice in invoices:
        on = parts.today(now, invoice.subsidiary)
        facts = surroundings.facts(rows[invoice.id], invoice, customers.get(invoice.customer_id), on)
        if suppression.decide(facts, parts.policy).reason is SuppressionReason.BACKLOG:
            found.append(invoice)
    return found


def _out_of_backlog(tx: Tx, invoice_id: str, today: date, why: str) -> None:
    for reminder in gate.reminders(tx, [invoice_id])[invoice_id]:
        if reminder.due_on <= today and reminder.state in gate.WAITING:
            gate.move(tx, reminder, ReminderState.MISSED, why)
    book.out_of_backlog(tx, invoice_id)


def _moved(wanted: Sequence[Reminder], standing: Sequence[Reminder]) -> list[Reminder]:
    """Steps that aren't there yet, and those that a new due date moves."""
    days = {reminder.step: reminder.due_on for reminder in standing}
    return [reminder for reminder in wanted if days.get(reminder.step) != reminder.due_on]


def _cash_on(standing: Sequence[Reminder], courtesy: Courtesy, today: date) -> date:
    """A courtesy message that is planned keeps its day, whatever else changes on the invoice."""
    planned = [r.due_on for r in standing if r.step == cadence.COURTESY_STEP]
    return planned[0] - timedelta(days=courtesy.after_days) if planned else today


def _why_closed(invoice: OpenInvoice) -> str:
    if invoice.status is InvoiceStatus.VOIDED:
        return "the invoice was voided in the ERP"
    return "the invoice was paid in the ERP by somebody else" if not invoice.balance else "almost paid in the ERP"


def _was_out(parts: Parts, last_able_on: date | None, today: date) -> bool:
    if last_able_on is None:
        return False
    return backlog.business_days_between(last_able_on, today) > parts.policy.outage_business_days_max


def _into_backlog(
    tx: Tx, parts: Parts, row: Any, auto_since: date | None, last_able_on: date | None, today: date
) -> None:
    invoice = book.invoice_of(row)
    seen_on = date.fromisoformat(row["first_seen_on"])
    verdict = backlog.decide(invoice, seen_on, auto_since, last_able_on, today, parts.policy.outage_business_days_max)
    if not verdict or row["in_backlog"]:
        return
    book.into_backlog(tx, invoice.id, verdict.reason)


def _next_on(steps: Sequence[Reminder]) -> date | None:
    return min((r.due_on for r in steps if r.state in gate.WAITING), default=None)


# ---- step 6 ----


@dataclass(frozen=True, slots=True)
class Decided:
    """One invoice with its two verdicts: which step is due, and whether it may leave."""

    invoice: OpenInvoice
    on: date  # the day on which it was decided, where its subsidiary is
    version: int
    customer: Customer | None
    cadence: CadenceVerdict
    suppression: SuppressionVerdict | None
    credits: Money  # what the customer's family has open in credits, in the invoice's currency
    under: tuple[object, ...]  # all that the second verdict rests on, beside the invoice's own facts
    is_netted: bool = False  # held since the mail that it would be in asks for nothing beside the credits

    @property
    def is_held_alone(self) -> bool:
        """Is it held by its own facts and surroundings, and not by what else would be in the same mail?"""
        held = self.suppression is not None and self.suppression.outcome is SuppressionOutcome.HELD
        return held and not self.is_netted

    @property
    def may_leave(self) -> bool:
        return self.suppression is not None and self.suppression.outcome is SuppressionOutcome.MAY_LEAVE


def decide_reminders(
    tx: Tx,
    parts: Parts,
    now: datetime,
    today: date,
    invoice_ids: Sequence[str] | None = None,
    *,
    with_hours: bool = False,
) -> tuple[Decided, ...]:
    """Both verdicts on these invoices, or on every one whose next action has come.

    In the latter case those are left out that were held under just the same surroundings: nothing has changed.
    `with_hours`: an hour or day on which no mail leaves counts as a hold of its own, for people to see. The tick only
    waits for the hour, or everything that is due would be held every night.
    """
    surroundings = Surroundings(tx, parts, now, today, with_hours)
    if invoice_ids is None:
        due = book.due_briefs(tx, today)
        invoice_ids = [row["id"] for row in due if parts.remembered.get(row["id"]) != surroundings.of(row)]
    rows = [row for _, row in sorted(book.invoices_by_id(tx, invoice_ids).items())]
    plans, sent = gate.reminders(tx, [row["id"] for row in rows]), gate.last_sent_on(tx, [row["id"] for row in rows])
    customers = book.customers_by_id(tx, {row["customer_id"] for row in rows})
    decided = []
    for row in rows:
        invoice = book.invoice_of(row)
        # Days past due are counted in the zone of the invoice's own subsidiary (RULES 5.1).
        on = parts.today(now, invoice.subsidiary)
        due_now = cadence.decide(plans[invoice.id], parts.policy, on, sent.get(invoice.id))
        verdict = None
        if due_now.outcome is CadenceOutcome.DUE:
            facts = surroundings.facts(row, invoice, customers.get(invoice.customer_id), on)
            verdict = suppression.decide(facts, parts.policy)
        customer, credits = customers.get(invoice.customer_id), surroundings.credits(row)
        under = surroundings.of(row)
        decided.append(Decided(invoice, on, row["version"], customer, due_now, verdict, credits, under))
    return _net_of_credits(decided)


def _net_of_credits(decided: Sequence[Decided]) -> tuple[Decided, ...]:
    """A mail asks for what is left beside the customer's credits; where that is nothing, its invoices wait."""
    asked: dict[tuple[str, str], Money] = {}
    for one in decided:
        if one.may_leave:
            mail, askable = (one.invoice.customer_id, one.invoice.balance.currency), one.invoice.askable
            asked[mail] = asked[mail] + askable if mail in asked else askable
    return tuple(_netted(one, asked) for one in decided)


def _netted(one: Decided, asked: Mapping[tuple[str, str], Money]) -> Decided:
    if one.suppression is None or not one.may_leave:
        return one
    total = asked[one.invoice.customer_id, one.invoice.balance.currency]
    verdict = suppression.decide_net(one.suppression, total, one.credits)
    return replace(one, suppression=verdict, is_netted=verdict.outcome is SuppressionOutcome.HELD)


def record_decisions(tx: Tx, parts: Parts, decided: Sequence[Decided], today: date) -> None:
    """Store what was decided: missed and cancelled steps, holds with their reason, the next day to look."""
    missing = [one for one in decided if one.cadence.missed]
    plans = gate.reminders(tx, [one.invoice.id for one in missing])
    for one in missing:
        plan = {r.step: r for r in plans[one.invoice.id]}
        for missed in one.cadence.missed:
            gate.move(tx, plan[missed.step], ReminderState.MISSED, missed.reason)
    due = [one for one in decided if one.suppression is not None and one.cadence.reminder is not None]
    verdicts.put_verdicts(tx, [_verdict(one, parts.policy.version) for one in due])
    next_on = {one.invoice.id: one.cadence.next_on for one in decided}
    for one in due:
        next_on[one.invoice.id] = today
        reminder, verdict = one.cadence.reminder, one.suppression
        if reminder is None or verdict is None:
            continue
        if verdict.outcome is SuppressionOutcome.HELD:
            gate.move(tx, reminder, ReminderState.HELD, verdict.text)
        elif verdict.outcome is SuppressionOutcome.CANCELLED:
            gate.cancel(tx, one.invoice.id, verdict.text)
        elif reminder.state is ReminderState.HELD:
            gate.move(tx, reminder, ReminderState.PLANNED, "nothing stands against it any more")
    book.set_next(tx, next_on)


def _verdict(one: Decided, policy_version: str) -> Verdict:
    step = one.cadence.reminder.step if one.cadence.reminder else ""
    outcome, reason, text = (
        (one.suppression.outcome.value, one.suppression.reason, one.suppression.text)
        if one.suppression
        else ("", "", "")
    )
    inputs = {"step": step, "reason": reason, "askable": str(one.invoice.askable), "cadence": one.cadence.reason}
    return Verdict(f"invoice:{one.invoice.id}", "suppression", f"{step} {outcome}", text, inputs, policy_version)


def send_reminders(parts: Parts, now: datetime, today: date) -> None:
    """Let out what is due and may leave, one mail per customer and day."""
    with parts.store.tx() as tx:
        tx.set("clock_behind", "yes" if clock_behind(tx, now) else "")
        decided = decide_reminders(tx, parts, now, today)
        record_decisions(tx, parts, decided, today)
        mailed = gate.mailed_on(tx, today)
    for one in decided:
        if one.is_held_alone:
            parts.remembered[one.invoice.id] = one.under
        else:
            parts.remembered.pop(one.invoice.id, None)
    if parts.quiet(now):
        return
    ready: dict[str, list[str]] = {}
    for one in decided:
        if one.may_leave and one.invoice.customer_id not in mailed:
            ready.setdefault(one.invoice.customer_id, []).append(one.invoice.id)
    if ready:
        with parts.store.tx() as tx:
            if parts.paused(tx, "send", "reminders", len(ready)):
                return
    customers = sorted(ready)
    for start in range(0, len(customers), BATCH_CUSTOMERS):
        batch = customers[start : start + BATCH_CUSTOMERS]
        _send_batch(parts, [i for customer in batch for i in ready[customer]], today)


def _send_batch(parts: Parts, invoice_ids: Sequence[str], today: date) -> None:
    """Read these invoices again, decide again on what was read, and mail while that is fresh."""
    parts.verify_installation()
    read, pulled = pull.reread(parts, invoice_ids, today)
    plan_reminders(parts, today)
    confirmed = {invoice.id for invoice in read.invoices} - pulled.older
    fresh_until = read.requested_at + timedelta(seconds=parts.policy.freshness.reread_seconds_max)
    with parts.store.tx() as tx:
        decided = decide_reminders(tx, parts, parts.clock.now(), today, sorted(confirmed))
        record_decisions(tx, parts, decided, today)
        for invoice_id in sorted(set(invoice_ids) - confirmed):
            _hold_unconfirmed(tx, parts, invoice_id)
    by_customer: dict[str, list[Decided]] = {}
    for one in decided:
        if one.may_leave:
            by_customer.setdefault(one.invoice.customer_id, []).append(one)
    trouble: ConnectorError | None = None
    for customer_id in sorted(by_customer):
        if parts.clock.now() > fresh_until:
            break  # too long ago by now: the next tick reads again
        try:
            _send_one(parts, customer_id, by_customer[customer_id], today)
        except ConnectorError as error:
            trouble = error  # the other customers' mails have nothing to do with it
    if trouble:
        raise trouble


def _hold_unconfirmed(tx: Tx, parts: Parts, invoice_id: str) -> None:
    """The ERP didn't show it when it was asked again just before the mail: held, and said."""
    text = "The ERP did not show this invoice when it was read again just before sending."
    verdicts.put_verdict(
        tx, f"invoice:{invoice_id}", "suppression", "held", text, {"reason": "not_confirmed"}, parts.policy.version
    )


def _send_one(parts: Parts, customer_id: str, due: Sequence[Decided], today: date) -> None:
    mail = compose(parts, customer_id, due, today)
    claims = [Claim(one.invoice.id, one.version, one.cadence.reminder.step) for one in due if one.cadence.reminder]
    with parts.store.tx() as tx:
        refused = gate.take_leases(tx, mail, customer_id, claims, parts.owner, parts.clock.now() + LEASE)
        attempt = tx.journal("mail_leased" if not refused else "mail_dropped", message=mail.message_id, reason=refused)
    if refused:
        return
    try:
        parts.run("remind", f"{parts.owner}#{mail.message_id}#{attempt}")
    finally:
        # If the engine itself failed, the mail must not stay leased: matches would wait for it.
        with parts.store.tx() as tx:
            gate.end_broken(tx, mail.message_id)
            if mail.template == suppression.PAYMENT_METHOD_TEMPLATE and gate.has_left(tx, mail.message_id):
                relations.tell_payment_failed(tx, [item.number for item in mail.items])


def compose(parts: Parts, customer_id: str, due: Sequence[Decided], today: date) -> ReminderMail:
    """One mail of all that is due for one customer; the firmest step gives the tone and the sender.

    A text that a verdict asks for instead of the step's own goes before the tone of all others.
    """
    rank = {step.template: number for number, step in enumerate(parts.policy.steps)}
    firmest = max(due, key=lambda one: (rank.get(one.cadence.template, -1), one.invoice.id))
    instead = [one.suppression.template for one in due if one.suppression and one.suppression.template]
    template = instead[0] if instead else firmest.cadence.template
    steps = {step.template: step.sender for step in parts.policy.steps}
    sender = parts.policy.sender(steps.get(template, parts.policy.courtesy.sender))
    customer = firmest.customer
    items = sorted(due, key=lambda one: (one.invoice.due_on, one.invoice.number))
    return ReminderMail(
        message_id=f"<arc-{parts.installation}-{customer_id}-{today.isoformat()}@{sender.rpartition('@')[2]}>",
        customer_name=customer.name if customer else "",
        to=customer.email if customer else "",
        sender=sender,
        reply_to=parts.reply_to,
        template=template,
        on=today,
        items=tuple(_item(one) for one in items),
        credits=tuple({one.credits.currency: one.credits for one in items if one.credits}.values()),
    )


def _item(one: Decided) -> MailItem:
    invoice, reminder = one.invoice, one.cadence.reminder
    return MailItem(
        number=invoice.number,
        due_on=invoice.due_on,
        days_past_due=invoice.days_past_due(one.on),
        askable=invoice.askable,
        balance=invoice.balance,
        step=reminder.step if reminder else "",
        pay_url=invoice.pay_url,
        po_number=invoice.po_number,
        disputed=invoice.disputed or None,
    )
