"""Steps 1 and 3: what do the ERP, the CRM and the payment source say now?

Absence proves nothing: an invoice that is no longer among the open ones is fetched by id and closed only when seen paid
or voided, a credit forgotten only when seen with nothing left. Invoices that vanish without such a proof (a lost
permission looks like fewer rows) raise an alarm that stops sending and posting.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from connector import business_days, pauses
from connector.money import Money
from connector.parts import Parts
from connector.policy import DEFAULT, Switch
from connector.ports import ErpRead, PaymentSource
from connector.receivables import Customer, CustomerTotal, PauseKind, Payment, PaymentState
from connector.settlement import CrmAccount
from connector.store import Tx, book, closing, credits, parse_instant, relations, reversing, settling, verdicts
from connector.store.book import Change

# The ERP's modified dates have seconds and its clock is its own: read again what was modified shortly before.
ERP_OVERLAP = timedelta(minutes=10)
# Periods are closed by people on a few days of the month; a refusal of the ERP tells of one closed since.
PERIODS_GOOD_FOR = timedelta(hours=1)
AUTO_SINCE = "auto_since"
# The CRM counts its requests by the day, and its facts move slowly.
CRM_GOOD_FOR = timedelta(minutes=15)
# Customer -> its invoices that belong to somebody else now -> to whom; kept until it is known whether that is a merger.
_MOVED = "invoices_moved"


@dataclass(slots=True)
class Pulled:
    """What one pull brought: records read, records parked, families whose facts changed."""

    read: int = 0
    parked: int = 0
    families: set[str] = field(default_factory=set)
    older: set[str] = field(default_factory=set)  # invoices of which we knew something newer
    credits: int = 0  # payments, memos and deposits that were touched


def read_invoices(parts: Parts, now: datetime) -> Pulled:
    """Step 1: the open set; whole on a new day, else what changed and what doesn't add up per customer."""
    today, pulled = parts.today(now), Pulled()
    with parts.store.read() as tx:
        _, fresh_as_of, whole_on = book.source_state(tx, "erp")
    whole = fresh_as_of is None or whole_on != today
    if whole or fresh_as_of is None:
        reads = parts.erp.read_open_by_part()
    else:
        reads = iter([parts.erp.read_changed(fresh_as_of - ERP_OVERLAP)])
    seen = _take(parts, reads, today, pulled)
    theirs = {(one.customer_id, one.currency): one for one in parts.erp.read_totals()}
    ours = _ours(parts)
    suspects = None if whole else _differing(ours, theirs)
    if suspects:
        seen |= _take(parts, iter([parts.erp.read_open(sorted(suspects))]), today, pulled)
    if whole or suspects:
        _prove_gone(parts, seen, suspects, today, pulled)
        _remember_unexplained(parts, theirs)
        ours = _ours(parts)
    _take_merged(parts, pulled, today, is_new_day=whole)
    alarm = _drop_alarm(parts, ours, theirs)
    with parts.store.tx() as tx:
        if alarm != tx.get("alarm"):
            tx.set("alarm", alarm)
            tx.journal("alarm_raised" if alarm else "alarm_cleared", reason=alarm)
        _close_rests(tx)
        _take_rests(tx, parts, today)
        book.put_source(tx, "erp", fresh_as_of=seen.requested_at or now, full_read_on=today if whole else None)
    return pulled


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a read showed, by id, and when it was begun."""

    requested_at: datetime | None = None
    invoices: frozenset[str] = frozenset()
    credits: frozenset[str] = frozenset()

    def __or__(self, other: _Seen) -> _Seen:
        return _Seen(self.requested_at, self.invoices | other.invoices, self.credits | other.credits)


def _take(parts: Parts, reads: Iterator[ErpRead], today: date, pulled: Pulled) -> _Seen:
    """Take a read part by part, each in a commit of its own: neither memory nor the writer's lock is long held."""
    begun_at, invoices, credits = None, set(), set()
    for read in reads:
        begun_at = begun_at or read.requested_at
        _ingest(parts, read, today, pulled)
        invoices |= {invoice.id for invoice in read.invoices}
        credits |= {credit.id for credit in read.credits}
    return _Seen(begun_at, frozenset(invoices), frozenset(credits))


