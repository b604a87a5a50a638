"""What reduces a customer's debt in Intacct: credit memos, advances, and what a payment has over -> `CreditMemo`.

A memo is an adjustment below zero (Sage's XML reference, AR adjustments); one above zero is a debit memo, no credit.
What a payment has over is a record of its own, an overpayment, but it is the payment that people know: its id is the
payment's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from connector.adapters.intacct import names
from connector.adapters.intacct.lines import CreditNow
from connector.adapters.intacct.rows import Standing, amount_of, currency_of, day_of, entity_of, standing_of
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.ledger_rows.cells import SOURCE, Row, Unreadable, money_of, text_of, unsigned
from connector.money import Money
from connector.receivables import CreditKind, CreditMemo, Parked


@dataclass(frozen=True, slots=True)
class Credit:
    """One credit as it is now: for our book, and with the record that a payment names when it uses it."""

    memo: CreditMemo
    now: CreditNow


def memo_id_of(row: Row, mapping: IntacctMapping) -> str:
    """Our id of a credit memo; Unreadable where it has no number or customer, or an entity that isn't ours."""
    return names.memo_id(text_of(row, "RECORDID"), text_of(row, "CUSTOMERID"), entity_of(row, mapping))


def memo(row: Row, mapping: IntacctMapping) -> Credit | Parked | None:
    """A credit memo with what it has left. None: it isn't posted, only undoes another, or is a debit memo."""
    try:
        standing, currency = standing_of(row), currency_of(row)
        if standing in (Standing.DRAFT, Standing.REVERSAL):
            return None
        if money_of(row, "TRX_TOTALENTERED", currency) >= Money.zero(currency):
            return None
        entity, customer, made_from = entity_of(row, mapping), text_of(row, "CUSTOMERID"), row.get("DOCNUMBER", "")
        found = CreditMemo(
            id=memo_id_of(row, mapping),
            number=text_of(row, "RECORDID"),
            customer_id=customer,
            open_amount=_left(row, currency, mapping, standing),
            kind=CreditKind.CREDIT_MEMO,
            memo=row.get("DESCRIPTION", ""),
            received_on=day_of(row, "WHENCREATED"),
            # create_aradjustment takes the number of the invoice that is corrected, and keeps it as the reference.
            created_from=names.invoice_id(made_from, customer, entity) if made_from else "",
            subsidiary=entity,
        )
        return _credit(found, row)
    except Unreadable as error:
        return parked_memo(row, mapping, error)


def parked_memo(row: Row, mapping: IntacctMapping, error: Unreadable) -> Parked:
    """Under the memo's own id where it has one."""
    try:
        record = memo_id_of(row, mapping)
    except Unreadable:
        record = f"ARADJUSTMENT {row.get('RECORDNO', '?')}"
    return Parked(SOURCE, record, error.field, error.reason, row.get("CUSTOMERID", ""))


def advance(row: Row, mapping: IntacctMapping) -> Credit | Parked | None:
    """An advance with what it has left: money of the customer that was applied to nothing. None: it isn't posted."""
    try:
        standing, currency = standing_of(row), currency_of(row)
        if standing in (Standing.DRAFT, Standing.REVERSAL):
            return None
        left = _left(row, currency, mapping, standing)
        return _credit(_money_over(row, names.advance_id(text_of(row, "RECORDNO")), left, mapping), row)
    except Unreadable as error:
        return _parked(row, names.advance_id(row.get("RECORDNO", "?")), error)


def rest(row: Row, overpayments: Iterable[Row], mapping: IntacctMapping) -> Credit | Parked | None:
    """What a payment has over, perhaps nothing. None: it isn't posted, or was received for several customers at once,
    with nothing over.

    `overpayments`: the records that hold it. More than one is no documented case: all of it is told, and the largest is
    what can be used at once.
    """
    try:
        standing, currency = standing_of(row), currency_of(row)
        if standing in (Standing.DRAFT, Standing.REVERSAL):
            return None
        left = [(over_of(one, currency), one) for one in overpayments]
        if standing is Standing.REVERSED:
            left = []
        whole = Money.total((amount for amount, _ in left), currency)
        whose = row.get("CUSTOMERID") or next((name for _, one in left if (name := one.get("CUSTOMERID"))), "")
        if not whose and not whole:
            return None
        found = _credit(_money_over({**row, "CUSTOMERID": whose}, text_of(row, "RECORDNO"), whole, mapping), row)
        if not left:
            return found
        amount, largest = max(left, key=lambda pair: pair[0].minor)
        return Credit(found.memo, replace(found.now, record_no=text_of(largest, "RECORDNO"), open=amount))
    except Unreadable as error:
        return _parked(row, row.get("RECORDNO", "?"), error)


def over_of(row: Row, currency: str) -> Money:
    """What an overpayment has left; none of one that was reversed. Its sign is not documented, and is dropped."""
    if standing_of(row) is not Standing.IN_FORCE:
        return Money.zero(currency)
    return unsigned(amount_of(row, "TRX_TOTALDUE", currency))


def _money_over(row: Row, credit_id: str, left: Money, mapping: IntacctMapping) -> CreditMemo:
    """Money that came and has something over. Neither payments nor advances have a number that people gave them."""
    return CreditMemo(
        id=credit_id,
        number=text_of(row, "RECORDNO"),
        customer_id=text_of(row, "CUSTOMERID"),
        open_amount=left,
        kind=CreditKind.UNAPPLIED_PAYMENT,
        external_id=row.get(mapping.fields.payment_external_id, ""),
        memo=row.get("DESCRIPTION", ""),
        received_on=day_of(row, "RECEIPTDATE"),
        subsidiary=entity_of(row, mapping),
        reference=row.get("DOCNUMBER", ""),
    )


def _left(row: Row, currency: str, mapping: IntacctMapping, standing: Standing) -> Money:
    """What is due on a credit less what drafts have selected; both are below zero on a memo."""
    if standing is Standing.REVERSED:
        return Money.zero(currency)
    left = unsigned(money_of(row, "TRX_TOTALDUE", currency))
    if mapping.facts.total_due_counts_selected:
        left -= unsigned(amount_of(row, "TRX_TOTALSELECTED", currency))
    if left < Money.zero(currency):
        raise Unreadable("TRX_TOTALSELECTED", "is more than TRX_TOTALDUE")
    return left


def _credit(found: CreditMemo, row: Row) -> Credit:
    return Credit(
        found,
        CreditNow(
            id=found.id,
            customer_id=found.customer_id,
            kind=found.kind,
            record_no=text_of(row, "RECORDNO"),
            entity=found.subsidiary,
            open=found.open_amount,
        ),
    )


def _parked(row: Row, record: str, error: Unreadable) -> Parked:
    return Parked(SOURCE, record, error.field, error.reason, row.get("CUSTOMERID", ""))
