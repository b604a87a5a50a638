"""The three-way proof of a day: processor and bank, the ERP, and our own journal.

Made by the loop on the next day and shown in the ERP; a day that drifts or couldn't be proved is made again until it
ties. Every book is asked afresh: what the store remembers of the processor or the ERP proves nothing about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from connector.decisions import three_way
from connector.decisions.three_way import ClearingTie, DayVerdict, Fate, Line, ProofOutcome, Side
from connector.errors import ConnectorError
from connector.log import redact
from connector.money import Money
from connector.parts import Parts
from connector.ports import Answer, Outcome
from connector.receivables import Payment, PaymentSeen, PaymentState, ProofRecord
from connector.settlement import AccountRole, BalanceTransaction, Category, DepositSeen, SettleThrough
from connector.store import Tx, closing, proving, settling, verdicts
from connector.store.proving import PaidOut, Receipt

T = TypeVar("T")

# A day that doesn't tie is made again for so long; a book that wasn't had is asked for again this soon.
LOOK_BACK = timedelta(days=31)
AGAIN_AFTER = timedelta(hours=1)
# Where the day's clearing proof can't be made, the day is proved without it from this hour on.
WAITS_FOR_CLEARING_UNTIL = time(12)
# What others posted without a source id is looked for among payments of its customer within so many days (RULES 1.9).
NEAR = timedelta(days=5)
DAYS_AT_ONCE = 7
TEXT_MAX = 4_000

_CAME_BACK = frozenset({PaymentState.RETURNED, PaymentState.FAILED, PaymentState.CHARGED_BACK})
_EXCEPTION = "day_drifts"


@dataclass(frozen=True, slots=True)
class Span:
    """The days from one to another, both included."""

    first_on: date
    last_on: date

    def __contains__(self, day: date) -> bool:
        return self.first_on <= day <= self.last_on


@dataclass(slots=True)
class _Books:
    """What each book said; `missing`: one that couldn't be had, with the reason."""

    movements: tuple[BalanceTransaction, ...] | None = None
    bank: Mapping[str, Payment] | None = None
    missing: list[str] = field(default_factory=list)

    def ask(self, name: str, question: Callable[[], T]) -> T | None:
        try:
            return question()
        except ConnectorError as error:
            self.missing.append(f"{name}: {redact(str(error))}")
            return None


# ---- in the loop ----


def prove_days(parts: Parts, now: datetime, today: date) -> None:
    """Prove the days that are over and not proved yet, or that didn't tie; then show the ERP what changed."""
    with parts.store.read() as tx:
        due = _due(tx, parts, now, today)
    if due is None:
        with parts.store.tx() as tx:
            tx.set("days_proved_from", today.isoformat())
        return
    for day in due:
        verdict = prove(parts, day, day, now)
        with parts.store.tx() as tx:
            _keep(tx, verdict)
    _write(parts)


def _due(tx: Tx, parts: Parts, now: datetime, today: date) -> tuple[date, ...] | None:
    """The days to prove now, the oldest first; None before the first day that this store has lived through."""
    if not (since := tx.get("days_proved_from")):
        return None
    first = max(date.fromisoformat(since), parts.cutover_on, today - LOOK_BACK)
    days = [first + timedelta(days=number) for number in range((today - first).days)]
    is_early = now.astimezone(parts.zone).time() < WAITS_FOR_CLEARING_UNTIL
    if not days or (is_early and _waits_for_clearing(tx, parts, today)):
        return ()
    made = proving.standings(tx, date.fromisoformat(since))
    # What drifts is looked at until it ties, however long that takes: its exception closes by nothing else.
    days = [day for day, (outcome, _) in sorted(made.items()) if day < first and outcome is ProofOutcome.DRIFTS] + days
    due = [day for day in days if day not in made or _is_due_again(parts, *made[day], now)]
    return tuple(due[:DAYS_AT_ONCE])


def _is_due_again(parts: Parts, outcome: ProofOutcome, made_at: datetime, now: datetime) -> bool:
    if outcome is ProofOutcome.UNPROVED:
        return now - made_at >= AGAIN_AFTER
    return outcome is ProofOutcome.DRIFTS and parts.today(made_at) != parts.today(now)


