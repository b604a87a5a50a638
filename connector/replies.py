"""Step 1's other ear: what customers answer to reminders, taken once each, before anything more leaves (RULES 5.6).

An answer belongs to the message that it names by Message-ID; else to the last message to the address that it comes
from or reports of. What people write is read for its kind and forgotten: it is neither stored nor logged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connector import pauses
from connector.business_days import business_days_later
from connector.decisions import replies as decision
from connector.decisions.replies import ReplyKind, ReplyVerdict
from connector.money import Money
from connector.parts import Parts, unforeseen
from connector.ports import Reply
from connector.receivables import InvoiceStatus, PauseKind
from connector.store import Tx, book, closing, gate, notices, relations, verdicts
from connector.store import pauses as kept
from connector.store import replies as store
from connector.store.replies import Ours

SOURCE = "mailbox"
# Reads in a row while more waits in the mailbox.
READS_MAX = 3
# How long after a message something may still be an answer to it that names no message.
ANSWERED_WITHIN = timedelta(days=14)
# A parked message is shown for so long; nobody reads it a second time.
PARKED_FOR = timedelta(days=14)
# A mailbox that was never read to its end vouches for no instant.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# Payments that an exception lists.
PAYMENTS_MAX = 10

ANSWERED, SAYS_PAID, ASKED_TO_STOP = "customer_answered", "says_paid", "asked_to_stop"
FIX_CONTACT, FIX_COPY = "fix_contact", "fix_copy"


def read_replies(parts: Parts, now: datetime) -> None:
    """Read the mailbox to its end and act on what is new there; fresh only if the end was reached."""
    if parts.mailbox is None:
        return
    with parts.store.read() as tx:
        cursor, _, _ = book.source_state(tx, parts.mailbox.name)
    for _ in range(READS_MAX):
        read = parts.mailbox.read_since(cursor, now)
        with parts.store.tx() as tx:
            _take_all(tx, parts, read.replies)
            book.put_parked(tx, read.parked, {})
            _, fresh_as_of, _ = book.source_state(tx, parts.mailbox.name)
            vouched = read.requested_at if read.is_whole else fresh_as_of or NEVER
            book.put_source(tx, parts.mailbox.name, cursor=read.cursor, fresh_as_of=vouched)
        cursor = read.cursor
        if read.is_whole:
            break
    with parts.store.tx() as tx:
        store.forget_parked(tx, parts.mailbox.name, now - PARKED_FOR)
        _close_answered(tx, parts.today(now))


def _take_all(tx: Tx, parts: Parts, replies: Sequence[Reply]) -> None:
    known = store.taken(tx, [reply.id for reply in replies])
    messages = store.ours(tx, [answer for reply in replies for answer in reply.answers])
    for reply in replies:
        if reply.id in known:
            continue
        known.add(reply.id)
        about = _about(tx, parts, reply, messages)
        if about is not None:
            verdict = _verdict(reply)
            store.take(tx, reply.id, about, verdict.kind, verdict.reason, reply.received_at)
            _act(_Answer(tx, parts, reply, about, verdict))


def _verdict(reply: Reply) -> ReplyVerdict:
    """What an answer to one of ours is. One that no rule thought of is for a person: a stranger's words must not keep
    the mailbox from being read, and with it all reminders from leaving.
    """
    try:
        return decision.decide(
            reply.subject,
            reply.text,
            answers_ours=True,
            failed_with=reply.failed_with,
            is_automatic=reply.is_automatic,
            seems_automatic=reply.seems_automatic,
        )
    except Exception as error:
        return ReplyVerdict(ReplyKind.HUMAN, str(unforeseen("read answers", error)))


def _about(tx: Tx, parts: Parts, reply: Reply, messages: Mapping[str, Ours]) -> Ours | None:
    """The message of ours that this answers, if it answers any.

    Mail services may give our messages other ids, and people write anew instead of answering: what comes from the
    address of our last message, and names one of its invoices, is an answer too.
    """
    named = next((messages[one] for one in reply.answers if one in messages), None)
    address = reply.failed_to or reply.sender
    if named is not None or not address:
        return named
    last = store.last_to(tx, address, parts.today(reply.received_at) - ANSWERED_WITHIN)
    if last is None or reply.failed_to:
        return last
    said = f"{reply.subject}\n{reply.text}"
    numbers = (re.escape(item.number) for item in last.mail.items)
    return last if any(re.search(rf"(?<![\w-]){number}(?![\w-])", said) for number in numbers) else None


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer with all that is needed to act on it."""

    tx: Tx
    parts: Parts
    reply: Reply
    about: Ours
    verdict: ReplyVerdict

    @property
    def today(self) -> date:
        return self.parts.today(self.tx.at)

    @property
    def invoices(self) -> tuple[Any, ...]:
        """Those of the message on which something is owed; of a payer who owes nothing any more, none."""
        rows = store.invoices_about(self.tx, self.about)
        return tuple(row for row in rows if row["status"] == InvoiceStatus.OPEN)

    @property
    def amount(self) -> Money:
        """What is owed on the invoices of the message, in its first currency."""
        currency = self.about.mail.items[0].balance.currency
        owed = (Money(row["balance"], currency) for row in self.invoices if row["currency"] == currency)
        return Money.total(owed, currency)

    @property
    def numbers(self) -> str:
        return ", ".join(item.number for item in self.about.mail.items)

    @property
    def shown(self) -> str:
        """Whose answer it is, and about what; its words stay in the mailbox."""
        return f"{self.about.mail.customer_name} answered our message of {self.about.day} about {self.numbers}"


