"""Step 2's first question: which segment is each open invoice in (M23-M29)?

Decided when an invoice's or its customer's facts change; once a day and under another policy for all of them, since
what a customer paid late moves with the days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from connector import profiles
from connector.decisions.segments import Chooser, SegmentVerdict
from connector.faults import Apart
from connector.parts import Parts
from connector.policy import Policy
from connector.receivables import Profile
from connector.store import Tx, book, verdicts
from connector.store.verdicts import Verdict

# Invoices decided in one commit.
AT_ONCE_MAX = 1000
_UNDER = "segments_under"


def sort_all(parts: Parts, today: date) -> None:
    """Every open invoice, on a new day or under another policy; else what fell over, since `sort` sees what changes."""
    apart = Apart("choose segments")
    with parts.store.tx() as tx:
        ids = apart.left_over(tx)
        if not is_sorted(tx, parts.policy, today):
            ids = sorted(book.open_ids(tx))
            if not tx.get(_UNDER).endswith(f" {parts.policy.version}"):
                book.look_again(tx)  # its steps may be other ones too
        elif not ids:
            return

    def look(tx: Tx, some: Sequence[str]) -> None:
        rows = book.invoices_by_id(tx, some)
        found = _decide(tx, parts, list(rows.values()), today)
        # Moved where it is planned anew, which must still see where it came from (RULES 4.5).
        book.look_again(tx, [id for id, segment in found.items() if segment != rows[id]["segment"]])

    apart.in_groups(parts, ids, AT_ONCE_MAX, look)
    apart.show(parts)
    with parts.store.tx() as tx:
        tx.set(_UNDER, f"{today} {parts.policy.version}")


def is_sorted(tx: Tx, policy: Policy, today: date) -> bool:
    """Are the stored segments those of this day under this policy?"""
    return tx.get(_UNDER) == f"{today} {policy.version}"


def sort(tx: Tx, parts: Parts, rows: Sequence[Any], today: date) -> dict[str, str]:
    """The segments of these invoices, stored where they are new; returns all of them by invoice id."""
    found = _decide(tx, parts, rows, today)
    book.set_segments(tx, {row["id"]: found[row["id"]] for row in rows if found[row["id"]] != row["segment"]})
    return found


def _decide(tx: Tx, parts: Parts, rows: Sequence[Any], today: date) -> dict[str, str]:
    if not parts.policy.segments:
        return {row["id"]: "" for row in rows}
    known = profiles.profiles(tx, today, {row["family"] for row in rows})
    choosers: dict[str, Chooser] = {}
    found, told = {}, []
    for row in rows:
        chooser = choosers.get(row["family"])
        if chooser is None:
            chooser = Chooser(known.get(row["family"], Profile()), parts.policy, today)
            choosers[row["family"]] = chooser
        verdict = chooser.decide(book.invoice_of(row))
        found[row["id"]] = verdict.segment
        told.append(_verdict(row["id"], verdict, parts.policy.version))
    verdicts.put_verdicts(tx, told)
    return found


def _verdict(invoice_id: str, verdict: SegmentVerdict, version: str) -> Verdict:
    return Verdict(f"invoice:{invoice_id}", "segment", verdict.segment, verdict.reason, {}, version)