def read_periods(parts: Parts, now: datetime) -> None:
    """The ERP's accounting periods: on which days may be posted (RULES 1.4)?"""
    with parts.store.read() as tx:
        read_at = tx.get("periods_at")
    if read_at and timedelta() <= now - parse_instant(read_at) < PERIODS_GOOD_FOR:
        return
    periods = parts.erp.read_periods()
    with parts.store.tx() as tx:
        parts.keep_periods(tx, periods, now)


def read_crm(parts: Parts, now: datetime) -> Pulled:
    """Renewals, strategic customers and do-not-contact. On a failure the last known facts stay, and age."""
    pulled = Pulled()
    if parts.crm is None:
        return pulled
    with parts.store.read() as tx:
        cursor, fresh_as_of, _ = book.source_state(tx, parts.crm.name)
    if fresh_as_of and timedelta() <= now - fresh_as_of < CRM_GOOD_FOR:
        return pulled
    read = parts.crm.read_changed(cursor, now)
    with parts.store.tx() as tx:
        changed = relations.put_accounts(tx, read.accounts, is_whole=read.is_whole)
        pulled.families |= {book.family_of(tx, customer_id) for customer_id in changed}
        for account in read.accounts:
            if account.talked_on is not None and account.customer_id in changed:
                _converse(tx, parts, account, account.talked_on)
        unread = [replace(one, source=book.CRM) for one in read.parked]
        pulled.parked = book.put_parked(tx, unread, {book.CRM: [one.id for one in read.accounts]})
        book.put_source(tx, parts.crm.name, cursor=read.cursor, fresh_as_of=read.fresh_as_of)
    pulled.read = len(read.accounts)
    return pulled


def _converse(tx: Tx, parts: Parts, account: CrmAccount, talked_on: date) -> None:
    """Somebody talks with the customer, by the CRM's word: no machine interrupts for some business days (RULES 5.6)."""
    days = parts.policy.exceptions.conversation_business_days
    until = business_days.business_days_later(talked_on, days, parts.policy.calendar)
    if until < parts.today(tx.at):
        return  # the CRM tells of older ones too
    pauses.start(
        tx,
        customer_id=account.customer_id,
        kind=PauseKind.CONVERSATION,
        source=book.CRM,
        reason=f"the CRM shows a conversation with the customer on {talked_on}",
        owner=account.owner or parts.policy.exceptions.rule(PauseKind.CONVERSATION).owner,
        since=talked_on,
        until=until,
    )


def read_payouts(parts: Parts, now: datetime) -> Pulled:
    """What the source paid out to our bank."""
    pulled = Pulled()
    source = parts.payments
    name = f"{source.name}_payouts"
    with parts.store.read() as tx:
        cursor, _, _ = book.source_state(tx, name)
    read = source.read_payouts(cursor, now)
    with parts.store.tx() as tx:
        for payout in read.payouts:
            before_cutover = parts.today(payout.created_at) < parts.cutover_on
            settling.put_payout(tx, payout, read.requested_at, observed=before_cutover)
        pulled.parked = book.put_parked(tx, read.parked, {name: [one.id for one in read.payouts]})
        book.put_source(tx, name, cursor=read.cursor, fresh_as_of=read.requested_at)
    pulled.read = len(read.payouts)
    return pulled


def read_autopay(parts: Parts, now: datetime) -> None:
    """Which invoices does the source collect by itself? Not to know it must not keep the payouts from being read."""
    autopays = parts.payments.read_autopay()
    with parts.store.tx() as tx:
        relations.put_autopay(tx, autopays)
        book.put_source(tx, "autopay", fresh_as_of=now)