def _act(one: _Answer) -> None:
    match one.verdict.kind:
        case ReplyKind.BOUNCE_PERMANENT:
            _undelivered(one)
        case ReplyKind.STOP:
            _asked_to_stop(one)
        case ReplyKind.ALREADY_PAID:
            _says_paid(one)
        case ReplyKind.HUMAN | ReplyKind.DISPUTE:
            _in_conversation(one)
        case ReplyKind.BOUNCE_TEMPORARY | ReplyKind.OUT_OF_OFFICE | ReplyKind.FOREIGN:
            pass  # taken down, and nothing follows from it


def _in_conversation(one: _Answer) -> None:
    """A person wrote: nothing more leaves to this customer for some business days, and somebody of ours answers."""
    policy = one.parts.policy
    owner = policy.exceptions.rule(PauseKind.CONVERSATION).owner
    until = business_days_later(one.today, policy.exceptions.conversation_business_days, policy.calendar)
    for customer_id in _reached(one):
        pauses.start(
            one.tx,
            customer_id=customer_id,
            kind=PauseKind.CONVERSATION,
            source=SOURCE,
            reason=f"the customer answered our message of {one.about.day}",
            owner=owner,
            since=one.today,
            until=until,
        )
    disputes = one.verdict.kind is ReplyKind.DISPUTE
    hint = " It does not agree with what was billed: if that is a dispute, enter it in the ERP." if disputes else ""
    _show(
        one, ANSWERED, one.about.customer_id, f"{one.shown}.{hint} Reminders wait until {until}; please answer", owner
    )


def _says_paid(one: _Answer) -> None:
    """Nothing more is asked for these invoices while somebody looks for the money."""
    owner = one.parts.policy.exceptions.rule(PauseKind.HOLD).owner
    for row in one.invoices:
        pauses.start(
            one.tx,
            customer_id=one.about.customer_id,
            invoice_id=row["id"],
            kind=PauseKind.HOLD,
            source=SOURCE,
            reason=f"the customer says that it is paid, in answer to our message of {one.about.day}",
            owner=owner,
            since=one.today,
            until=None,
        )
    found = _money_found(one.tx, one.about.customer_id)
    text = f"{one.shown}. It says that this is paid; look for the money. The reminders of these invoices wait"
    _show(one, SAYS_PAID, one.about.id, text, owner, [row["id"] for row in one.invoices], found)


def _money_found(tx: Tx, customer_id: str) -> list[str]:
    """What is shown to whoever looks for the money."""
    money = store.waiting_money(tx, book.family_of(tx, customer_id))
    found = [f"payment {id} of {left}, received on {day}, pays nothing yet" for id, left, day in money[:PAYMENTS_MAX]]
    return found or ["no money of this customer waits to be matched"]


def _asked_to_stop(one: _Answer) -> None:
    owner = one.parts.policy.exceptions.rule(PauseKind.CONVERSATION).owner
    text = f"{one.shown}. It asks us to stop writing; nothing more leaves to this customer before somebody has decided"
    for customer_id in _reached(one):
        _show(one, ASKED_TO_STOP, customer_id, text, owner)


def _reached(one: _Answer) -> list[str]:
    """The customer of the message, and its parent where that is whose contact answered: all that goes there waits."""
    customer_id = one.about.customer_id
    customer = book.customers_by_id(one.tx, {customer_id}).get(customer_id)
    return [customer_id, customer.parent_id] if customer is not None and customer.mails_parent else [customer_id]


