"""What waits for approval, as draft payments in the ERP, where it has such and finance wants them.

A draft posts nothing. Approved in our queue it gives way to the payment in the same act; posted in the ERP by a person
it is a payment of theirs, which is adopted like any; whatever else becomes of the suggestion, the draft is taken back.
"""

from __future__ import annotations

from datetime import date, datetime

from connector import cash
from connector.decisions.posting import PostingError, PostingHold
from connector.parts import Parts
from connector.policy import Switch
from connector.ports import Answer, Outcome, on_its_way_until
from connector.receivables import Match, PaymentToPost
from connector.store import Tx, approving, book, parse_instant, relations
from connector.store.approving import Queued
from connector.store.book import to_json
from connector.store.closing import digest

_KIND = "draft"
# The mark of a draft whose write was begun, and when: it may stand, whatever became of the answer.
_BEGUN = "begun "


def show_drafts(parts: Parts, today: date) -> None:
    """Bring the ERP's drafts up to what is suggested now; of an unknown answer the next pass tells.

    Once they are switched off, those that are there are taken back.
    """
    with parts.store.read() as tx:
        if parts.flags_forbidden(tx):
            return
        suggested = _suggested(tx, parts, today) if parts.erp.takes_drafts else []
        wanted = {one.external_id: one for one in suggested}
        shown = relations.shown_open(tx, _KIND)
        known = relations.exceptions_known(tx, [*shown, *(_name(external_id) for external_id in wanted)])
    gone = [id for id in (name.partition(":")[2] for name in shown) if id not in wanted]
    new = [one for id, one in wanted.items() if known.get(_name(id)) != digest(to_json(one))]
    if not gone and not new:
        return
    parts.verify_installation()
    with parts.store.tx() as tx:
        for one in new:
            relations.put_exception_written(tx, _name(one.external_id), f"{_BEGUN}{tx.at_text}")
    taken_back = parts.erp.delete_drafts(gone) if gone else ()
    answers = parts.erp.write_drafts(new) if new else ()
    with parts.store.tx() as tx:
        for answer in taken_back:
            if _is_gone(answer, known[_name(answer.external_id)], parts, tx.at):
                relations.put_exception_written(tx, _name(answer.external_id), relations.SHOWN_CLOSED)
        for answer in answers:
            # A refused one waits for the suggestion's next change: it stands in the queue as well.
            if answer.outcome is not Outcome.UNKNOWN:
                mark = digest(to_json(wanted[answer.external_id]))
                relations.put_exception_written(tx, _name(answer.external_id), mark)
                tx.journal("draft_shown", draft=answer.external_id, outcome=answer.outcome, why=answer.message)


def _is_gone(answer: Answer, mark: str, parts: Parts, now: datetime) -> bool:
    """Does this draft not stand, and never will? The next pass asks again for one that was refused to be taken back,
    and for one that isn't there but whose writing had no answer."""
    if answer.outcome is Outcome.EXISTS and mark.startswith(_BEGUN):
        return on_its_way_until(parse_instant(mark.removeprefix(_BEGUN)), parts.erp, now) is None
    return answer.outcome in (Outcome.CREATED, Outcome.EXISTS)


def _suggested(tx: Tx, parts: Parts, today: date) -> list[PaymentToPost]:
    found = []
    for one in approving.queued(tx):
        if isinstance(one.proposal, Match) and not one.payment.erp_id and parts.policy.posts(one.left.currency):
            payment = _payment(tx, parts, one, one.proposal, today)
            if payment:
                found.append(payment)
    return found


def _payment(tx: Tx, parts: Parts, one: Queued, match: Match, today: date) -> PaymentToPost | None:
    """The payment as approving it would post it; None where it can't be, and in shadow, where nothing is shown."""
    rows = book.invoices_by_id(tx, sorted(match.invoice_ids))
    if any(parts.policy.of(row["segment"]).post is Switch.SHADOW for row in rows.values()):
        return None
    paid = [book.invoice_of(row) for row in rows.values()]
    try:
        intent = cash.intent_of(tx, parts, one.payment, match, paid, {}, today, "", {})
    except PostingError:
        return None
    return None if isinstance(intent, PostingHold) else intent.payment


def _name(external_id: str) -> str:
    return f"{_KIND}:{external_id}"