def read_other_senders(parts: Parts, now: datetime, today: date) -> None:
    """Once a day: who else reminds these customers (RULES 4.2)?"""
    with parts.store.read() as tx:
        if tx.get("other_senders_on") == today.isoformat():
            return
    found = [one.name for one in (*parts.erp.other_senders(), *parts.payments.other_senders())]
    with parts.store.tx() as tx:
        tx.set("other_senders", json.dumps(sorted(found)))
        tx.set("other_senders_on", today.isoformat())
        book.put_source(tx, "other_senders", fresh_as_of=now)


def reread(parts: Parts, invoice_ids: Iterable[str], today: date) -> tuple[ErpRead, Pulled]:
    """Just before sending: balance, holds, disputes and contacts of these invoices once more."""
    pulled = Pulled()
    read = parts.erp.read_invoices(sorted(invoice_ids))
    _ingest(parts, read, today, pulled)
    _take_merged(parts, pulled, today, is_new_day=False)
    return read, pulled


def _contact_fixed(tx: Tx, before: Customer, after: Customer) -> None:
    """Another address ends what waits for one, also of the customers whose reminders go there; no other change does."""
    reason = "the address was changed in the ERP"
    if before.email != after.email or before.mails_parent != after.mails_parent:
        for customer_id in (after.id, *book.mailing_parent(tx, after.id)):
            verdicts.close_exceptions(tx, reason=reason, exception_id=f"fix_contact:{customer_id}")
    if before.cc != after.cc:
        verdicts.close_exceptions(tx, reason=reason, exception_id=f"fix_copy:{after.id}")


def _ingest(parts: Parts, read: ErpRead, today: date, pulled: Pulled) -> None:
    with parts.store.tx() as tx:
        before = book.customers_by_id(tx, [customer.id for customer in read.customers])
        changed = book.put_customers(tx, read.customers, read.requested_at)
        for customer in read.customers:
            if changed[customer.id] is Change.CHANGED:
                pulled.families.add(customer.family)
                _contact_fixed(tx, before[customer.id], customer)
        owners = {id: row["customer_id"] for id, row in book.invoices_by_id(tx, [i.id for i in read.invoices]).items()}
        changes = book.put_invoices(tx, read.invoices, read.requested_at, today)
        moved = json.loads(tx.get(_MOVED, "{}"))
        for one in read.invoices:
            if (was := owners.get(one.id, one.customer_id)) != one.customer_id and changes[one.id] is not Change.OLDER:
                moved.setdefault(was, {})[one.id] = one.customer_id
        if moved:
            tx.set(_MOVED, json.dumps(moved, sort_keys=True))
        families = book.families_of(tx, {invoice.customer_id for invoice in read.invoices})
        for invoice in read.invoices:
            change = changes[invoice.id]
            if change is Change.OLDER:
                pulled.older.add(invoice.id)
            if change in (Change.NEW, Change.LOWERED, Change.CHANGED):
                pulled.families.add(families[invoice.customer_id])
            if change in (Change.LOWERED, Change.CHANGED):
                tx.journal("invoice_changed", invoice=invoice.id, balance=str(invoice.balance), how=change)
        book.put_credits(tx, read.credits, read.requested_at)
        unread = {one.record for one in read.parked if one.source == book.ERP_CUSTOMER}
        understood = {
            "erp": [i.id for i in read.invoices] + [c.id for c in read.credits],
            book.ERP_CUSTOMER: [customer.id for customer in read.customers if customer.id not in unread],
        }
        pulled.parked += book.put_parked(tx, read.parked, understood)
    pulled.read += len(read.invoices) + len(read.credits)
    pulled.credits += len(read.credits)


