"""Matches and acts: which cents pay what, and how far each closing act has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from itertools import combinations
from typing import Any

from sqlalchemy import and_, case, delete, func, insert, or_, select, true, update

from connector.errors import InvariantBroken
from connector.money import Money
from connector.receivables import (
    CloseIntent,
    InvoiceStatus,
    OpenInvoice,
    PaymentApplication,
    PaymentState,
    PaymentToPost,
)
from connector.store import Tx, parse_instant
from connector.store import tables as t
from connector.store.book import AT_ONCE, drop_used_up, from_json, to_json


class ActState(StrEnum):
    """How far a closing act has come. Every state up to CONFIRMED is unfinished and is carried on by the next tick."""

    INTENDED = "intended"  # committed here, not yet tried
    ATTEMPTED = "attempted"  # a write was begun; what came of it must be read back first
    WRITTEN = "written"  # the ERP has the payment
    CONFIRMED = "confirmed"  # the ERP's balances agree; the records are still to be marked closed
    REFUSED = "refused"  # the ERP surely has no payment; records are still to be withdrawn
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    DIFFERENT = "different"  # the ERP disagrees: shown to a person, never touched again by itself


# States of a payment whose money isn't here any more.
_WENT = (PaymentState.RETURNED, PaymentState.FAILED, PaymentState.CHARGED_BACK)
# An invoice that more payments than these paid is not puzzled over.
_TRIED_MAX, _AT_ONCE_MAX = 12, 3
UNFINISHED = (ActState.INTENDED, ActState.ATTEMPTED, ActState.WRITTEN, ActState.CONFIRMED, ActState.REFUSED)


@dataclass(frozen=True, slots=True)
class Act:
    id: str
    payment_id: str
    state: ActState
    intent: CloseIntent
    attempts: int
    erp_id: str
    problem: str
    matched_at: datetime
    approved_by: str = ""
    rung: str = ""
    attempted_at: datetime | None = None  # when the last write of it was begun

    @property
    def invoice_ids(self) -> tuple[str, ...]:
        return tuple(one.invoice_id for one in self.intent.payment.applications)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def put_act(
    tx: Tx,
    intent: CloseIntent,
    payment_id: str,
    generation: int,
    rung: str,
    equation: str,
    reason: str,
    approved_by: str = "",
) -> None:
    """Record the match: allocations, the payment's standing, the intent row with its digest, in the caller's commit.

    The store's constraints refuse an allocation beyond a balance or the payment (`apply_once`, `cents_conserve`).
    """
    text = to_json(intent)
    seq = tx.journal(
        "payment_matched",
        payment=payment_id,
        act=intent.act_id,
        rung=rung,
        equation=equation,
        invoices=[a.invoice_id for a in intent.payment.applications],
        **({"approved_by": approved_by} if approved_by else {}),
    )
    tx.execute(
        insert(t.act).values(
            id=intent.act_id,
            payment_id=payment_id,
            generation=generation,
            state=ActState.INTENDED,
            intent=text,
            digest=digest(text),
            rung=rung,
            equation=equation,
            reason=reason,
            approved_by=approved_by,
            matched_at=tx.at_text,
            matched_seq=seq,
        )
    )
    for application in intent.payment.applications:
        _allocate(tx, intent.act_id, payment_id, application)
    _take_money(tx, payment_id, intent.payment)


def _take_money(tx: Tx, payment_id: str, posted: PaymentToPost) -> None:
    """What of the payment and of the memos beside it is spoken for from now on; nothing is proposed for it any more."""
    for use in posted.credits:
        taken = {"allocated": t.credit.c.allocated + use.amount.minor}
        tx.execute(update(t.credit).where(t.credit.c.id == use.credit_id).values(**taken))
    matched = {"allocated": t.payment.c.allocated + posted.cash_applied.minor, "standing": "matched"}
    tx.execute(update(t.payment).where(t.payment.c.id == payment_id).values(**matched))
    for found in (t.suggestion, t.proposal):
        tx.execute(delete(found).where(found.c.payment_id == payment_id))


def _allocate(tx: Tx, act_id: str, payment_id: str, application: PaymentApplication) -> None:
    tx.execute(
        insert(t.allocation).values(
            act_id=act_id,
            invoice_id=application.invoice_id,
            payment_id=payment_id,
            amount=application.settles.minor,
            currency=application.amount.currency,
            state="intended",
        )
    )
    where = t.invoice.c.id == application.invoice_id
    tx.execute(
        update(t.invoice)
        .where(where)
        .values(
            allocated=t.invoice.c.allocated + application.settles.minor,
            version=t.invoice.c.version + 1,
            next_on=AT_ONCE,
            restate=True,
        )
    )
    left = tx.execute(select(t.invoice.c.balance - t.invoice.c.allocated).where(where)).scalar_one()
    tx.journal(
        "invoice_matched",
        invoice=application.invoice_id,
        payment=payment_id,
        act=act_id,
        amount=str(application.amount),
        left=left,
    )


def _act(row: Any) -> Act:
    if digest(row["intent"]) != row["digest"]:
        raise InvariantBroken(f"The intent of act {row['id']} was changed in the store after it was recorded.")
    return Act(
        row["id"],
        row["payment_id"],
        ActState(row["state"]),
        from_json(CloseIntent, row["intent"]),
        row["attempts"],
        row["erp_id"],
        row["problem"],
        parse_instant(row["matched_at"]),
        row["approved_by"],
        row["rung"],
        parse_instant(row["attempted_at"]) if row["attempted_at"] else None,
    )


def acts(tx: Tx, states: Iterable[ActState], ids: Sequence[str] | None = None) -> tuple[Act, ...]:
    where = and_(t.act.c.state.in_(list(states)), true() if ids is None else t.act.c.id.in_(ids))
    return tuple(_act(r) for r in tx.execute(select(t.act).where(where).order_by(t.act.c.matched_seq)).mappings())


def move(tx: Tx, act_id: str, state: ActState, *, problem: str = "", erp_id: str = "", attempt: bool = False) -> None:
    values: dict[str, Any] = {"state": state, "problem": problem}
    if erp_id:
        values["erp_id"] = erp_id
    if attempt:
        values |= {"attempts": t.act.c.attempts + 1, "attempted_at": tx.at_text}
    if state in (ActState.CLOSED, ActState.WITHDRAWN, ActState.DIFFERENT):
        values["closed_at"] = tx.at_text
    tx.execute(update(t.act).where(t.act.c.id == act_id).values(**values))
    if erp_id:
        of_act = select(t.act.c.payment_id).where(t.act.c.id == act_id).scalar_subquery()
        tx.execute(update(t.payment).where(t.payment.c.id == of_act).values(erp_id=erp_id))
    tx.journal(f"act_{state.value}", act=act_id, **({"problem": problem} if problem else {}))


def expected_balances(tx: Tx, act: Act, written: Sequence[str]) -> dict[str, Money]:
    """What must be left of each invoice once these acts, all of them written, are in the ERP."""
    expected: dict[str, Money] = {}
    for application in act.intent.payment.applications:
        row = tx.execute(select(t.invoice).where(t.invoice.c.id == application.invoice_id)).mappings().one()
        applied = tx.execute(
            select(func.coalesce(func.sum(t.allocation.c.amount), 0)).where(
                t.allocation.c.invoice_id == application.invoice_id,
                t.allocation.c.state == "intended",
                t.allocation.c.act_id.in_(list(written)),
            )
        ).scalar()
        expected[application.invoice_id] = Money(int(row["balance"]) - int(applied or 0), row["currency"])
    return expected


def settle_allocations(tx: Tx, act: Act, state: str) -> None:
    """The act's cents are in the ERP ('posted') or never will be ('released'); they are no longer pending."""
    pending = tx.execute(
        select(func.count()).where(t.allocation.c.act_id == act.id, t.allocation.c.state == "intended")
    ).scalar()
    if pending:
        _settle_money(tx, act, state)
    for application in act.intent.payment.applications:
        changed = tx.execute(
            update(t.allocation)
            .where(
                t.allocation.c.act_id == act.id,
                t.allocation.c.invoice_id == application.invoice_id,
                t.allocation.c.state == "intended",
            )
            .values(state=state)
        )
        if not changed.rowcount:
            continue
        values: dict[str, Any] = {"allocated": t.invoice.c.allocated - application.settles.minor}
        if state == "posted":
            left = t.invoice.c.askable - application.settles.minor
            values["balance"] = t.invoice.c.balance - application.settles.minor
            values["askable"] = case((left > 0, left), else_=0)
        tx.execute(update(t.invoice).where(t.invoice.c.id == application.invoice_id).values(**values))
        if state == "released":
            tx.journal("application_undone", invoice=application.invoice_id, payment=act.payment_id, act=act.id)


