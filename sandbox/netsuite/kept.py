"""What a connector keeps in the account beside the books, in words of no ERP in particular.

A story asks for the cancellation, receipt, AR status or exception of an invoice, wherever an ERP keeps such a thing.
"""

from __future__ import annotations

from typing import Any

from sandbox.netsuite.books import Books

# Of each kind its table, and word -> field.
_KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "cancellation": (
        "customrecord_arc_cancellation",
        {
            "act": "custrecord_arc_can_act",
            "invoice": "custrecord_arc_can_invoice",
            "steps": "custrecord_arc_can_steps",
            "reason": "custrecord_arc_can_reason",
            "cancelled_at": "custrecord_arc_can_at",
            "state": "custrecord_arc_can_state",
        },
    ),
    "receipt": (
        "customrecord_arc_receipt",
        {
            "act": "custrecord_arc_rec_act",
            "payment": "custrecord_arc_rec_payment",
            "text": "custrecord_arc_rec_text",
            "state": "custrecord_arc_rec_state",
        },
    ),
    "status": (
        "customrecord_arc_status",
        {
            "invoice": "custrecord_arc_st_invoice",
            "state": "custrecord_arc_st_state",
            "reason": "custrecord_arc_st_reason",
            "next_step": "custrecord_arc_st_step",
            "next_on": "custrecord_arc_st_next_on",
            "owner": "custrecord_arc_st_owner",
            "segment": "custrecord_arc_st_segment",
            "card": "custrecord_arc_st_card",
        },
    ),
    "exception": (
        "customrecord_arc_exception",
        {
            "kind": "custrecord_arc_exc_kind",
            "reason": "custrecord_arc_exc_reason",
            "amount": "custrecord_arc_exc_amount",
            "owner": "custrecord_arc_exc_owner",
            "opened_on": "custrecord_arc_exc_opened",
            "closed_on": "custrecord_arc_exc_closed",
            "payment": "custrecord_arc_exc_payment",
            "invoice": "custrecord_arc_exc_invoice",
            "deadline": "custrecord_arc_exc_deadline",
            "outcome": "custrecord_arc_exc_outcome",
        },
    ),
    "proof": (
        "customrecord_arc_proof",
        {
            "day": "custrecord_arc_prf_day",
            "outcome": "custrecord_arc_prf_outcome",
            "drifts": "custrecord_arc_prf_drifts",
            "unfinished": "custrecord_arc_prf_unfinished",
            "text": "custrecord_arc_prf_text",
            "made_at": "custrecord_arc_prf_made_at",
        },
    ),
    "installation": (
        "customrecord_arc_installation",
        {
            "id": "custrecord_arc_in_id",
            "epoch": "custrecord_arc_in_epoch",
            "seen_at": "custrecord_arc_in_seen_at",
        },
    ),
}


def kept(books: Books, kind: str) -> list[dict[str, Any]]:
    """The records of one kind, oldest first; a field that is empty is ''. Call it with the books' lock held."""
    if kind not in _KINDS:
        raise LookupError(f"no {kind!r} is kept in the ERP; known: {', '.join(_KINDS)}")
    table, words = _KINDS[kind]
    rows = books.rows(f'SELECT * FROM "{table}" ORDER BY id')
    return [
        {"external_id": str(row["externalid"] or "")}
        | {word: "" if row[field] is None else str(row[field]) for word, field in words.items()}
        for row in rows
    ]
