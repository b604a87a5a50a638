"""Step 6: let out what is due and may leave, through the gate.

Cash is looked at last, before speaking: what is due is decided on this tick's facts, read again in one batch, decided
once more, leased on the facts' version, and only then mailed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector import pauses, plans, profiles, pull
from connector.decisions import cadence, channel, suppression
from connector.decisions.cadence import CadenceVerdict
from connector.decisions.channel import ChannelVerdict
from connector.decisions.suppression import SuppressionOutcome, SuppressionVerdict
from connector.errors import ConnectorError
from connector.faults import Apart
from connector.money import Money
from connector.parts import Parts, clock_behind
from connector.policy import EMAIL, Policy, Step, Tone
from connector.ports import MailItem, ReminderMail
from connector.receivables import Customer, OpenInvoice, Profile, Reminder, ReminderState, Traits
from connector.store import Tx, book, gate, relations, verdicts
from connector.store.gate import Claim
from connector.store.profiles import relation
from connector.store.verdicts import Verdict
from connector.surroundings import WEEK, Surroundings

# Customers whose facts are read again together just before their mails.
BATCH_CUSTOMERS = 50
LEASE = timedelta(seconds=60)
_STEP = "decide reminders"


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
    policy: Policy  # as its segment sees it
    way: ChannelVerdict | None  # how its step would reach somebody; None where none is due
    is_netted: bool = False  # held since the mail that it would be in asks for nothing beside the credits

    @property
    def is_held_alone(self) -> bool:
        """Is it held by its own facts and surroundings, and not by what else would be in the same mail?"""
        held = self.suppression is not None and self.suppression.outcome is SuppressionOutcome.HELD
        return held and not self.is_netted

    @property
    def asks(self) -> bool:
        """Does its message ask for money? The question about a dispute doesn't."""
        return self.cadence.reminder is not None and self.cadence.reminder.step != cadence.DISPUTE_STEP

    @property
    def mail(self) -> object:
        """What it has in common with all that `together` puts into the same message, in one currency."""
        step = self.cadence.reminder.step if self.cadence.reminder else ""
        alone = step if step in cadence.ALONE else ""
        return self.invoice.customer_id, self.invoice.balance.currency, alone or self.policy.steps

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
    apart: Apart | None = None,
) -> tuple[Decided, ...]:
    """Both verdicts on these invoices, or on every one whose next action has come.

    In the latter case those are left out that were held under just the same surroundings: nothing has changed. Left
    out as well is what meets a fault of the program, which `apart` then knows.
    `with_hours`: an hour or day on which no mail leaves counts as a hold of its own, for people to see. The tick only
    waits for the hour, or everything that is due would be held every night.
    """
    surroundings = Surroundings(tx, parts, now, today, with_hours)
    if invoice_ids is None:
        unplanned = set(Apart(plans.PLANNING).left_over(tx))
        due = [row for row in book.due_briefs(tx, today) if row["id"] not in unplanned]
        invoice_ids = [row["id"] for row in due if parts.remembered.get(row["id"]) != surroundings.of(row)]
    rows = [row for _, row in sorted(book.invoices_by_id(tx, invoice_ids).items())]
    steps, sent = gate.reminders(tx, [row["id"] for row in rows]), gate.last_sent_on(tx, [row["id"] for row in rows])
    resumed = pauses.resumed(tx, [row["id"] for row in rows])
    customers = book.customers_by_id(tx, {row["customer_id"] for row in rows})
    parents = book.customers_by_id(tx, {one.parent_id for one in customers.values() if one.mails_parent})
    apart, decided = apart or Apart(_STEP), []
    for row in rows:
        with apart.one(row["id"]):
            customer = customers.get(row["customer_id"])
            parent = parents.get(customer.parent_id) if customer else None
            plan = Planned(steps[row["id"]], sent.get(row["id"]), resumed.get(row["id"], ""))
            decided.append(_decide_one(parts, surroundings, row, plan, customer, parent))
    return _net_of_credits(decided)


@dataclass(frozen=True, slots=True)
class Planned:
    """The steps of one invoice, when the last one left, and why they go on after a pause; '' after none."""

    steps: Sequence[Reminder]
    last_sent_on: date | None
    resumed: str


def _decide_one(
    parts: Parts, around: Surroundings, row: Any, plan: Planned, customer: Customer | None, parent: Customer | None
) -> Decided:
    invoice, policy = book.invoice_of(row), parts.policy.of(row["segment"])
    # Days past due are counted in the zone of the invoice's own subsidiary (RULES 5.1).
    on = parts.today(around.now, invoice.subsidiary)
    due_now = cadence.decide(plan.steps, policy, on, plan.last_sent_on, plan.resumed)
    verdict, way = None, None
    if due_now.reminder is not None and due_now.speaks_as is not None:
        way = channel.decide(due_now.speaks_as, customer, parent, policy)
        reached = parent if customer is not None and customer.mails_parent else None
        facts = around.facts(row, invoice, customer, on, due_now.reminder.step, way.to, reached)
        verdict = suppression.decide(facts, policy)
    credits, under = around.credits(row), around.of(row)
    return Decided(invoice, on, row["version"], customer, due_now, verdict, credits, under, policy, way)