def _settle_money(tx: Tx, act: Act, state: str) -> None:
    """The money and the memos of an act whose allocations end now."""
    if state == "released":
        back = {"allocated": t.payment.c.allocated - act.intent.payment.cash_applied.minor}
        tx.execute(update(t.payment).where(t.payment.c.id == act.payment_id).values(**back))
    for use in act.intent.payment.credits:
        values: dict[str, Any] = {"allocated": t.credit.c.allocated - use.amount.minor}
        if state == "posted":
            values |= {"open_amount": t.credit.c.open_amount - use.amount.minor, "requested_at": tx.at_text}
        tx.execute(update(t.credit).where(t.credit.c.id == use.credit_id).values(**values))
    drop_used_up(tx)


def take_read_back(tx: Tx, invoice: OpenInvoice, asked: str) -> None:
    """After an act's own allocation is settled, the ERP's read-back is the newest truth of this invoice."""
    row = tx.execute(select(t.invoice).where(t.invoice.c.id == invoice.id)).mappings().one()
    if row["requested_at"] > asked:
        return
    values: dict[str, Any] = {
        "balance": max(invoice.balance.minor, row["allocated"]),
        "askable": invoice.askable.minor,
        "status": invoice.status,
        "facts": to_json(invoice),
        "requested_at": asked,
    }
    if invoice.status is not InvoiceStatus.OPEN and row["closed_at"] is None:
        values["closed_at"] = tx.at_text
    tx.execute(update(t.invoice).where(t.invoice.c.id == invoice.id).values(**values))


