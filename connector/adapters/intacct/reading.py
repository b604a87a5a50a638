"""Intacct's invoices and their lines -> our values. What is not understood is parked with the name of its field.

The balance is what is due less what drafts have selected: somebody may be paying that already. An invoice that a draft
selected as a whole stays open with nothing to ask for, since the draft may as well be deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from connector.adapters.intacct import names
from connector.adapters.intacct.lines import LineNow
from connector.adapters.intacct.rows import (
    Standing,
    amount_of,
    currency_of,
    day_of,
    entity_of,
    is_ticked,
    maybe_day,
    own,
    standing_of,
)
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.ledger_rows import pauses
from connector.adapters.ledger_rows.cells import SOURCE, Row, Unreadable, money_of, text_of
from connector.adapters.ledger_rows.lines import line_of, shares
from connector.money import Money
from connector.receivables import (
    CustomerTotal,
    EarlyDiscount,
    InvoiceLine,
    InvoiceStatus,
    OpenInvoice,
    Parked,
    Pause,
    PauseKind,
)


@dataclass(frozen=True, slots=True)
class Term:
    """What a payment term lets a customer keep back: an amount, or a percentage of the invoice or of its lines."""

    amount: str
    is_percent: bool
    of_lines: bool


NO_TERM = Term("", is_percent=False, of_lines=False)


def term(row: Row) -> Term:
    """ARTERM; names and values of the discount as in its recorded definition and in the reference of create_arterm."""
    return Term(
        amount=row.get("DISCAMOUNT", ""),
        is_percent=row.get("DISCPERCAMN", "").strip() == "%",
        of_lines=row.get("DISCCALCON", "").strip().lower().startswith("line items"),
    )


def id_of(row: Row, mapping: IntacctMapping) -> str:
    """Our id of an invoice; Unreadable where it has no number or customer, or an entity that isn't ours."""
    number, customer = text_of(row, mapping.facts.invoice_number_field), text_of(row, "CUSTOMERID")
    return names.invoice_id(number, customer, entity_of(row, mapping))


def invoice(
    row: Row, lines: Sequence[Row], mapping: IntacctMapping, terms: Mapping[str, Term]
) -> OpenInvoice | Parked | None:
    """One invoice in whatever status, or why it can't be taken over. None: it isn't posted, or only undoes another."""
    try:
        standing = standing_of(row)
        if standing in (Standing.DRAFT, Standing.REVERSAL):
            return None
        return _invoice(row, lines, mapping, terms, is_void=standing is Standing.REVERSED)
    except Unreadable as error:
        return parked(row, mapping, error)


def parked(row: Row, mapping: IntacctMapping, error: Unreadable) -> Parked:
    """Under the invoice's own id where it has one."""
    try:
        record = id_of(row, mapping)
    except Unreadable:
        record = f"ARINVOICE {row.get('RECORDNO', '?')}"
    return Parked(SOURCE, record, error.field, error.reason, row.get("CUSTOMERID", ""))


def balance_of(row: Row, currency: str, mapping: IntacctMapping) -> Money:
    """What is due less what drafts have selected."""
    due = money_of(row, "TRX_TOTALDUE", currency)
    if not mapping.facts.total_due_counts_selected:
        return due
    return due - amount_of(row, "TRX_TOTALSELECTED", currency)


def is_owing(row: Row) -> bool:
    """Is something of it due, or selected by a draft? Amounts that are no amounts owe, so that they are parked."""
    return any(is_some(row, name) for name in ("TRX_TOTALDUE", "TRX_TOTALSELECTED"))


def is_some(row: Row, name: str) -> bool:
    """Is this amount anything but nothing?"""
    try:
        return bool(Decimal(row.get(name) or "0"))
    except InvalidOperation:
        return True


def without_selected(row: Row, own: Money | None, mapping: IntacctMapping) -> Row:
    """The invoice as if our own drafts, which selected so much of it, were not there."""
    if own is None:
        return row
    if mapping.facts.total_due_counts_selected:
        return less_selected(row, own)
    due = money_of(row, "TRX_TOTALDUE", own.currency) + own
    return {**less_selected(row, own), "TRX_TOTALDUE": due.plain()}


def less_selected(row: Row, own: Money) -> Row:
    selected = amount_of(row, "TRX_TOTALSELECTED", own.currency) - own
    return {**row, "TRX_TOTALSELECTED": max(selected, Money.zero(own.currency)).plain()}