def _net_of_credits(decided: Sequence[Decided]) -> tuple[Decided, ...]:
    """A mail asks for what is left beside the customer's credits; where that is nothing, its invoices wait."""
    asked: dict[object, Money] = {}
    for one in decided:
        if one.may_leave and one.asks:
            askable = one.invoice.askable
            asked[one.mail] = asked[one.mail] + askable if one.mail in asked else askable
    return tuple(_netted(one, asked) for one in decided)


def _netted(one: Decided, asked: Mapping[object, Money]) -> Decided:
    if one.suppression is None or not one.may_leave or not one.asks:
        return one
    total = asked[one.mail]
    verdict = suppression.decide_net(one.suppression, total, one.credits)
    return replace(one, suppression=verdict, is_netted=verdict.outcome is SuppressionOutcome.HELD)


def record_decisions(tx: Tx, parts: Parts, decided: Sequence[Decided], today: date) -> None:
    """Store what was decided: missed and cancelled steps, holds with their reason, the next day to look."""
    missing = [one for one in decided if one.cadence.missed]
    standing = gate.reminders(tx, [one.invoice.id for one in missing])
    for one in missing:
        plan = {r.step: r for r in standing[one.invoice.id]}
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
    apart = Apart(_STEP)
    with parts.store.tx() as tx:
        tx.set("clock_behind", "yes" if clock_behind(tx, now) else "")
        decided = decide_reminders(tx, parts, now, today, apart=apart)
        record_decisions(tx, parts, decided, today)
        mailed = gate.mailed_on(tx, today)
        known = profiles.profiles(tx, today, {one.customer.family for one in decided if one.customer and one.may_leave})
    apart.show(parts)
    for one in decided:
        if one.is_held_alone:
            parts.remembered[one.invoice.id] = one.under
        else:
            parts.remembered.pop(one.invoice.id, None)

    def whose(one: Decided) -> Traits:
        family = one.customer.family if one.customer else one.invoice.customer_id
        return known.get(family, Profile()).traits

    ready: dict[str, list[Decided]] = {}
    for one in decided:
        if one.may_leave and one.invoice.customer_id not in mailed and not parts.quiet(now, whose(one)):
            ready.setdefault(one.invoice.customer_id, []).append(one)
    if ready:
        with parts.store.tx() as tx:
            if parts.paused(tx, "send", "reminders", len(ready)):
                return
    customers = _largest_first(ready)
    for start in range(0, len(customers), BATCH_CUSTOMERS):
        batch = customers[start : start + BATCH_CUSTOMERS]
        _send_batch(parts, [one.invoice.id for id in batch for one in together(ready[id])], today)


def weight(one: Decided) -> Decimal:
    """What is large goes first (M28); across currencies only roughly, since no rate is known here."""
    return one.invoice.askable.decimal()


def _largest_first(due: Mapping[str, Sequence[Decided]]) -> list[str]:
    """Customers in the order in which they hear from us: if not all can today, what is small waits."""
    return sorted(due, key=lambda id: (-max(weight(one) for one in due[id]), id))


def together(due: Sequence[Decided]) -> list[Decided]:
    """What goes into one message: all that is due in one cadence, but a question of its own kind goes alone.

    One message has one tone. A key account's large invoice isn't asked for in the words that a small one has come to
    (M28): the cadence of what is largest speaks today, another one tomorrow.
    """
    for step in cadence.ALONE:
        if alone := [one for one in due if one.cadence.reminder is not None and one.cadence.reminder.step == step]:
            return alone
    largest = max(due, key=lambda one: (weight(one), one.invoice.id))
    return [one for one in due if one.policy.steps == largest.policy.steps]


