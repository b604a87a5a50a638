"""What the false Intacct says when it refuses a function: numbers, texts and guesses, in one place.

Each row carries where it comes from: D = developer.intacct.com, S = Sage's SDKs, R = recorded by users, K = our guess,
never seen in a real company. A recording from a real company replaces a K row here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["D", "S", "R", "K"]


class Refusal(Exception):
    """One function was refused. What it had done by then is forgotten by the caller's `saving`.

    `errorid` is the finer id that is shown with showadditionalerrorinfo; `field` the target there.
    """

    def __init__(
        self, errorno: str, description2: str, *, errorid: str = "", correction: str = "", field: str = ""
    ) -> None:
        self.errorno = errorno
        self.description2 = description2
        self.errorid = errorid
        self.correction = correction
        self.field = field
        super().__init__(f"{errorno}: {description2}")

    @property
    def message(self) -> str:
        """As people read it who work in the company itself."""
        return self.description2


@dataclass(frozen=True, slots=True)
class Text:
    errorno: str
    errorid: str
    text: str
    source: Source
    correction: str = ""


# Most business errors are wrapped by this one, which says nothing (notes 1.4).
COMMON = "BL01001973"
DUPLICATE = "BL34000061"
DATA = "DL02000001"
INVALID = "XL03000006"

TEXTS: dict[str, Text] = {
    # R (nexonia, as in the notes): the beginning of the text; its end and the id are K.
    "period_closed": Text(
        COMMON,
        "GL-0493",
        "Your transaction date is within a period that's been closed ({month}{where}).",
        "R",
        "Use a date within an open period, or open the period.",
    ),
    "no_period": Text(COMMON, "GL-0494", "There is no budgetable period for {day}.", "K"),
    "permission": Text(COMMON, "PL-0201", "You do not have permission to {what}.", "K", "Ask for the permission."),
    "post_permission": Text(
        COMMON,
        "AR-0201",
        "You do not have permission to post AR {what}. Save it as a draft instead.",
        "K",
        "Ask for the Post permission.",
    ),
    "absent": Text(COMMON, "AR-0301", "The {what} {key} does not exist, or it is not visible here.", "K"),
    "private": Text(COMMON, "AR-0302", "{what} {key} belongs to entity {entity}: work there to change it.", "K"),
    "wants_value": Text(COMMON, "AR-0303", "{field} is required.", "K"),
    "no_such_object": Text(INVALID, "", "There is no object {what}.", "K"),
    "no_such_field": Text(DATA, "PL-0301", "There is no field {field} on {what}.", "K"),
    "read_only_field": Text(COMMON, "PL-0302", "{field} of {what} can't be changed.", "K"),
    "bad_value": Text(COMMON, "PL-0303", "{value!r} is not a value for {field}.", "K"),
    "bad_amount": Text(COMMON, "AR-0304", "{field}: {amount} is not an amount that can be used here.", "K"),
    "not_played": Text(INVALID, "", "The sandbox does not play {what}.", "K"),
    "duplicate": Text(DUPLICATE, "PL-0401", "Another {what} with the given value(s) already exists.", "R"),
    # Payments.
    "one_target": Text(
        COMMON,
        "AR-0401",
        "Give either FINANCIALENTITY or UNDEPOSITEDACCOUNTNO, and only one of them.",
        "D",
    ),
    "summaries": Text(COMMON, "AR-0402", "Summaries are made automatically: PRBATCH can't be given.", "K"),
    "payer": Text(COMMON, "AR-0403", "Give either CUSTOMERID or PAYERNAME.", "D"),
    "no_account": Text(COMMON, "AR-0404", "{account} is no {what} that can be used here.", "K"),
    "account_currency": Text(COMMON, "AR-0405", "Account {account} is kept in {own} and can't take {currency}.", "K"),
    "currency": Text(COMMON, "AR-0406", "The payment is in {currency}, record {key} in {own}.", "K"),
    "not_open": Text(COMMON, "AR-0407", "Record {key} is not open: it is {state}.", "K"),
    "not_theirs": Text(COMMON, "AR-0408", "Record {key} belongs to customer {owner}, not to {customer}.", "K"),
    "other_entity": Text(COMMON, "AR-0409", "Record {key} belongs to entity {owner}, not to {entity}.", "K"),
    "no_such_line": Text(COMMON, "AR-0410", "Record {key} has no line {line}.", "K"),
    "over_applied": Text(
        COMMON, "AR-0411", "{amount} can't be applied to {what} {key}: {due} is due there.", "K", "Apply less."
    ),
    "over_used": Text(COMMON, "AR-0412", "{amount} can't be used of credit {key}: {left} is left of it.", "K"),
    "empty_detail": Text(COMMON, "AR-0413", "A payment detail without an amount.", "K"),
    "before_invoice": Text(
        COMMON, "AR-0414", "Payment dates must be greater than their invoice dates (record {key} of {day}).", "D"
    ),
    "discount": Text(COMMON, "AR-0415", "{discount} can't be let off record {key}: {why}.", "K"),
    "no_details": Text(COMMON, "AR-0416", "A payment needs at least one payment detail.", "D"),
    "one_credit": Text(COMMON, "AR-0417", "A payment detail names one kind of credit.", "D"),
    "not_draft": Text(
        COMMON, "AR-0418", "Payment {key} is {state}: only a draft can be changed or deleted. Reverse it.", "D"
    ),
    "reversed": Text(COMMON, "AR-0419", "Record {key} is reversed already.", "K"),
    "deposited": Text(COMMON, "AR-0420", "Payment {key} lies in deposit {deposit}.", "K"),
    "rest_used": Text(COMMON, "AR-0421", "What is left of payment {key} was used: reverse that first.", "K"),
    "paid": Text(COMMON, "AR-0422", "Record {key} has payments: reverse these first.", "K"),
    "order_entry": Text(COMMON, "AR-0423", "Record {key} was made in Order Entry: change it there.", "K"),
    "before_receipt": Text(COMMON, "AR-0424", "A reversal on {day} would be before record {key} itself.", "K"),
    "location": Text(COMMON, "AR-0425", "Line {line}: LOCATIONID is required in a company of several entities.", "D"),
    # Deposits, other receipts, journals.
    "not_undeposited": Text(
        COMMON, "CM-0301", "Receipt {key} is not among the undeposited funds, or it is deposited already.", "K"
    ),
    "deposit_total": Text(COMMON, "CM-0302", "The total of a deposit must be above zero, not {total}.", "K"),
    "deposit_currency": Text(COMMON, "CM-0303", "Receipt {key} is in {currency}, the bank account in {own}.", "K"),
    "negative_receipt": Text(COMMON, "CM-0304", "The total of a receipt must be above zero, not {total}.", "K"),
    "unbalanced": Text(COMMON, "GL-0101", "Debits come to {debits}, credits to {credits}{where}.", "K"),
    "journal_line": Text(COMMON, "GL-0102", "Line {line}: {why}.", "D"),
    "journal_lines": Text(COMMON, "GL-0103", "A journal entry needs at least two lines.", "D"),
}


def refused(which: str, *, field: str = "", **values: object) -> Refusal:
    """The refusal of that name, its text filled in."""
    found = TEXTS[which]
    text = found.text.format(field=field, **values)
    return Refusal(found.errorno, text, errorid=found.errorid, correction=found.correction, field=field)