def release_payment(tx: Tx, payment_id: str) -> None:
    """The ERP refused: the money is free again, under a new generation so that a later act has ids of its own."""
    tx.execute(
        update(t.payment)
        .where(t.payment.c.id == payment_id)
        .values(standing="refused", generation=t.payment.c.generation + 1)
    )


def assign(tx: Tx, act_ids: Sequence[str], request: str) -> None:
    """Give these acts to one run of the engine; an older run that still knows them finds nothing to do."""
    tx.execute(update(t.act).where(t.act.c.id.in_(list(act_ids))).values(request=request))


def assigned(tx: Tx, request: str, states: Iterable[ActState]) -> tuple[Act, ...]:
    ids = list(tx.execute(select(t.act.c.id).where(t.act.c.request == request)).scalars())
    return acts(tx, states, ids)


def retry_refused(tx: Tx, families: Sequence[str] | None = None) -> None:
    """Refused payments may be matched again: of these families, or all."""
    among = true() if families is None else t.payment.c.family.in_(list(families))
    where = and_(t.payment.c.standing == "refused", among)
    tx.execute(update(t.payment).where(where).values(standing="waiting"))


def look_again_at_adopted(tx: Tx, received_since: date) -> None:
    """What others posted they may have voided since: wait again, and be adopted again if it still stands."""
    recent = t.payment.c.received_on >= received_since.isoformat()
    tx.execute(update(t.payment).where(t.payment.c.standing == "adopted", recent).values(standing="waiting"))


def closed_acts(tx: Tx, invoice_id: str) -> tuple[str, ...]:
    """Acts of ours on this invoice that were closed in good order."""
    query = select(t.act.c.id).join(t.allocation, t.allocation.c.act_id == t.act.c.id)
    closed = query.where(t.allocation.c.invoice_id == invoice_id, t.act.c.state == ActState.CLOSED)
    return tuple(tx.execute(closed).scalars())


def with_acts(tx: Tx, invoice_ids: Sequence[str]) -> set[str]:
    """Of these invoices those that an act of ours ever paid on."""
    some = t.allocation.c.invoice_id.in_(list(invoice_ids))
    return set(tx.execute(select(t.allocation.c.invoice_id).where(some)).scalars())


