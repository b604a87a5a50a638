"""What the bank took back: the payment keeps standing in the ERP, and pays its invoices no longer (RULES 3).

Every tick looks at all payments that came back and still count as paying something. What `decisions/reversal.py` finds
sure becomes one commit, the intent row; a durable act then writes it, reads it back and compares. What it leaves to a
person says in the exception what to do and why we didn't. Once the ERP shows the invoices open again, `undo.py` goes
on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from connector.decisions import reversal
from connector.decisions.reversal import Posted, ReversalHold
from connector.engine import reached
from connector.errors import ConnectorError
from connector.faults import told_apart
from connector.one_write import OneWrite
from connector.parts import Parts
from connector.policy import DEFAULT
from connector.ports import Answer, Erp, PaymentSeen
from connector.receivables import Payment
from connector.settlement import AccountRole, ReversalIntent, ReversalSeen
from connector.store import Store, Tx, approving, book, closing, reversing, verdicts, writing
from connector.store.reversing import Applied, Reversal
from connector.store.writing import WriteState

EXCEPTION = "payment_came_back"
_STEP = "take back payments"


@dataclass(frozen=True, slots=True)
class _Due:
    """A payment that came back and is neither taken back nor on its way to it. `why_not`: by whom it is forbidden."""

    payment: Payment
    applied: Applied
    why_not: str
    generation: int

    @property
    def invoice_ids(self) -> tuple[str, ...]:
        return tuple(invoice_id for invoice_id, _ in self.applied.amounts)


def take_back(parts: Parts, today: date) -> None:
    """Decide every payment that came back, record the reversals that follow, and carry them out.

    One that can't be decided or looked up is told at the end and keeps no other from being taken back.
    """
    troubles: list[ConnectorError] = []
    told_apart(troubles, _STEP, lambda: _give_up(parts))
    with parts.store.read() as tx:
        due = [one for payment_id in reversing.came_back(tx) if (one := _due(tx, parts, payment_id))]
    for one in due:
        mark = (today, one.payment, one.why_not, one.applied.amounts, parts.policy.version)
        if parts.remembered.get(_key(one)) == mark:
            continue  # a person has it; the ERP is asked again tomorrow
        if told_apart(troubles, _STEP, partial(_decide, parts, one, today)):
            parts.remembered[_key(one)] = mark
    told_apart(troubles, _STEP, lambda: carry_out(parts))
    if troubles:
        raise troubles[-1]


def _give_up(parts: Parts) -> None:
    """What may not be written any more, and of which nothing stands in the ERP, is decided anew: a person hears why.

    Of what stands in part a person hears that too. Nothing is written here.
    """
    with parts.store.read() as tx:
        intended = reversing.reversals(tx, [WriteState.INTENDED])
        stopped = [(one, why) for one in intended if (why := _forbidden(tx, parts, list(one.invoice_ids)))]
    for one, why in stopped:
        seen = parts.erp.read_reversal(one.intent) if one.attempts else None
        with parts.store.tx() as tx:
            applied = reversing.applied(tx, one.payment_id)
            if seen is None:
                reversing.move(tx, one.id, WriteState.WITHDRAWN, problem=why)
            elif applied is not None:
                payment = approving.payment_of(tx, one.payment_id)
                show(
                    tx,
                    payment,
                    applied.amounts,
                    f"It stands in part in the ERP ({seen.erp_id}), and goes on no more: {why}",
                )


def _forbidden(tx: Tx, parts: Parts, invoice_ids: list[str]) -> str:
    return why_person(tx, parts, invoice_ids) or parts.posting_forbidden(tx, invoice_ids=invoice_ids)


def carry_out(parts: Parts) -> None:
    """Run every unfinished reversal to its end, or to where the ERP lets it.

    What was begun is looked up and read back also while nothing may be written: that only asks.
    """
    with parts.store.read() as tx:
        unfinished = [
            one
            for one in reversing.reversals(tx, writing.UNFINISHED)
            if one.state is not WriteState.INTENDED or not _forbidden(tx, parts, list(one.invoice_ids))
        ]
    troubles: list[ConnectorError] = []
    for one in unfinished:
        with parts.store.tx() as tx:
            attempt = tx.journal("reversal_started", act=one.id)
        told_apart(troubles, _STEP, partial(parts.run, "reversal", f"{one.id}#{parts.owner}-{attempt}"))
    if troubles:
        raise troubles[-1]


def _key(one: _Due) -> str:
    return f"reversal:{one.payment.id}"


def _due(tx: Tx, parts: Parts, payment_id: str) -> _Due | None:
    applied = reversing.applied(tx, payment_id)
    if applied is None:
        return None
    before = reversing.latest(tx, payment_id)
    if before and not _is_over(tx, before, applied):
        return None
    payment = approving.payment_of(tx, payment_id)
    invoice_ids = [invoice_id for invoice_id, _ in applied.amounts]
    why_not = _forbidden(tx, parts, invoice_ids)
    if not parts.policy.posts(payment.amount.currency):
        why_not = why_not or f"somebody else posts payments in {payment.amount.currency}"
    return _Due(payment, applied, why_not, reversing.next_generation(tx, payment_id))


def _is_over(tx: Tx, before: Reversal, applied: Applied) -> bool:
    """Is the payment to be decided anew, whatever became of an earlier reversal of it?"""
    if before.state is WriteState.WITHDRAWN:
        return True
    if before.state is WriteState.REFUSED:
        return before.decided_at.date() < tx.at.date()  # tried again on a new day
    # It was applied again since, and came back again.
    return before.state is WriteState.CLOSED and applied.acts[0].matched_at > before.decided_at


def why_person(tx: Tx, parts: Parts, invoice_ids: list[str]) -> str:
    """Does finance take back by itself what paid these invoices? '' if we do, in all of their segments."""
    segments = book.segments_of(tx, invoice_ids) or {DEFAULT}
    by_us = all(parts.policy.of(segment).exceptions.returned_is_reversed for segment in segments)
    return "" if by_us else "the policy leaves that to a person (exceptions.returned.reverse)"


def _decide(parts: Parts, one: _Due, today: date) -> bool:
    """The verdict on one payment: the intent, or the exception with its reason; one commit. Is it left to a person?"""
    seen = None if one.why_not else parts.erp.find_payments([one.payment.id]).get(one.payment.id)
    with parts.store.read() as tx:
        found = _verdict(tx, parts, one, seen, today)
    if isinstance(found, ReversalIntent):
        found = reversal.asked(found, parts.erp.why_irreversible(found))
    with parts.store.tx() as tx:
        if reversing.applied(tx, one.payment.id) != one.applied:
            return False  # the next tick looks at it anew
        outcome = "post" if isinstance(found, ReversalIntent) else found.reason.value
        reason = found.memo if isinstance(found, ReversalIntent) else found.text
        inputs = {"amount": str(one.payment.amount), "applied": {id: str(left) for id, left in one.applied.amounts}}
        verdicts.put_verdict(tx, f"payment:{one.payment.id}", "reversal", outcome, reason, inputs, parts.policy.version)
        if isinstance(found, ReversalIntent):
            reversing.put_reversal(tx, found)
            show(tx, one.payment, one.applied.amounts, "It is being taken back in the ERP by us; nothing is to be done")
        else:
            show(tx, one.payment, one.applied.amounts, _to_do(tx, parts, one, found, today))
    reached("reversal.committed")
    return isinstance(found, ReversalHold)


def _verdict(tx: Tx, parts: Parts, one: _Due, seen: PaymentSeen | None, today: date) -> ReversalIntent | ReversalHold:
    acts = one.applied.acts
    erp_id = next((act.erp_id for act in acts if act.erp_id), "")
    currency = one.payment.amount.currency
    return reversal.decide(
        one.payment,
        Posted(tuple(act.intent for act in acts), erp_id, one.applied.amounts),
        seen,
        reversal.Ledger(parts.settlement(currency), parts.periods(tx), parts.policy.closed_period, today),
        returned_on=_returned_on(one.payment, today),
        why_not=one.why_not,
        installation=parts.installation,
        generation=one.generation,
    )


def _returned_on(payment: Payment, today: date) -> date:
    return payment.came_back.on if payment.came_back else today


def show(tx: Tx, payment: Payment, applied: tuple[tuple[str, object], ...], then: str) -> None:
    """The exception: what came back, what it still pays in the ERP, and what follows from that."""
    rows = book.invoices_by_id(tx, [invoice_id for invoice_id, _ in applied])
    pays = ", ".join(f"{rows[id]['number'] if id in rows else id} ({amount})" for id, amount in applied)
    on = f" on {payment.came_back.on}" if payment.came_back else ""
    verdicts.open_exception(
        tx,
        EXCEPTION,
        payment.id,
        f"payment {payment.id} of {payment.amount} came back{on} after it was applied to {pays}. {then}",
        amount=payment.amount,
        customer_id=payment.customer_id,
        payment_id=payment.id,
        invoice_ids=[invoice_id for invoice_id, _ in applied],
    )


def _to_do(tx: Tx, parts: Parts, one: _Due, hold: ReversalHold, today: date) -> str:
    """What a person does in the ERP, to the cent, and why it isn't done by itself."""
    posted = one.applied.acts[0].intent.payment
    back = one.payment.came_back.amount if one.payment.came_back else posted.amount
    where = posted.deposit_account or _account(one.payment)
    return (
        f"It isn't taken back by itself: {hold.text}. In {parts.erp.name}, take payment {posted.external_id} off these "
        f"invoices by a journal or a reversal of {min(back, posted.amount)} against {where}, dated "
        f"{_returned_on(one.payment, today)} or the first open day after it (never delete or edit the payment away); "
        "then they are open again and their reminders go on"
    )


