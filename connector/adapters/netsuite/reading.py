"""NetSuite's rows -> our values. What is not understood is parked with the name of its field; nothing is derived.

What people enter is read in ledger_rows: to keep an invoice back in pauses.py, of lines in lines.py, of customers in
customers.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from connector.adapters.ledger_rows import pauses
from connector.adapters.ledger_rows.cells import (
    SOURCE,
    Currencies,
    Row,
    Unreadable,
    currency_of,
    day_of,
    instant,
    maybe_day,
    money_of,
    text_of,
    unsigned,
)
from connector.adapters.ledger_rows.lines import line_of, shares
from connector.money import Money
from connector.ports import PaymentSeen
from connector.receivables import (
    CreditKind,
    CreditMemo,
    CustomerTotal,
    EarlyDiscount,
    InvoiceLine,
    InvoiceStatus,
    OpenInvoice,
    Parked,
    Pause,
    PauseKind,
)


def invoice(row: Row, lines: Sequence[Row], currencies: Currencies) -> OpenInvoice | Parked:
    """One invoice in whatever status, or why it can't be taken over. Lines have positive amounts here."""
    try:
        return _invoice(row, lines, currencies)
    except Unreadable as error:
        return _parked(row, error)


def _invoice(row: Row, lines: Sequence[Row], currencies: Currencies) -> OpenInvoice:
    currency = currency_of(row, currencies)
    is_void = row.get("voided") == "T"
    amount = money_of(row, "foreigntotal", currency)
    # A voided invoice may show no amounts; one that is paid in full ('B') may show no balance.
    settled = is_void or row.get("status") == "B"
    balance = money_of(row, "foreignamountunpaid", currency, missing="0" if settled else "")
    issued_on, due_on = day_of(row, "trandate", "issued_on"), day_of(row, "duedate", "due_on")
    if due_on < issued_on:
        raise Unreadable("duedate", f"{due_on} is before the invoice's own day {issued_on}")
    if not is_void:
        _check_amounts(amount, balance)
    billed = invoice_lines(lines, amount)
    entered = _entered(row, billed, amount, is_over=is_void or not balance)
    return OpenInvoice(
        id=text_of(row, "id"),
        number=text_of(row, "tranid"),
        customer_id=text_of(row, "entity"),
        amount=amount,
        balance=Money.zero(currency) if is_void else balance,
        issued_on=issued_on,
        due_on=due_on,
        status=InvoiceStatus.VOIDED if is_void else InvoiceStatus.OPEN if balance else InvoiceStatus.PAID,
        terms=row.get("terms", ""),
        po_number=row.get("otherrefnum", ""),
        subsidiary=row.get("subsidiary", ""),
        hold_reason=next((pause.reason for pause in entered if pause.kind is PauseKind.HOLD), ""),
        lines=billed,
        pay_url=row.get("pay_url", "").strip(),
        ar_account=row.get("ar_account", ""),
        delivered_on=maybe_day(row, "delivered_on"),
        is_native_dunning_paused=row["dunning_paused"] == "T" if "dunning_paused" in row else None,
        discount=_early_discount(row, amount),
        pauses=entered,
        touched_on=maybe_day(row, "touched_on"),
    )


def _entered(row: Row, lines: Sequence[InvoiceLine], amount: Money, *, is_over: bool) -> tuple[Pause, ...]:
    """What people entered to keep an invoice back; on one that is settled or void nothing is parked for it any more."""
    try:
        return pauses.pauses(row, lines, amount, "NetSuite")
    except Unreadable:
        if is_over:
            return ()
        raise


def _early_discount(row: Row, total: Money) -> EarlyDiscount | None:
    """What the terms let the customer keep back; an amount without a day, or a day without an amount, is no offer."""
    if not row.get("discount_amount") or not row.get("discount_until"):
        return None
    amount = money_of(row, "discount_amount", total.currency)
    if amount < Money.zero(total.currency):
        raise Unreadable("discount_amount", f"{amount} is below zero")
    if amount >= total > Money.zero(total.currency):
        raise Unreadable("discount_amount", f"{amount} is no less than the invoice's {total}")
    return EarlyDiscount(amount, day_of(row, "discount_until", "discount_until")) if amount else None


def _check_amounts(amount: Money, balance: Money) -> None:
    zero = Money.zero(amount.currency)
    if amount <= zero:
        raise Unreadable("foreigntotal", f"{amount} is not above zero")
    if balance < zero:
        raise Unreadable("foreignamountunpaid", f"{balance} is below zero")
    if balance > amount:
        raise Unreadable("foreignamountunpaid", f"{balance} is more than the invoice's {amount}")