def _take_merged(parts: Parts, pulled: Pulled, today: date, *, is_new_day: bool) -> None:
    """A customer all of whose invoices, paid ones too, belong to another one now was merged into it (RULES 3).

    Its history goes on under the other id; nobody of the two is mailed on that day.
    """
    if is_new_day:
        with parts.store.tx() as tx:
            for exception_id in verdicts.open_of_kind(tx, "customer_merged"):
                verdicts.close_exceptions(tx, exception_id=exception_id, reason="the day of the merger is over")
    with parts.store.read() as tx:
        moved: dict[str, dict[str, str]] = json.loads(tx.get(_MOVED, "{}"))
        left = {old: book.ids_of_customer(tx, old) for old in moved}
    for old, invoices in sorted(moved.items()):
        read = parts.erp.read_invoices(left[old]) if left[old] else None
        owners = {*invoices.values(), *(one.customer_id for one in read.invoices)} if read else {*invoices.values()}
        # One invoice that was all of it may as well have been billed to the wrong customer.
        if len(owners) > 1 or len(invoices) + len(left[old]) < 2:
            with parts.store.tx() as tx:
                _forget_moved(tx, old)
            continue
        (new,) = owners
        if read:
            _ingest(parts, read, today, pulled)
        with parts.store.tx() as tx:
            _forget_moved(tx, old)
            invoice_ids = relations.merge_customer(tx, old, new)
            verdicts.open_exception(
                tx,
                "customer_merged",
                old,
                f"customer {old} was merged into {new} in the ERP; what was known of it counts for {new} now, and "
                "nobody of the two is mailed today",
                amount=Money.zero("USD"),
                customer_id=new,
                invoice_ids=invoice_ids,
            )
            pulled.families.add(book.family_of(tx, new))


def _forget_moved(tx: Tx, old: str) -> None:
    moved = json.loads(tx.get(_MOVED, "{}"))
    moved.pop(old, None)
    tx.set(_MOVED, json.dumps(moved, sort_keys=True))


Totals = dict[tuple[str, str], CustomerTotal]


@dataclass(frozen=True, slots=True)
class _Ours:
    """What we hold for open, beside what the ERP adds up."""

    totals: Totals
    busy: set[str]  # customers with unfinished acts of ours: their sums are on the way
    unread: set[str]  # customers with a record that we don't understand
    unexplained: dict[str, list[int]]  # both sides' figures where they stay apart for a reason we couldn't find


def _ours(parts: Parts) -> _Ours:
    with parts.store.read() as tx:
        unexplained = json.loads(tx.get("unexplained", "{}"))
        return _Ours(book.totals(tx), book.busy_customers(tx), book.parked_customers(tx), unexplained)


def _differing(ours: _Ours, theirs: Totals) -> set[str]:
    """Customers whose open count or sum isn't ours, unless nothing moved since we last looked and found no reason."""
    apart = {key for key in ours.totals.keys() | theirs.keys() if ours.totals.get(key) != theirs.get(key)}
    return {
        key[0]
        for key in apart
        if key[0] not in ours.busy and ours.unexplained.get("/".join(key)) != _pair(ours.totals, theirs, key)
    }


def _pair(ours: Totals, theirs: Totals, key: tuple[str, str]) -> list[int]:
    left, right = ours.get(key), theirs.get(key)
    return [
        left.count if left else 0,
        left.open_amount.minor if left else 0,
        right.count if right else 0,
        right.open_amount.minor if right else 0,
    ]


def _remember_unexplained(parts: Parts, theirs: Totals) -> None:
    """Parked records, say, keep a customer's sums apart for ever: look again only when one of the two sums moves."""
    with parts.store.tx() as tx:
        ours = book.totals(tx)
        apart = {"/".join(k): _pair(ours, theirs, k) for k in set(ours) | set(theirs) if ours.get(k) != theirs.get(k)}
        tx.set("unexplained", json.dumps(apart, sort_keys=True))


def _prove_gone(parts: Parts, seen: _Seen, customers: set[str] | None, today: date, pulled: Pulled) -> None:
    """What we hold for open and the ERP didn't list as open is fetched by id; not returned proves nothing."""
    among = sorted(customers) if customers is not None else None
    with parts.store.read() as tx:
        invoices = book.open_ids(tx, among) - seen.invoices
        credits = book.open_credit_ids(tx, among) - seen.credits
    if invoices:
        _ingest(parts, parts.erp.read_invoices(sorted(invoices)), today, pulled)
    if credits:
        _ingest(parts, parts.erp.read_credits(sorted(credits)), today, pulled)