def _account(payment: Payment) -> str:
    by_dispute = payment.came_back is not None and payment.came_back.by_dispute
    return f"the {AccountRole.DISPUTES if by_dispute else AccountRole.CLEARING} account"


def differences(intent: ReversalIntent, seen: ReversalSeen) -> tuple[str, ...]:
    """In what does the ERP's reversal differ from the one that was meant? Empty: in nothing."""
    found = []
    if seen.voided:
        found.append("it was voided")
    if seen.amount != intent.amount:
        found.append(f"it is {seen.amount}, meant: {intent.amount}")
    if seen.applied:
        found.append("the payment still pays " + ", ".join(f"{amount} of invoice {id}" for id, amount in seen.applied))
    return tuple(found)


class ReversalAct(OneWrite[Reversal, ReversalSeen, tuple[bool, str]]):
    """Carries one reversal to its end."""

    kind = "reversal"

    def __init__(
        self,
        store: Store,
        erp: Erp,
        verify_installation: Callable[[], None],
        why_not: Callable[[Tx, list[str]], str],
    ) -> None:
        super().__init__(store, erp, verify_installation)
        self._why_not = why_not

    def _rows(self, tx: Tx, state: WriteState, act_id: str) -> tuple[Reversal, ...]:
        return reversing.reversals(tx, [state], act_id)

    def _move(
        self, tx: Tx, one: Reversal, state: WriteState, *, problem: str = "", erp_id: str = "", attempt: bool = False
    ) -> None:
        reversing.move(tx, one.id, state, problem=problem, erp_id=erp_id, attempt=attempt)

    def _read(self, one: Reversal) -> ReversalSeen | None:
        return self._erp.read_reversal(one.intent)

    def _is_whole(self, seen: ReversalSeen) -> bool:
        return not seen.applied

    def _ask(self, one: Reversal) -> tuple[bool, str]:
        """Is it begun, and else: must a person do it? A period may be closed, or the receipt deposited, by now."""
        is_begun = bool(one.attempts) and self._erp.read_reversal(one.intent) is not None
        return is_begun, "" if is_begun else self._erp.why_irreversible(one.intent)

    def _may_write(self, tx: Tx, one: Reversal, asked: tuple[bool, str]) -> bool:
        is_begun, why_person = asked
        if self._why_not(tx, list(one.invoice_ids)):
            return False  # a person stopped posting, or takes it back himself; the reversal stays as it is
        why = why_person or ("" if is_begun else _overtaken(tx, one))
        if why:
            self._end(tx, one, WriteState.WITHDRAWN, why)
        return not why

    def _write(self, one: Reversal) -> Answer:
        return self._erp.write_reversal(one.intent)

    def _refuse(self, tx: Tx, one: Reversal, why: str) -> None:
        self._end(tx, one, WriteState.REFUSED, why)

    def _differ(self, tx: Tx, one: Reversal, found: Sequence[str]) -> None:
        self._end(tx, one, WriteState.DIFFERENT, "; ".join(found))

    def _tell_unknown(self, tx: Tx, one: Reversal, said: str) -> None:
        """Whoever can mend it is told: a journal that waits for approval, say, waits for a person."""
        reversing.move(tx, one.id, WriteState.ATTEMPTED, problem=said)
        applied = reversing.applied(tx, one.payment_id)
        if applied is not None:
            payment = approving.payment_of(tx, one.payment_id)
            show(tx, payment, applied.amounts, f"It is being taken back in the ERP by us, and isn't whole yet: {said}")

    def _differences(self, one: Reversal, seen: ReversalSeen) -> Sequence[str]:
        return differences(one.intent, seen)

    def _close(self, tx: Tx, one: Reversal, seen: ReversalSeen) -> None:
        reversing.move(tx, one.id, WriteState.CLOSED, erp_id=seen.erp_id)
        closing.touch(tx, one.invoice_ids)

    def _end(self, tx: Tx, one: Reversal, state: WriteState, problem: str) -> None:
        """It is not written, or not as it was meant: the exception says so, and a person or the next day goes on."""
        reversing.move(tx, one.id, state, problem=problem)
        payment = approving.payment_of(tx, one.payment_id)
        applied = reversing.applied(tx, one.payment_id)
        if applied is None or payment.state not in reversing.CAME_BACK:
            return
        said = {
            WriteState.REFUSED: f"the ERP refused: {problem}. It is tried again tomorrow, unless a person does it",
            WriteState.DIFFERENT: f"{problem or 'the ERP holds something else'}. Nothing more is written by us; "
            f"compare {one.intent.external_id} in the ERP and finish it there",
            WriteState.WITHDRAWN: f"{problem}. It is decided anew",
        }[state]
        show(tx, payment, applied.amounts, f"Taking it back in the ERP did not end well: {said}")


def _overtaken(tx: Tx, one: Reversal) -> str:
    """Why must a reversal that was decided not be written any more? '' if it may."""
    if closing.payment_state(tx, one.payment_id) not in reversing.CAME_BACK:
        return "the money is here after all"
    applied = reversing.applied(tx, one.payment_id)
    if applied is None or applied.amounts != one.intent.applied:
        return "what the payment pays has changed since"
    return ""