def _undelivered(one: _Answer) -> None:
    """The address is bad: the step reached nobody, and waits until the contact is corrected (RULES 5.6)."""
    mail, code = one.about.mail, one.reply.failed_with
    failed = one.reply.failed_to.casefold()
    if failed and failed == one.parts.channel.redirect_all_to.casefold():
        return  # ours: it says nothing about the customer's
    if failed and failed in {copy.casefold() for copy in (*mail.cc, mail.bcc)}:
        text = f"a copy of our message of {one.about.day} to {mail.customer_name} came back with {code}"
        _show(one, FIX_COPY, one.about.customer_id, f"{text}; correct who gets copies. The message itself left", "")
        return
    reason = f"the customer's mail server gave it back with {code}; it reached nobody"
    if not gate.came_back(one.tx, one.about.id, reason):
        return
    customer = book.customers_by_id(one.tx, {one.about.customer_id}).get(one.about.customer_id)
    if customer is None or mail.to.casefold() == customer.email.casefold() or customer.mails_parent:
        text = f"our message of {one.about.day} came back with {code}: the billing contact's address is bad"
        about = [row["id"] for row in one.invoices]
        _show(
            one, FIX_CONTACT, one.about.customer_id, f"{text}; correct it in the ERP, then reminders go on", "", about
        )


def _show(
    one: _Answer,
    kind: str,
    subject: str,
    text: str,
    owner: str,
    invoice_ids: Sequence[str] = (),
    explanations: Sequence[str] = (),
) -> None:
    """Show it to a person, in the queue and in the chat."""
    verdicts.open_exception(
        one.tx,
        kind,
        subject,
        text,
        amount=one.amount,
        customer_id=subject if kind == ASKED_TO_STOP else one.about.customer_id,
        invoice_ids=invoice_ids,
        explanations=explanations,
        owner=owner,
    )
    closing.touch(one.tx, [row["id"] for row in one.invoices])
    notices.put(one.tx, f"{kind}:{one.about.customer_id}:{one.tx.at_text}", text)


# ---- a person has dealt with it ----


def settle(tx: Tx, customer: str, who: str, reason: str, today: date) -> tuple[str, ...] | None:
    """A person has dealt with what this customer (ERP id, or name) answered: its reminders go on.

    Returns the invoices and exceptions that waited for it, none if nothing did; None for a customer that isn't known.
    """
    customer_id = store.customer_named(tx, customer)
    if customer_id is None:
        return None
    done = f"{who} has dealt with it" + (f": {reason}" if reason else "")
    waited = []
    for one in kept.standing(tx):
        if one.customer_id == customer_id and one.known.entry.source == SOURCE:
            pauses.end(tx, one, done, today)
    for shown in verdicts.open_exceptions(tx):
        if shown.customer_id == customer_id and shown.kind in (ANSWERED, SAYS_PAID, ASKED_TO_STOP):
            verdicts.close_exceptions(tx, exception_id=shown.id, reason=done)
            waited.append(shown.kind)
    kept.look_again(tx, kept.open_invoices_of(tx, [customer_id]).get(customer_id, ()))
    tx.journal("replies_settled", customer=customer_id, who=who, reason=reason, waited=waited)
    return tuple(waited)


# ---- what is over ----


def _close_answered(tx: Tx, today: date) -> None:
    """What waited for a person and doesn't any more: the pause is over, the money was found, the customer let be."""
    for exception_id in verdicts.open_of_kind(tx, ANSWERED):
        customer_id = exception_id.partition(":")[2]
        if kept.find_standing(tx, customer_id, "", PauseKind.CONVERSATION, SOURCE) is None:
            verdicts.close_exceptions(tx, exception_id=exception_id, reason="the conversation's pause is over")
    for exception_id in verdicts.open_of_kind(tx, SAYS_PAID):
        customer_id = _customer_of(tx, exception_id)
        waits = (
            kept.find_standing(tx, customer_id, invoice_id, PauseKind.HOLD, SOURCE)
            for invoice_id in store.still_open(tx, exception_id)
        )
        if not any(waits):
            verdicts.close_exceptions(tx, exception_id=exception_id, reason="the invoices are paid, or no longer held")
        else:
            # The money often comes after the answer.
            verdicts.explain(tx, exception_id, _money_found(tx, customer_id))
    for exception_id in verdicts.open_of_kind(tx, ASKED_TO_STOP):
        customer_id = exception_id.partition(":")[2]
        if why := _let_be(tx, customer_id):
            verdicts.close_exceptions(tx, exception_id=exception_id, reason=why)


def _customer_of(tx: Tx, exception_id: str) -> str:
    return next((one.customer_id for one in verdicts.open_exceptions(tx) if one.id == exception_id), "")


def _let_be(tx: Tx, customer_id: str) -> str:
    """Why nothing leaves to this customer any more, by a person's decision; '' if nobody has decided so."""
    customer = book.customers_by_id(tx, {customer_id}).get(customer_id)
    if customer is None:
        return ""
    if customer.is_excluded:
        return f"the ERP says so now: {customer.exclusion}"
    accounts = relations.accounts_by_family(tx).get(customer.family, ())
    return "the CRM says do-not-contact" if any(one.do_not_contact for one in accounts) else ""