def _close_rests(tx: Tx) -> None:
    """What stayed unapplied of a payment of ours was shown to a person; once nothing of it is left, that is done."""
    for exception_id, invoice_ids in closing.rests_used_up(tx).items():
        reason = "the rest was applied in the ERP, or its payment voided"
        verdicts.close_exceptions(tx, reason=reason, exception_id=exception_id)
        closing.touch(tx, invoice_ids)


def _take_rests(tx: Tx, parts: Parts, today: date) -> None:
    """Payments in the ERP with an open rest are decided like fresh money (RULES 1.9)."""
    for credit in credits.unapplied_payments(tx):
        credits.take_unapplied(tx, credit, today, others_too=parts.policy.apply_existing)
    for payment_id in credits.forget_used_up(tx):
        verdicts.close_exceptions(tx, payment_id=payment_id, reason="its rest was applied in the ERP, or given back")


def _drop_alarm(parts: Parts, ours: _Ours, theirs: Totals) -> str:
    """Did more of the open set vanish than was proved closed? Then nothing is sent or posted until a person looked."""
    # A customer with a record that we don't understand has sums that we don't understand either.
    aside = ours.busy | ours.unread
    held = sum(one.count for (customer, _), one in ours.totals.items() if customer not in aside)
    listed = sum(one.count for (customer, _), one in theirs.items() if customer not in aside)
    if held and (held - listed) * 100 > held * parts.policy.open_drop_percent_max:
        return (
            f"the ERP lists {listed} open invoices where {held} are known and not seen paid or voided; nothing "
            "is sent or posted. Often the integration role lost a permission: run `connector check`"
        )
    return ""


def read_payments(parts: Parts, now: datetime) -> Pulled:
    """Step 3: every payment touched since the last read, fetched again."""
    return _read_source(parts.payments, parts, now, parts.cutover_on)


def read_statements(parts: Parts, now: datetime) -> Pulled:
    """Step 3 for what reached our bank directly; each bank account has a cutover day of its own."""
    return _read_source(parts.statements, parts, now, date.min) if parts.statements else Pulled()


def _read_source(source: PaymentSource, parts: Parts, now: datetime, cutover_on: date) -> Pulled:
    pulled = Pulled()
    with parts.store.read() as tx:
        cursor, _, _ = book.source_state(tx, source.name)
    read = source.read_changed(cursor, now)
    with parts.store.tx() as tx:
        for payment in read.payments:
            observed = payment.received_on < cutover_on or payment.id in read.before_cutover
            change = book.put_payment(tx, payment, read.requested_at, observed=observed)
            if change in (Change.NEW, Change.CHANGED):
                pulled.families.add(book.family_of(tx, payment.customer_id))
                _money_back(tx, payment)
                _no_money(tx, payment)
        if read.is_whole:
            book.forget_parked(tx, source.name, but=[one.record for one in read.parked])
        pulled.parked = book.put_parked(tx, read.parked, {source.name: [p.id for p in read.payments]})
        book.put_source(tx, source.name, cursor=read.cursor, fresh_as_of=read.fresh_as_of)
    pulled.read = len(read.payments)
    return pulled


def _no_money(tx: Tx, payment: Payment) -> None:
    """Money that failed, came back or was given back before it was applied holds nobody's reminders any longer."""
    went = (*reversing.CAME_BACK, PaymentState.CHARGED_BACK)
    is_gone = payment.state in went or not payment.available
    if is_gone and not closing.applied_invoices(tx, payment.id) and not settling.drawn_from(tx, payment.id):
        if closing.standing(tx, payment.id) != "matched":  # that one was applied, and undone: the ERP has it
            closing.set_standing(tx, payment.id, "waiting")
        verdicts.close_exceptions(tx, payment_id=payment.id, reason="the money did not come, or was given back")