def _waits_for_clearing(tx: Tx, parts: Parts, today: date) -> bool:
    return bool(_cleared_currencies(parts)) and tx.get("proved_on") != today.isoformat()


def _keep(tx: Tx, verdict: DayVerdict) -> None:
    """Note it, tell it where it says something new, and have a person look while it drifts."""
    if proving.put(tx, verdict):
        event = "day_drifts" if verdict.outcome is ProofOutcome.DRIFTS else "day_proved"
        tx.journal(
            event,
            day=verdict.day.isoformat(),
            outcome=verdict.outcome.value,
            drifts=len(verdict.drifts),
            unfinished=len(verdict.unfinished),
            missing=len(verdict.missing),
        )
    subject = verdict.day.isoformat()
    if verdict.outcome is ProofOutcome.UNPROVED:
        return  # what drifted before is not known to agree now
    if verdict.outcome is ProofOutcome.TIES:
        verdicts.close_exceptions(tx, exception_id=f"{_EXCEPTION}:{subject}", reason="the day's books agree now")
        return
    first = next(iter(verdict.drifts), None)
    what = f"{first.id}: {first.reason}" if first else f"{verdict.unfinished[0].kind} {verdict.unfinished[0].id}"
    verdicts.open_exception(
        tx,
        _EXCEPTION,
        subject,
        f"the books of {subject} contradict each other: {len(verdict.drifts)} drifts, {len(verdict.unfinished)} "
        f"unfinished acts; the first is {what}. See: connector proof --day {subject}",
        amount=first.amount if first else Money.zero("USD"),
    )


def _write(parts: Parts) -> None:
    """Show the ERP the proofs that it doesn't show yet. A refused one waits for its next change."""
    with parts.store.read() as tx:
        waiting = () if parts.flags_forbidden(tx) else proving.to_write(tx, DAYS_AT_ONCE)
    if not waiting:
        return
    parts.verify_installation()
    answers = parts.erp.write_proofs([_record(parts.installation, one.verdict, one.made_at) for one in waiting])
    with parts.store.tx() as tx:
        for one, answer in zip(waiting, answers, strict=True):
            if answer.outcome in (Outcome.CREATED, Outcome.EXISTS, Outcome.REFUSED):
                proving.mark_written(tx, one.verdict.day, one.made_at)
                _show_refused(tx, one.verdict.day, answer)


def _show_refused(tx: Tx, day: date, answer: Answer) -> None:
    if answer.outcome is Outcome.REFUSED:
        told = f"the ERP refused the record of the proof of {day}: {answer.message or answer.code}"
        verdicts.open_exception(tx, "flag_refused", f"proof {day}", told, amount=Money.zero("USD"))
    else:
        reason = "the ERP took the record"
        verdicts.close_exceptions(tx, exception_id=f"flag_refused:proof {day}", reason=reason)


def _record(installation: str, verdict: DayVerdict, made_at: datetime) -> ProofRecord:
    return ProofRecord(
        external_id=f"arc-{installation}-proof-{verdict.day}",
        day=verdict.day,
        outcome=verdict.outcome.value,
        drifts=len(verdict.drifts),
        unfinished=len(verdict.unfinished),
        text=in_words(verdict),
        made_at=made_at,
    )


def in_words(verdict: DayVerdict) -> str:
    """The proof in lines for people, the drifts first; as much as fits a text field of an ERP."""
    lines = [f"{one.kind.replace('_', ' ')}: {one.id}, {one.amount}: {one.reason}" for one in verdict.drifts]
    lines += [f"unfinished {one.kind} {one.id} of {one.about}: {one.state}" for one in verdict.unfinished]
    lines += [f"not had: {text}" for text in verdict.missing]
    for one in verdict.ties:
        entity = f", entity {one.entity}" if one.entity else ""
        parts = [("posted", one.posted), ("held", one.held), ("given back", one.given_back)]
        parts += [("returned", one.returned), ("not ours to post", one.left), ("drifting", one.drifting)]
        split = ", ".join(f"{amount} {name}" for name, amount in parts if amount) or "nothing"
        lines.append(f"{one.side}, {one.currency}{entity}: {one.count} of {one.received}: {split}; ERP {one.in_erp}")
    lines += [f"waits: {one.count} of {one.amount}: {one.why or one.fate}" for one in verdict.waiting]
    lines += [
        f"clearing {one.currency} on {one.on}: holds {one.ledger}, expected {one.expected}" for one in verdict.clearing
    ]
    text = "\n".join(lines or ["no money came or went on this day"])
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1].rpartition(chr(10))[0]}\n…"