def undone(tx: Tx, invoice_id: str) -> tuple[Act, ...]:
    """Closed acts of ours on this invoice whose money the ERP no longer counts: more is open than they left.

    Where several acts paid it, not all of them need be meant: what we took back ourselves is; then money that came
    back, where it makes up just what is open too much. What fits in more than one way is left for the ERP to tell.
    """
    row = tx.execute(select(t.invoice).where(t.invoice.c.id == invoice_id)).mappings().one()
    posted = tx.execute(
        select(t.allocation.c.act_id, t.allocation.c.amount).where(
            t.allocation.c.invoice_id == invoice_id, t.allocation.c.state == "posted"
        )
    ).all()
    parts = {act_id: int(amount) for act_id, amount in posted}
    too_much = row["balance"] - row["amount"] + sum(parts.values())
    if not parts or too_much <= 0:
        return ()
    found = acts(tx, [ActState.CLOSED], list(parts))
    if too_much >= sum(parts[act.id] for act in found):
        return found
    taken_back = _taken_back(tx, found)
    ours = tuple(act for act in found if act.id in taken_back)
    too_much -= sum(parts[act.id] for act in ours)
    others = tuple(act for act in found if act.id not in taken_back)
    return ours if too_much <= 0 else (*ours, *_meant(tx, others, parts, too_much))


def _taken_back(tx: Tx, found: Sequence[Act]) -> set[str]:
    """Of these acts those whose money was taken back in the ERP by a reversal of ours after they were matched."""
    r, a = t.reversal.c, t.act.c
    query = select(a.id).join(t.reversal, r.payment_id == a.payment_id)
    where = (a.id.in_([act.id for act in found]), r.state == ActState.CLOSED, r.decided_at >= a.matched_at)
    return set(tx.execute(query.where(*where)).scalars())