def invoice_lines(rows: Sequence[Row], total: Money) -> tuple[InvoiceLine, ...]:
    """The lines that bill something, each with its share of tax, discount and freight, so that they sum to the total.

    NetSuite gives tax and header discount as lines of their own; a disputed line takes its share with it (RULES 1.5).
    Shares are by amount, to the minor unit, and exact where an invoice has neither.
    """
    billed: list[tuple[Row, Money]] = []
    for row in rows:
        amount = money_of(row, "foreignamount", total.currency, where=f"line {row.get('id', '?')} ")
        if row.get("taxline") != "T" and amount > Money.zero(total.currency):
            billed.append((row, amount))
    divided = shares(total.minor, [amount.minor for _, amount in billed])
    return tuple(line_of(row, Money(share, total.currency)) for (row, _), share in zip(billed, divided, strict=True))


_CREDIT_KINDS = {"CustCred": CreditKind.CREDIT_MEMO, "CustDep": CreditKind.CUSTOMER_DEPOSIT}


def credit(row: Row, currencies: Currencies) -> CreditMemo | Parked:
    """One credit memo, customer payment or deposit with what it has left, and all that it can be recognised by."""
    try:
        currency = currency_of(row, currencies)
        left = money_of(row, "foreignpaymentamountunused", currency, missing="0")
        if left < Money.zero(currency):
            raise Unreadable("foreignpaymentamountunused", f"{left} is below zero")
        return CreditMemo(
            id=text_of(row, "id"),
            number=row.get("tranid", ""),
            customer_id=text_of(row, "entity"),
            open_amount=Money.zero(currency) if row.get("voided") == "T" else left,
            kind=_CREDIT_KINDS.get(row.get("type", ""), CreditKind.UNAPPLIED_PAYMENT),
            external_id=row.get("externalid", ""),
            memo=row.get("memo", ""),
            received_on=day_of(row, "trandate", "received_on"),
            created_from=row.get("created_from", ""),
            subsidiary=row.get("subsidiary", ""),
            ar_account=row.get("ar_account", ""),
            reference=row.get("otherrefnum", ""),
        )
    except Unreadable as error:
        return _parked(row, error)


def total(row: Row, currencies: Currencies) -> CustomerTotal | None:
    """One customer's open sum; None where the currency is not one we can read (its invoices are parked)."""
    try:
        currency = currency_of(row, currencies)
        open_amount = money_of(row, "unpaid", currency)
        return CustomerTotal(text_of(row, "entity"), currency, int(text_of(row, "invoices")), open_amount)
    except ValueError:
        return None


def payment(
    row: Row, applied: Iterable[Row], currencies: Currencies, zone: ZoneInfo, used: Iterable[Row] = ()
) -> PaymentSeen:
    """One customer payment with its applications and the credits used with it; Unreadable when a field is not what it
    must be. SuiteQL shows of an application the payment's own money only, and neither discount nor credits.

    Which sign SuiteQL gives a payment's total and its links is in no help page, and a payment below zero does not
    exist: signs are dropped.
    """
    currency = currency_of(row, currencies)
    lines = list(applied)
    discounted = [line for line in lines if line.get("discount")]
    return PaymentSeen(
        erp_id=text_of(row, "id"),
        customer_id=text_of(row, "entity"),
        amount=unsigned(money_of(row, "foreigntotal", currency, missing="0")),
        applications=_by_document(lines, "invoice", "amount", currency),
        voided=row.get("voided") == "T",
        modified_at=instant(row.get("modified_at", ""), zone),
        credits=_by_document(used, "credit", "amount", currency),
        discounts=_by_document(discounted, "invoice", "discount", currency),
    )


def _by_document(rows: Iterable[Row], document: str, amount: str, currency: str) -> tuple[tuple[str, Money], ...]:
    """One sum for each document: an invoice in instalments has a line for each of them."""
    found: dict[str, Money] = {}
    for row in rows:
        name, part = text_of(row, document), unsigned(money_of(row, amount, currency))
        found[name] = found[name] + part if name in found else part
    return tuple((name, found[name]) for name in sorted(found) if found[name])


def _parked(row: Row, error: Unreadable) -> Parked:
    return Parked(SOURCE, row.get("id", ""), error.field, error.reason, row.get("entity", ""))