def _invoice(
    row: Row, lines: Sequence[Row], mapping: IntacctMapping, terms: Mapping[str, Term], *, is_void: bool
) -> OpenInvoice:
    currency = currency_of(row)
    amount = money_of(row, "TRX_TOTALENTERED", currency)
    balance = Money.zero(currency) if is_void else balance_of(row, currency, mapping)
    issued_on, due_on = day_of(row, "WHENCREATED"), day_of(row, "WHENDUE")
    if due_on < issued_on:
        raise Unreadable("WHENDUE", f"{due_on} is before the invoice's own day {issued_on}")
    if not is_void:
        _check_amounts(amount, balance)
    is_over = is_void or not is_owing(row)
    if not is_over:
        _check_lines(lines, amount)
    billed = invoice_lines(lines, amount, mapping)
    entered = own(row, mapping.columns("invoice"))
    pauses_entered = _entered(entered, billed, amount, is_over=is_over)
    pause_field = mapping.native_dunning.pause_field
    return OpenInvoice(
        id=id_of(row, mapping),
        number=text_of(row, mapping.facts.invoice_number_field),
        customer_id=text_of(row, "CUSTOMERID"),
        amount=amount,
        balance=balance,
        issued_on=issued_on,
        due_on=due_on,
        status=InvoiceStatus.VOIDED if is_void else InvoiceStatus.PAID if is_over else InvoiceStatus.OPEN,
        terms=row.get("TERMNAME", ""),
        po_number=row.get("DOCNUMBER", ""),
        subsidiary=entity_of(row, mapping),
        hold_reason=next((pause.reason for pause in pauses_entered if pause.kind is PauseKind.HOLD), ""),
        lines=billed,
        pay_url=entered.get("pay_url", "").strip(),
        delivered_on=maybe_day(entered, "delivered_on"),
        is_native_dunning_paused=is_ticked(row, pause_field) if pause_field else None,
        discount=_early_discount(row, lines, amount, terms),
        pauses=pauses_entered,
        touched_on=maybe_day(entered, "touched_on"),
    )


def _check_amounts(amount: Money, balance: Money) -> None:
    zero = Money.zero(amount.currency)
    if amount <= zero:
        raise Unreadable("TRX_TOTALENTERED", f"{amount} is not above zero")
    if balance < zero:
        raise Unreadable("TRX_TOTALDUE", f"{balance} is below zero once what drafts selected is taken off")
    if balance > amount:
        raise Unreadable("TRX_TOTALDUE", f"{balance} is more than the invoice's {amount}")


def _check_lines(lines: Sequence[Row], amount: Money) -> None:
    """An invoice and its lines are two queries. Where they don't agree nobody knows what of it is disputed."""
    billed = Money.total((_line_amount(line, amount.currency) for line in lines), amount.currency)
    if billed != amount:
        raise Unreadable("ARINVOICEITEM", f"its lines come to {billed}, and the invoice to {amount}")


def is_torn(row: Row, lines: Sequence[Row]) -> bool:
    """Don't the lines make up the invoice, as after an edit between the two queries? What can't be read isn't torn."""
    if not is_owing(row):
        return False
    try:
        _check_lines(lines, money_of(row, "TRX_TOTALENTERED", currency_of(row)))
    except Unreadable as error:
        return error.field == "ARINVOICEITEM"
    return False


def _entered(row: Row, lines: Sequence[InvoiceLine], amount: Money, *, is_over: bool) -> tuple[Pause, ...]:
    """What people entered to keep an invoice back; on one that is settled or void nothing is parked for it any more."""
    try:
        return pauses.pauses(row, lines, amount, "Sage Intacct")
    except Unreadable:
        if is_over:
            return ()
        raise


def _early_discount(row: Row, lines: Sequence[Row], total: Money, terms: Mapping[str, Term]) -> EarlyDiscount | None:
    """What the invoice's term lets the customer keep back up to the day that the invoice names for it."""
    offered, until = terms.get(row.get("TERMNAME", "")), maybe_day(row, "WHENDISCOUNT")
    if offered is None or not offered.amount or until is None:
        return None
    if offered.is_percent:
        base = total
        if offered.of_lines:
            own_lines = (line for line in lines if not _is_tax(line))
            base = Money.total((_line_amount(line, total.currency) for line in own_lines), total.currency)
        said = _percent(base, offered.amount)
    else:
        said = money_of({"DISCAMOUNT": offered.amount}, "DISCAMOUNT", total.currency)
    if said < Money.zero(total.currency):
        raise Unreadable("DISCAMOUNT", f"{said} is below zero")
    if said >= total:
        raise Unreadable("DISCAMOUNT", f"{said} is no less than the invoice's {total}")
    return EarlyDiscount(said, until) if said else None