def _send_batch(parts: Parts, invoice_ids: Sequence[str], today: date) -> None:
    """Read these invoices again, decide again on what was read, and mail while that is fresh."""
    parts.verify_installation()
    read, pulled = pull.reread(parts, invoice_ids, today)
    pauses.keep_pauses(parts, today)
    plans.plan_reminders(parts, today)
    confirmed = {invoice.id for invoice in read.invoices} - pulled.older
    fresh_until = read.requested_at + timedelta(seconds=parts.policy.freshness.reread_seconds_max)
    with parts.store.tx() as tx:
        decided = decide_reminders(tx, parts, parts.clock.now(), today, sorted(confirmed))
        record_decisions(tx, parts, decided, today)
        for invoice_id in sorted(set(invoice_ids) - confirmed):
            _hold_unconfirmed(tx, parts, invoice_id)
        heard = Counter(gate.heard_since(tx, today - WEEK))
    by_customer: dict[str, list[Decided]] = {}
    for one in decided:
        if one.may_leave:
            by_customer.setdefault(one.invoice.customer_id, []).append(one)
    trouble: ConnectorError | None = None
    for customer_id in _largest_first(by_customer):
        if parts.clock.now() > fresh_until:
            break  # too long ago by now: the next tick reads again
        try:
            _send_one(parts, customer_id, together(by_customer[customer_id]), today, heard)
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


def _send_one(parts: Parts, customer_id: str, due: Sequence[Decided], today: date, heard: Counter[str]) -> None:
    """One message through the gate. `heard` counts what each contact got within the week, this batch's with it."""
    claims = [Claim(one.invoice.id, one.version, one.cadence.reminder.step) for one in due if one.cadence.reminder]
    with parts.store.tx() as tx:
        mail = compose(parts, customer_id, due, today, blind_copy_to(tx, parts, due, today))
        if heard[mail.to.casefold()] >= parts.policy.politeness.messages_a_week_max:
            return  # another customer of this contact was before it; the next decision holds it
        refused = gate.take_leases(tx, mail, customer_id, claims, parts.owner, parts.clock.now() + LEASE)
        attempt = tx.journal("mail_leased" if not refused else "mail_dropped", message=mail.message_id, reason=refused)
    if refused:
        return
    heard[mail.to.casefold()] += 1
    try:
        parts.run("remind", f"{parts.owner}#{mail.message_id}#{attempt}")
    finally:
        # If the engine itself failed, the mail must not stay leased: matches would wait for it.
        with parts.store.tx() as tx:
            if mail.message_id not in parts.sending:
                gate.end_broken(tx, mail.message_id)
            if mail.template == suppression.PAYMENT_METHOD_TEMPLATE and gate.has_left(tx, mail.message_id):
                relations.tell_payment_failed(tx, [item.number for item in mail.items])


def end_what_broke_off(parts: Parts) -> None:
    """What is open at the start of a pass, with no sender at work on it, was left by a store that took no write."""
    with parts.store.tx() as tx:
        unknown, dropped = gate.end_own(tx, parts.owner, frozenset(parts.sending))
        if unknown or dropped:
            tx.journal("mails_broken_off", sent_unknown=unknown, dropped=dropped)


def blind_copy_to(tx: Tx, parts: Parts, due: Sequence[Decided], today: date) -> str:
    """Who gets the blind copy; '' where nobody does."""
    if not parts.policy.bcc_account_manager or not due[0].customer:
        return ""
    account = relation(relations.accounts_by_family(tx).get(due[0].customer.family, ()), today).crm_account
    return account.owner_email if account else ""


def compose(parts: Parts, customer_id: str, due: Sequence[Decided], today: date, bcc: str = "") -> ReminderMail:
    """One message of all that is due for one customer; the firmest step gives tone, sender and channel.

    A text that a verdict asks for instead of the step's own goes before the tone of all others.
    """
    firmest = max(due, key=lambda one: (_firmness(one.cadence.speaks_as), one.invoice.id))
    speaks_as = firmest.cadence.speaks_as or Step("", 0, "", parts.policy.courtesy.sender)
    instead = [one.suppression.template for one in due if one.suppression and one.suppression.template]
    template = instead[0] if instead else speaks_as.template
    sender = parts.policy.sender(parts.policy.courtesy.sender if instead else speaks_as.sender)
    customer, way = firmest.customer, firmest.way
    items = sorted(due, key=lambda one: (one.invoice.due_on, one.invoice.number))
    return ReminderMail(
        message_id=f"<arc-{parts.installation}-{customer_id}-{today.isoformat()}@{sender.rpartition('@')[2]}>",
        customer_name=customer.name if customer else "",
        to=way.to if way else "",
        sender=sender,
        reply_to=parts.reply_to,
        template=template,
        on=today,
        items=tuple(_item(one) for one in items),
        credits=tuple({one.credits.currency: one.credits for one in items if one.credits}.values()),
        channel=way.channel if way else EMAIL,
        cc=way.cc if way else (),
        bcc=bcc,
    )


def _firmness(step: Step | None) -> tuple[int, int]:
    """Tone first, then how late: two invoices of one customer may be in different segments."""
    return (list(Tone).index(step.tone), step.days) if step else (-1, 0)


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
        disputed_lines=tuple(line.description or line.id for line in invoice.lines if line.disputed),
    )