# ---- one day ----


def prove(parts: Parts, first_on: date, last_on: date, now: datetime) -> DayVerdict:
    """Ask every book about these days, most often one. A book that can't be had is named in `missing`; nothing is
    written anywhere."""
    books, days = _Books(), Span(first_on, last_on)
    start, end = (datetime.combine(on, time(), parts.zone) for on in (first_on, last_on + timedelta(days=1)))
    _ask_sources(parts, books, start, end, now)
    with parts.store.read() as tx:
        unfinished = proving.unfinished(tx, min(end, now))
        underway = {one.about for one in unfinished}
        ours = {one.id: one for one in proving.receipts(tx, first_on, last_on)}
        lines = [*_receipts(tx, parts, books, days, ours, underway), *_payouts(tx, parts, books, days, underway)]
        clearing = tuple(_clearing(tx, parts, books, days))
    held = _with_erp(parts, books, lines, ours)
    return three_way.decide(last_on, held, clearing, unfinished, tuple(dict.fromkeys(books.missing)))


def _ask_sources(parts: Parts, books: _Books, start: datetime, end: datetime, now: datetime) -> None:
    read = books.ask("processor", lambda: parts.payments.read_balance(start))
    if read is not None:
        books.movements = read.movements
        strange = [one for one in read.parked if not one.record.startswith("balance")]
        books.missing += [f"processor: {one.record} was not understood: {one.reason}" for one in strange]
    bank = parts.statements
    if bank is None:
        return
    said = books.ask("bank", lambda: bank.read_changed("", now))
    if said is not None:
        books.bank = {one.id: one for one in said.payments}
        if said.fresh_as_of < min(end, now):
            books.missing.append(f"bank: the statements reach up to {parts.today(said.fresh_as_of)} only")
        books.missing += [f"bank: {one.record} was not understood: {one.reason}" for one in said.parked]


# ---- receipts: source and journal ----


def _receipts(
    tx: Tx, parts: Parts, books: _Books, days: Span, ours: Mapping[str, Receipt], underway: set[str]
) -> Iterator[Line]:
    """What came in on this day by our journal, by the processor or by the bank."""
    posted = settling.posted_amounts(tx, list(ours))
    charged = {one.payment_id: one for one in books.movements or () if one.category is Category.CHARGE}
    earlier = proving.charges_of(tx, [id for id in ours if id not in charged])
    for id, one in ours.items():
        source = _source_of(parts, books, one, charged.get(id) or earlier.get(id))
        stands = posted[id][1] if id in posted and not _is_taken_back(tx, one) else None
        yield receipt_line(parts, one, source, stands, id in underway)
    yield from _unknown_charges(tx, parts, charged, ours, days)
    yield from _unknown_receipts(tx, parts, books, ours, days)


def _is_taken_back(tx: Tx, one: Receipt) -> bool:
    """Came back, and pays nothing any more: a person's journal leaves the payment itself standing in the ERP."""
    return one.state in _CAME_BACK and one.standing == "matched" and not closing.applied_invoices(tx, one.id)


def _source_of(parts: Parts, books: _Books, one: Receipt, charge: BalanceTransaction | None) -> Money | None:
    """What the source has of it now; as our journal, where the source wasn't had or speaks in another currency."""
    if parts.statements is not None and one.source == parts.statements.name:
        if books.bank is None:
            return one.amount
        seen = books.bank.get(one.id)
        return seen.amount if seen else None
    if books.movements is None or one.source != parts.payments.name:
        return one.amount
    if charge is None:
        return None
    return charge.amount if charge.amount.currency == one.amount.currency else one.amount


