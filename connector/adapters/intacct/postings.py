"""What was posted to the general ledger: GLDETAIL, a view over the entries of every module.

Sage asks to filter this view always, so each query names accounts (Sage's XML reference, general ledger details). It is
asked for sums alone: what its RECORDNO is, and whether one could page along it, is not documented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from connector.adapters.intacct import filters
from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import chunks
from connector.adapters.intacct.names import mentions
from connector.adapters.intacct.payments import SOURCE_IDS_PER_QUERY, unreadable
from connector.adapters.intacct.rows import DECIMALS, amount_of, currency_of
from connector.adapters.intacct.xmltext import Node
from connector.adapters.ledger_rows.cells import Unreadable
from connector.money import Money, MoneyError, exponent

OBJECT = "GLDETAIL"
BOOK = "ACCRUAL"
GENERAL_LEDGER, PAYABLES, CASH = "2.GL", "3.AP", "11.CM"  # modules
_DEBIT, _CREDIT = "TRX_DEBITAMOUNT", "TRX_CREDITAMOUNT"
# Every text of an entry in which people write what it is for.
_TEXTS = ("BATCH_TITLE", "REFERENCENO", "DOCUMENT", "DESCRIPTION", "DOCNUMBER", "PRDESCRIPTION")


class Postings:
    """One company's postings. Safe for several threads."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def rows(self, accounts: Iterable[str], by: Sequence[str], *conditions: Node, entity: str = "") -> Iterator[Row]:
        """One row for each combination of the fields `by`, to which the currency is added; `net` is its amount.

        A currency that Intacct's two decimals don't fit is left out: its invoices are parked.
        """
        wanted = sorted(set(accounts))
        if not wanted:
            return
        where = filters.both(filters.equal("BOOKID", BOOK), filters.within("ACCOUNTNO", wanted), *conditions)
        fields = tuple(dict.fromkeys((*by, "CURRENCY")))
        for row in self._gateway.sums(OBJECT, fields, (_DEBIT, _CREDIT), where, entity=entity):
            if has_two_decimals(row):
                yield row

    def sums(
        self, accounts: Iterable[str], by: Sequence[str], *conditions: Node, entity: str = ""
    ) -> Iterator[tuple[Row, Money]]:
        """`rows`, each with its amount. Terminal where one can't be read."""
        for row in self.rows(accounts, by, *conditions, entity=entity):
            try:
                yield row, net(row)
            except Unreadable as error:
                raise unreadable("the postings on account", row.get("ACCOUNTNO", "?"), error) from None

    def naming(
        self, source_ids: Sequence[str], accounts: Iterable[str], modules: Sequence[str], by: Sequence[str] = ()
    ) -> Iterator[tuple[str, Row, Money]]:
        """Id, entry and amount of what these modules posted to these accounts and what names the id as a whole word."""
        wanted = sorted(set(accounts))
        for some in chunks(sorted({id_ for id_ in source_ids if id_}), SOURCE_IDS_PER_QUERY):
            likes = [filters.like(field, f"%{id_}%") for id_ in some for field in _TEXTS]
            conditions = (filters.within("MODULEKEY", modules), filters.either(*likes))
            for row, amount in self.sums(wanted, (*by, *_TEXTS), *conditions):
                texts = [row.get(field, "") for field in _TEXTS]
                for id_ in some:
                    if mentions(id_, texts):
                        yield id_, row, amount


def has_two_decimals(row: Row) -> bool:
    """Is it in a currency whose amounts Intacct keeps exactly? What is no currency at all is told by who reads it."""
    try:
        return exponent(row.get("CURRENCY") or row.get("BASECURR", "")) == DECIMALS
    except MoneyError:
        return True


def net(row: Row) -> Money:
    """Debits less credits, in the currency of the transactions. Raises Unreadable."""
    currency = currency_of(row)
    return amount_of(row, f"SUM.{_DEBIT}", currency) - amount_of(row, f"SUM.{_CREDIT}", currency)