def _percent(base: Money, percent: str) -> Money:
    try:
        minor = (base.minor * Decimal(percent) / 100).quantize(Decimal(1), ROUND_HALF_UP)
    except InvalidOperation:
        raise Unreadable("DISCAMOUNT", f"{percent!r} is no decimal amount") from None
    return Money(int(minor), base.currency)


# ---- lines ----


def invoice_lines(rows: Sequence[Row], total: Money, mapping: IntacctMapping) -> tuple[InvoiceLine, ...]:
    """The lines that bill something, each with its own tax and its share of the rest, so that they sum to the total.

    Tax rows hang below their line (PARENTENTRY); subtotals of an order (discount, freight) stand by themselves and are
    shared by amount. A disputed line takes its part of both with it (RULES 1.5).
    """
    currency, columns = total.currency, mapping.columns("line")
    with_tax: dict[str, Money] = {}
    for row in rows:
        key = row.get("PARENTENTRY") or row.get("RECORDNO", "")
        with_tax[key] = with_tax.get(key, Money.zero(currency)) + _line_amount(row, currency)
    found: dict[str, tuple[Row, Money]] = {}
    for row in rows:
        amount = with_tax[row.get("RECORDNO", "")] if not row.get("PARENTENTRY") else Money.zero(currency)
        if _is_tax(row) or amount <= Money.zero(currency):
            continue
        line_id = text_of(row, "LINE_NO")
        if line_id in found:
            raise Unreadable("LINE_NO", f"{line_id} is there twice")
        entered = {"id": line_id, "memo": row.get("ENTRYDESCRIPTION", ""), **own(row, columns)}
        found[line_id] = entered, amount
    divided = shares(total.minor, [amount.minor for _, amount in found.values()])
    return tuple(
        line_of(entered, Money(share, currency)) for (entered, _), share in zip(found.values(), divided, strict=True)
    )


def line_now(row: Row, currency: str, mapping: IntacctMapping) -> LineNow:
    """One row of an invoice with what it has due. No field says that: it is what was billed less what was settled."""
    due = _line_amount(row, currency)
    for taken in ("TRX_TOTALPAID", "TRX_DISCOUNTAPPLIED", "TRX_TOTALSELECTED"):
        due = due - amount_of(row, taken, currency)
    return LineNow(
        line_id=row.get("LINE_NO", ""),
        entry_key=text_of(row, "RECORDNO"),
        due=due,
        disputed=is_ticked(row, mapping.fields.line_dispute),
        parent_key=row.get("PARENTENTRY", ""),
    )


def _line_amount(row: Row, currency: str) -> Money:
    return money_of(row, "TRX_AMOUNT", currency, where=f"line {row.get('LINE_NO', '?')} ")


def _is_tax(row: Row) -> bool:
    """Tax, and the subtotals of an order, are no lines that somebody ordered."""
    return bool(row.get("PARENTENTRY") or row.get("SUBTOTAL", "").strip().lower() not in ("", "false"))


# ---- sums ----


def totals(rows: Iterable[Row], mapping: IntacctMapping) -> tuple[CustomerTotal, ...]:
    """Count and sum of what each customer owes by currency. What can't be read is left out: its invoices are parked."""
    found: dict[tuple[str, str], CustomerTotal] = {}
    for row in rows:
        try:
            one = _total(row, mapping)
        except ValueError:
            continue
        if one is not None:
            key = one.customer_id, one.currency
            before = found.get(key)
            if before is not None:
                one = CustomerTotal(*key, before.count + one.count, before.open_amount + one.open_amount)
            found[key] = one
    return tuple(found[key] for key in sorted(found))


def _total(row: Row, mapping: IntacctMapping) -> CustomerTotal | None:
    """The invoices of one customer, currency and state."""
    if standing_of(row) is not Standing.IN_FORCE:
        return None
    currency = currency_of(row)
    sums = {name: row.get(f"SUM.{name}", row.get(name, "")) for name in ("TRX_TOTALDUE", "TRX_TOTALSELECTED")}
    count = int(text_of(row, "COUNT.RECORDNO"))
    return CustomerTotal(text_of(row, "CUSTOMERID"), currency, count, balance_of(sums, currency, mapping))