def receipt_line(parts: Parts, one: Receipt, source: Money | None, posted: Money | None, is_underway: bool) -> Line:
    """A receipt as source and journal have it; what the ERP holds is still to be asked."""
    is_bank = parts.statements is not None and one.source == parts.statements.name
    fate, why = _fate(parts, one, posted, is_underway)
    return Line(
        one.id,
        Side.BANK if is_bank else Side.PROCESSOR,
        one.amount.currency,
        one.entity or _entity(parts, one.amount.currency),
        fate,
        source,
        one.amount,
        posted if fate is Fate.POSTED else None,
        refunded=one.refunded or None,
        why=why,
    )


def _fate(parts: Parts, one: Receipt, posted: Money | None, is_underway: bool) -> tuple[Fate, str]:
    """What became of it by our journal, and for what it waits."""
    waits = ", ".join(kind.replace("_", " ") for kind in one.exceptions)
    if is_underway:
        return Fate.UNDERWAY, "an act about it is not over"
    if one.state == PaymentState.CHARGED_BACK:  # its withdrawal is booked with the payout; a person chose what follows
        return Fate.RETURNED, waits or "the dispute was lost"
    if one.state in _CAME_BACK:
        return Fate.RETURNED, waits or ("" if posted else "came back")
    if posted is not None:
        return Fate.POSTED, waits
    if one.standing == "observed":
        return Fate.LEFT, "from before the cutover"
    if not parts.policy.posts(one.amount.currency):
        return Fate.LEFT, f"somebody else posts {one.amount.currency}"
    if one.standing == "suggested":
        return Fate.HELD, waits or "suggested, waits for an answer in the queue"
    return Fate.HELD, f"waits for a person: {waits}" if waits else f"{one.standing}, goes on by itself"


def _unknown_charges(
    tx: Tx, parts: Parts, charged: Mapping[str, BalanceTransaction], ours: Mapping[str, Receipt], days: Span
) -> Iterator[Line]:
    """What the processor took in on this day and our journal has on no day."""
    new = {id: one for id, one in charged.items() if one.created_on in days and id not in ours}
    known, strange = proving.known_payments(tx, list(new)), proving.not_understood(tx) if new else {}
    for id, one in new.items():
        if id not in known:
            yield _stranger(parts, Side.PROCESSOR, id or one.id, one.amount, strange.get(id, ""))


def _unknown_receipts(tx: Tx, parts: Parts, books: _Books, ours: Mapping[str, Receipt], days: Span) -> Iterator[Line]:
    """What the bank booked on this day and our journal doesn't have."""
    states = (PaymentState.SUCCEEDED, PaymentState.RETURNED)
    of_day = {id: one for id, one in (books.bank or {}).items() if one.received_on in days and one.state in states}
    known = proving.known_payments(tx, [id for id in of_day if id not in ours])
    for id, one in of_day.items():
        if id not in ours and id not in known:
            yield _stranger(parts, Side.BANK, id, one.amount, "")


def _stranger(parts: Parts, side: Side, id: str, amount: Money, parked: str) -> Line:
    """Not in our journal; what was read and not understood is, as something that waits."""
    entity = _entity(parts, amount.currency)
    why = "read and not understood" if parked else ""
    return Line(id, side, amount.currency, entity, Fate.HELD, amount, amount if parked else None, why=why)


def _entity(parts: Parts, currency: str) -> str:
    settlement = parts.settlement(currency)
    return settlement.subsidiary if settlement else ""


# ---- payouts ----


