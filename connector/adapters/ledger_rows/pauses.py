"""Why people keep an invoice back: their fields on the ERP's invoice -> `Pause` (RULES 5.3, 5.4, 5.6).

The texts are free, their forms are not: a word, a day or an amount that is not understood is Unreadable by its field,
so that nobody is reminded on a guess. A hold counts by its tick, a promise by its day, a plan by its text, a
conversation by its last day; what stands beside one that doesn't count is left unread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connector.adapters.ledger_rows.cells import Row, Unreadable, day_of, maybe_day, money_of, words_of
from connector.money import Money
from connector.receivables import Instalment, InvoiceLine, Pause, PauseKind

# The words of a hold's kind. Empty or `other`: a person's own reason.
_HOLDS = {
    "": PauseKind.HOLD,
    "hold": PauseKind.HOLD,
    "other": PauseKind.HOLD,
    "usage": PauseKind.USAGE,
    "credit_memo": PauseKind.CREDIT_MEMO,
    "format_change": PauseKind.FORMAT_CHANGE,
}
# The words of a dispute that is over.
_OUTCOMES = ("rejected", "accepted", "written_off")
_INSTALMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\s+([0-9.]+)(?:\s+([A-Za-z]{3}))?")


def pauses(row: Row, lines: Sequence[InvoiceLine], total: Money, erp: str) -> tuple[Pause, ...]:
    """What people entered on one invoice of this total, in a fixed order; Unreadable where they can't be understood."""
    found = (_dispute(row, lines), _hold(row), _promise(row, total), _plan(row, total), _conversation(row, erp))
    return tuple(pause for pause in found if pause is not None)


def outcome_of(row: Row) -> str:
    """How the dispute about a line ended; '' while the line is marked as disputed, or nobody says."""
    if row.get("dispute") == "T":
        return ""
    said = _word(row.get("dispute_outcome", ""))
    if said and said not in _OUTCOMES:
        raise Unreadable("dispute_outcome", f"{said!r} is none of {', '.join(_OUTCOMES)}")
    return said


def _dispute(row: Row, lines: Sequence[InvoiceLine]) -> Pause | None:
    """Owner and deadline of a dispute, where the invoice gives them; that there is one, its lines say."""
    disputed = [line for line in lines if line.disputed]
    owner, until = words_of(row, "dispute_owner"), maybe_day(row, "dispute_until")
    if not disputed or not (owner or until):
        return None
    reasons = dict.fromkeys(line.dispute_reason for line in disputed if line.dispute_reason)
    days = [line.disputed_on for line in disputed if line.disputed_on]
    return Pause(PauseKind.DISPUTE, "; ".join(reasons) or "disputed", owner, min(days, default=None), until)


def _hold(row: Row) -> Pause | None:
    if row.get("hold") != "T":
        return None
    said = _word(row.get("hold_kind", ""))
    if said not in _HOLDS:
        raise Unreadable("hold_kind", f"{said!r} is none of {', '.join(filter(None, _HOLDS))}")
    kind, since, until = _HOLDS[said], maybe_day(row, "hold_since"), maybe_day(row, "hold_until")
    if since and until and until < since:
        raise Unreadable("hold_until", f"{until} is before the hold's own first day {since}")
    reason = words_of(row, "hold_reason") or kind.value.replace("_", " ")
    return Pause(kind, reason, words_of(row, "hold_owner"), since, until)


def _promise(row: Row, total: Money) -> Pause | None:
    """Whoever wrote a promise down is its owner: they are told if it is broken."""
    until = maybe_day(row, "promise_on")
    if until is None:
        if row.get("promise_amount"):
            raise Unreadable("promise_on", "is missing, though an amount was promised")
        return None
    amount = money_of(row, "promise_amount", total.currency) if row.get("promise_amount") else None
    if amount is not None:
        _check_part(amount, total, "promise_amount")
    by, recorded_by = words_of(row, "promise_by"), words_of(row, "promise_recorded_by")
    reason = f"promised by {by}" if by else "promised"
    return Pause(PauseKind.PROMISE, reason, owner=recorded_by, until=until, amount=amount)


def _plan(row: Row, total: Money) -> Pause | None:
    parts = instalments(row.get("plan", ""), total)
    if not parts:
        return None
    approved_by = words_of(row, "plan_approved_by")
    reason = f"payment plan of {len(parts)} instalment{'s' if len(parts) > 1 else ''}"
    return Pause(PauseKind.PLAN, reason, until=parts[-1].due_on, instalments=parts, approved_by=approved_by)


def instalments(text: str, total: Money) -> tuple[Instalment, ...]:
    """'2026-12-01 5000.00; 2027-01-01 5000.00', with or without currency; days rise, no more than the total."""
    found: list[Instalment] = []
    for part in filter(None, (part.strip() for part in re.split(r"[;\r\n]", text))):
        read = _INSTALMENT.fullmatch(part)
        if read is None:
            raise Unreadable("plan", f"{part[:60]!r} is no day with an amount, such as 2026-12-01 5000.00")
        if read[3] and read[3].upper() != total.currency:
            raise Unreadable("plan", f"{part!r} is not in the invoice's currency {total.currency}")
        amount = money_of({"plan": read[2]}, "plan", total.currency)
        one = Instalment(day_of({"plan": read[1]}, "plan", "plan"), amount)
        _check_part(one.amount, total, "plan")
        if found and one.due_on <= found[-1].due_on:
            raise Unreadable("plan", f"{one.due_on} is not after {found[-1].due_on}")
        found.append(one)
    whole = Money.total((one.amount for one in found), total.currency)
    if whole > total:
        raise Unreadable("plan", f"its instalments are {whole}, more than the invoice's {total}")
    return tuple(found)


def _conversation(row: Row, erp: str) -> Pause | None:
    until = maybe_day(row, "conversation_until")
    return Pause(PauseKind.CONVERSATION, f"entered in {erp}", until=until) if until else None


def _check_part(amount: Money, total: Money, field: str) -> None:
    if amount <= Money.zero(total.currency):
        raise Unreadable(field, f"{amount} is not above zero")
    if amount > total:
        raise Unreadable(field, f"{amount} is more than the invoice's {total}")


def _word(text: str) -> str:
    """'Credit memo', 'credit-memo' and 'CREDIT_MEMO' are one word."""
    return "_".join(re.split(r"[\s_-]+", text.strip().lower()))