def _meant(tx: Tx, found: Sequence[Act], parts: dict[str, int], too_much: int) -> tuple[Act, ...]:
    """Which of these acts make up what is open too much? Those of money that went before those of money still here."""
    gone = tuple(act for act in found if payment_state(tx, act.payment_id) in _WENT)
    for some in (gone, found):
        fitting = [
            chosen
            for count in range(1, min(len(some), _AT_ONCE_MAX) + 1)
            for chosen in combinations(some[:_TRIED_MAX], count)
            if sum(parts[act.id] for act in chosen) == too_much
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting and some is gone:
            return ()  # each is held as money that came back, until it is plain which one was taken off
    return gone if len(gone) == 1 else () if gone else tuple(found)


def undo(tx: Tx, act: Act, invoice_id: str) -> None:
    """The ERP took this act's money off the invoice again, and rightly: the cents no longer count as posted.

    With the last of its invoices the act's money is free again, under a new generation: should it come after all, it is
    applied under ids of its own.
    """
    of = t.allocation.c
    where = (of.act_id == act.id, of.invoice_id == invoice_id)
    tx.execute(update(t.allocation).where(*where).values(state="undone"))
    tx.journal("application_undone", invoice=invoice_id, payment=act.payment_id, act=act.id)
    if tx.execute(select(of.act_id).where(of.act_id == act.id, of.state == "posted")).first() is None:
        paid = t.payment.c
        free = {"allocated": paid.allocated - act.intent.payment.cash_applied.minor, "generation": paid.generation + 1}
        tx.execute(update(t.payment).where(paid.id == act.payment_id).values(**free))


def here_again(tx: Tx, payment_id: str) -> None:
    """Money that had come back, and whose applications were undone, is here after all: it is matched anew."""
    of = t.allocation.c
    states = set(tx.execute(select(of.state).where(of.payment_id == payment_id)).scalars())
    if "undone" in states and not states & {"intended", "posted"} and standing(tx, payment_id) == "matched":
        set_standing(tx, payment_id, "waiting")


def payment_state(tx: Tx, payment_id: str) -> str:
    return str(tx.execute(select(t.payment.c.state).where(t.payment.c.id == payment_id)).scalar_one())


def generation(tx: Tx, payment_id: str) -> int:
    return int(tx.execute(select(t.payment.c.generation).where(t.payment.c.id == payment_id)).scalar() or 1)


def next_act_id(tx: Tx, payment_id: str) -> str:
    """The id of this payment's next act: its generation, and a number where that one has an act already."""
    first = f"{payment_id}-{generation(tx, payment_id)}"
    of = t.act.c
    query = select(func.count()).where(of.payment_id == payment_id, or_(of.id == first, of.id.startswith(f"{first}-")))
    before = tx.execute(query).scalar() or 0
    return f"{first}-{before + 1}" if before else first


def standing(tx: Tx, payment_id: str) -> str:
    return str(tx.execute(select(t.payment.c.standing).where(t.payment.c.id == payment_id)).scalar_one())


def suggestion(tx: Tx, payment_id: str) -> dict[str, Money]:
    """What is suggested for this payment now: invoice id -> amount."""
    rows = tx.execute(select(t.suggestion).where(t.suggestion.c.payment_id == payment_id)).mappings()
    return {row["invoice_id"]: Money(row["amount"], row["currency"]) for row in rows}


def erp_ids(tx: Tx) -> set[str]:
    """The ERP's own ids of the payments that we made."""
    return set(tx.execute(select(t.act.c.erp_id).where(t.act.c.erp_id != "")).scalars())


def rests_used_up(tx: Tx) -> dict[str, tuple[str, ...]]:
    """Open exceptions about a rest that stayed unapplied, where the ERP has nothing of it any more -> their invoices.

    An act is confirmed together with its rest as an open credit, so a credit that isn't there was seen used up.
    """
    latest = select(func.max(t.act.c.matched_seq)).group_by(t.act.c.payment_id)
    rests = (
        select(t.exception.c.id)
        .join(t.act, t.act.c.payment_id == t.exception.c.payment_id)
        .where(
            t.exception.c.closed_at.is_(None),
            t.exception.c.kind.in_(("held_invoice", "unapplied_rest")),
            t.act.c.matched_seq.in_(latest),
            t.act.c.state.in_((ActState.CONFIRMED, ActState.CLOSED)),
            t.act.c.erp_id.not_in(select(t.credit.c.id)),
        )
        .order_by(t.exception.c.id)
    )
    found: dict[str, tuple[str, ...]] = {}
    for exception_id in tx.execute(rests).scalars().all():
        linked = select(t.exception_invoice.c.invoice_id).where(t.exception_invoice.c.exception_id == exception_id)
        found[exception_id] = tuple(tx.execute(linked).scalars())
    return found


def is_received(tx: Tx, act: Act) -> bool:
    """Is the act's money still here, as it was when it was matched?"""
    row = tx.execute(select(t.payment).where(t.payment.c.id == act.payment_id)).mappings().one()
    here = row["amount"] - row["refunded"]
    return bool(row["state"] == PaymentState.SUCCEEDED and here >= act.intent.payment.amount.minor)


def put_suggestion(tx: Tx, payment_id: str, applications: Sequence[PaymentApplication]) -> None:
    tx.execute(delete(t.suggestion).where(t.suggestion.c.payment_id == payment_id))
    for application in applications:
        tx.execute(
            insert(t.suggestion).values(
                payment_id=payment_id,
                invoice_id=application.invoice_id,
                amount=application.amount.minor,
                currency=application.amount.currency,
            )
        )


def set_standing(tx: Tx, payment_id: str, standing: str) -> None:
    """Where the payment stands now. What was found for it before goes; whoever found something says it anew."""
    tx.execute(update(t.payment).where(t.payment.c.id == payment_id).values(standing=standing))
    tx.execute(delete(t.proposal).where(t.proposal.c.payment_id == payment_id))
    if standing != "suggested":
        tx.execute(delete(t.suggestion).where(t.suggestion.c.payment_id == payment_id))


def adopt(tx: Tx, payment_id: str, erp_id: str) -> None:
    """The ERP has this money already, posted by somebody else."""
    set_standing(tx, payment_id, "adopted")
    tx.execute(update(t.payment).where(t.payment.c.id == payment_id).values(erp_id=erp_id))


def touch(tx: Tx, invoice_ids: Sequence[str]) -> None:
    """Something about these invoices changed: decide them again today."""
    if invoice_ids:
        tx.execute(
            update(t.invoice)
            .where(t.invoice.c.id.in_(list(invoice_ids)))
            .values(next_on=AT_ONCE, version=t.invoice.c.version + 1, restate=True)
        )


def applied_invoices(tx: Tx, payment_id: str) -> tuple[str, ...]:
    """Invoices that this payment pays, posted or about to be."""
    return tuple(
        tx.execute(
            select(t.allocation.c.invoice_id)
            .where(t.allocation.c.payment_id == payment_id, t.allocation.c.state.in_(("intended", "posted")))
            .order_by(t.allocation.c.invoice_id)
        ).scalars()
    )