def _money_back(tx: Tx, payment: Payment) -> None:
    """A refund, return or dispute of money that was applied: its invoices are held from this commit on (RULES 3).

    Who takes a return back in the ERP, we or a person, is decided by `reversals.take_back`; a refund or a dispute
    reopens nothing by itself.
    """
    applied = closing.applied_invoices(tx, payment.id)
    if payment.state is PaymentState.SUCCEEDED:
        _here_after_all(tx, payment)
    if payment.state in reversing.CAME_BACK:
        drawn = settling.drawn_from(tx, payment.id)
        for invoices, then in ((applied, _UNDONE), (drawn, f"It was paid from money that came back. {_UNDONE}")):
            # Once it is shown, `reversals` keeps its words: what we do, or what a person has to do.
            if invoices and f"payment_came_back:{payment.id}" not in verdicts.open_of_kind(tx, "payment_came_back"):
                _hold(tx, "payment_came_back", payment, f"came back after it was applied. {then}", invoices)
    if not applied:
        if payment.state is PaymentState.DISPUTED and (suggested := closing.suggestion(tx, payment.id)):
            _hold(tx, "chargeback_hold", payment, _DISPUTED_BEFORE, list(suggested))
            closing.set_standing(tx, payment.id, "waiting")  # nobody can approve it now; won, it is matched anew
        return
    if payment.refunded:
        verdicts.open_exception(
            tx,
            "refund_after_application",
            payment.id,
            f"{payment.refunded} of payment {payment.id} was given back after it was applied; raise the credit memo "
            "and the customer refund in the ERP, or have the invoice reopened",
            amount=payment.refunded,
            customer_id=payment.customer_id,
            payment_id=payment.id,
            invoice_ids=applied,
        )
    if payment.state is PaymentState.DISPUTED:
        _hold(tx, "chargeback_hold", payment, _DISPUTED, applied)
    if payment.state is PaymentState.CHARGED_BACK:
        _hold(tx, "chargeback_hold", payment, _CHARGED_BACK, applied)


_UNDONE = (
    "Un-apply it in the ERP, by a journal or a reversal (never delete the payment), then the invoice is open again "
    "and its reminders go on"
)
_DISPUTED = (
    "is disputed by the cardholder after it was applied. Nothing changes in the ERP, and nobody is reminded, until the "
    "dispute is decided: answer it at the processor by its deadline"
)
_DISPUTED_BEFORE = (
    "is disputed by the cardholder, and was not applied yet. Nothing is posted, and nobody is reminded of what it was "
    "suggested for, until the dispute is decided: answer it at the processor by its deadline"
)
_CHARGED_BACK = (
    "was charged back: the dispute is lost. Choose: take the payment off its invoice in the ERP by a journal against "
    "the disputes account, which opens it again and lets its reminders go on; or raise a credit memo; or write it off "
    "as bad debt"
)


def _hold(tx: Tx, kind: str, payment: Payment, words: str, invoice_ids: Sequence[str]) -> None:
    verdicts.open_exception(
        tx,
        kind,
        payment.id,
        f"payment {payment.id} {words}",
        amount=payment.amount,
        customer_id=payment.customer_id,
        payment_id=payment.id,
        invoice_ids=invoice_ids,
    )


def _here_after_all(tx: Tx, payment: Payment) -> None:
    """A dispute that was won, or a return that the source took back: what was shown of it is over."""
    for kind, reason in (("chargeback_hold", "the dispute was won"), ("payment_came_back", "the money is here")):
        verdicts.close_exceptions(tx, exception_id=f"{kind}:{payment.id}", reason=reason)
    closing.here_again(tx, payment.id)


def was_sending(tx: Tx, segment: str) -> bool:
    return bool(tx.get(_auto_since(segment)))


def _auto_since(segment: str) -> str:
    return AUTO_SINCE if segment == DEFAULT else f"{AUTO_SINCE}:{segment}"


def sending_since(tx: Tx, segment: str, send: Switch, today: date) -> date | None:
    """The day sending was last switched on for this segment; forgets it when it is switched off."""
    name = _auto_since(segment)
    known = tx.get(name)
    if send is not Switch.AUTO:
        if known:
            tx.set(name, "")
        return None
    if not known:
        tx.set(name, today.isoformat())
        tx.journal("sending_switched_on", on=today, segment=segment)
        known = today.isoformat()
    return date.fromisoformat(known)
