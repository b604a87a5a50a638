"""Terms with an early discount: a percentage of the invoice for who pays within some days of its date.

Source: Oracle help on terms (a percentage, and days until it expires; the day is counted from the invoice's date). That
the percentage is of the total with tax is K.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.netsuite.amounts import converted

if TYPE_CHECKING:
    from sandbox.netsuite.books import Books, Row


def refresh(books: Books, invoice: Row) -> None:
    """Write down what an invoice offers, after its terms, its date or its total changed."""
    term = books.row("SELECT discountpercent, daysuntilexpiry FROM term WHERE id = ?", invoice["terms"])
    values: dict[str, object] = {"discountdate": None, "discountamount": None}
    if term is not None and term["discountpercent"] is not None:
        last = date.fromisoformat(invoice["trandate"][:10]) + timedelta(days=term["daysuntilexpiry"])
        share = Decimal(str(term["discountpercent"])) / 100
        amount = converted(invoice["_amount"], share, books.symbol(invoice["currency"]))
        values = {"discountdate": f"{last.isoformat()} 00:00:00", "discountamount": amount}
    if any(invoice[name] != value for name, value in values.items()):
        books.change("transaction", invoice["id"], values)


def offered(books: Books, invoice: Row, day: str) -> int:
    """The early discount that may still be taken of an invoice on this stored day: nothing after its last day."""
    if invoice["discountdate"] is None or day > invoice["discountdate"]:
        return 0
    sql = "SELECT COALESCE(SUM(_discount), 0) AS taken FROM nexttransactionlinelink WHERE previousdoc = ?"
    return int(invoice["discountamount"] - books.rows(sql, invoice["id"])[0]["taken"])