def _payouts(tx: Tx, parts: Parts, books: _Books, days: Span, underway: set[str]) -> Iterator[Line]:
    """Payouts that reach the bank on this day, and those that left the balance on it and that we don't know."""
    out = {one.source_id: one for one in books.movements or () if one.category is Category.PAYOUT}
    for one in proving.paid_out(tx, days.first_on, days.last_on):
        moved = out.get(one.id)
        source = -moved.amount if moved and moved.amount.currency == one.amount.currency else one.amount
        fate, why = _fate_of_payout(one, one.id in underway)
        posted = (one.deposited or one.amount) if fate is Fate.POSTED else None
        entity = _entity(parts, one.amount.currency)
        yield Line(one.id, Side.PAYOUTS, one.amount.currency, entity, fate, source, one.amount, posted, why=why)
    new = {id: one for id, one in out.items() if one.created_on in days}
    for id in sorted(new.keys() - proving.known_payouts(tx)) if new else ():
        yield _stranger(parts, Side.PAYOUTS, id, -new[id].amount, "")


def _fate_of_payout(one: PaidOut, is_underway: bool) -> tuple[Fate, str]:
    if one.standing == "bounced":
        return Fate.RETURNED, "it bounced after its deposit; a person voids that"
    if one.standing == "gone":
        return Fate.RETURNED, "it failed before its deposit"
    if is_underway:
        return Fate.UNDERWAY, "its deposit is not over"
    if one.standing in settling.DEPOSITED:
        return Fate.POSTED, ""
    if one.standing in ("observed", "unsettled"):
        return Fate.LEFT, "never deposited by us"
    return Fate.HELD, "waits for a person" if one.standing == "held" else f"{one.standing}, goes on by itself"


# ---- clearing ----


def _cleared_currencies(parts: Parts) -> tuple[str, ...]:
    """As proof.py proves them."""
    return tuple(
        one.currency
        for one in parts.erp.settlements
        if one.through is SettleThrough.CLEARING
        and AccountRole.CLEARING in one.roles
        and parts.policy.posts(one.currency)
    )


def _clearing(tx: Tx, parts: Parts, books: _Books, days: Span) -> Iterator[ClearingTie]:
    """The latest clearing proof, if one was made since these days; it is of all that had happened up to then."""
    # Of a day that isn't over, what there is of it.
    last_on = min(days.last_on, parts.today(tx.at) - timedelta(days=1))
    made = proving.clearing_since(tx, min(days.first_on, last_on), last_on)
    for currency in _cleared_currencies(parts):
        if (latest := made.get(currency)) is None:
            books.missing.append(f"clearing: no proof of {currency} was made since {days.last_on}")
            continue
        proof = latest.proof
        expected = proof.ledger if latest.is_opening else proof.expected
        yield ClearingTie(latest.on, currency, _entity(parts, currency), proof.ledger, expected, latest.arose)


# ---- the ERP ----


def _with_erp(parts: Parts, books: _Books, lines: Sequence[Line], whose: Mapping[str, Receipt]) -> list[Line]:
    """The lines with what the ERP holds of each now."""
    ids = [one.id for one in lines if one.side is not Side.PAYOUTS]
    payouts = [one.id for one in lines if one.side is Side.PAYOUTS]
    paid = books.ask(parts.erp.name, lambda: parts.erp.find_payments(ids)) if ids else {}
    banked = books.ask(parts.erp.name, lambda: parts.erp.find_deposits(payouts)) if payouts else {}
    found = []
    for line in lines:
        seen: Mapping[str, PaymentSeen | DepositSeen] | None = banked if line.side is Side.PAYOUTS else paid
        if seen is None:
            held = line.posted  # not had: that is told as missing, and is no contradiction
        else:
            there = seen.get(line.id) or _without_our_id(parts, books, line, whose.get(line.id))
            # In another currency it is another payment.
            held = there.amount if there and not there.voided and there.amount.currency == line.currency else None
        found.append(replace(line, erp=held))
    return found


def _without_our_id(parts: Parts, books: _Books, line: Line, one: Receipt | None) -> PaymentSeen | None:
    """What others posted without the source's id was adopted by the ERP's own; it is found by its customer again."""
    if line.fate is not Fate.POSTED or line.posted is None or one is None or not (one.erp_id and one.customer_id):
        return None
    amount, first, last = line.posted, one.received_on - NEAR, one.received_on + NEAR
    similar = books.ask(parts.erp.name, lambda: parts.erp.find_similar([one.customer_id], amount, first, last))
    return next((seen for seen in similar or () if seen.erp_id == one.erp_id), None)
