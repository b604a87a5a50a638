"""Customer payments as Intacct holds them: what came, what it is applied to, and what it has over.

Heads are queried; what a payment applies stands on the details that it owns, which `read` shows. An advance is a
payment that applies nothing. What has no cash of its own only uses what is there already: the rest of an earlier
payment, a memo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.adapters.intacct import names
from connector.adapters.intacct.answers import Record
from connector.adapters.intacct.credit_rows import over_of
from connector.adapters.intacct.filters import between, both, either, equal, is_null, like, within
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keys import Keys, chunks, whole
from connector.adapters.intacct.names import mentions
from connector.adapters.intacct.rows import Standing, amount_of, currency_of, standing_of, us_day
from connector.adapters.intacct.selecting import discount_of
from connector.adapters.intacct.settings import VALUES_MAX, IntacctMapping
from connector.adapters.intacct.wire import unavailable
from connector.adapters.intacct.xmltext import Node
from connector.adapters.ledger_rows.cells import Row, Unreadable, money_of, text_of, unsigned
from connector.errors import Terminal
from connector.money import Money
from connector.ports import PaymentSeen

# ARPYMT shows several kinds of records under one name. Its reference calls rp an overpayment and ro an applied one;
# recorded rows of both have the payment itself as rp and what it has over as ro.
RECEIPT, OVERPAYMENT = "rp", "ro"
PAYMENT, ADVANCE = "ARPYMT", "ARADVANCE"
_HEAD = (
    "RECORDNO",
    "STATE",
    "CUSTOMERID",
    "DOCNUMBER",
    "DESCRIPTION",
    "RECEIPTDATE",
    "CURRENCY",
    "BASECURR",
    "TRX_TOTALENTERED",
    "TRX_TOTALDUE",
    "FINANCIALENTITY",
    "UNDEPOSITEDACCOUNTNO",
    "MEGAENTITYID",
)
# Each part of a detail that pays something, by what it is paid with; the key says of what, and cash has none. Intacct
# posts an advance or overpayment that is used as a record of its own, whose key stands under POSTED.
_PARTS = {
    "TRX_PAYMENTAMOUNT": (),
    "TRX_ADJUSTMENTAMOUNT": ("ADJUSTMENTKEY",),
    "TRX_POSTEDADVANCEAMOUNT": ("ADVANCEKEY", "POSTEDADVANCEKEY"),
    "TRX_POSTEDOVERPAYMENTAMOUNT": ("OVERPAYMENTKEY", "POSTEDOVERPAYMENTKEY"),
    "TRX_INLINEAMOUNT": ("INLINEKEY",),
    "TRX_NEGATIVEINVOICEAMOUNT": ("NEGATIVEINVOICEKEY",),
}
SOURCE_IDS_PER_QUERY = 50


@dataclass(frozen=True, slots=True)
class Held:
    """A payment with its head as it was queried; `unapplied` is what it has over, in its overpayment."""

    seen: PaymentSeen
    row: Row
    unapplied: Money


@dataclass(frozen=True, slots=True)
class Touched:
    """Record numbers of what some payments touched."""

    invoices: frozenset[str]
    memos: frozenset[str]
    advances: frozenset[str]
    overpayments: frozenset[str]


@dataclass(slots=True)
class _Told:
    """What the details of one payment sum to, by record number."""

    applied: dict[str, Money] = field(default_factory=dict)
    discounts: dict[str, Money] = field(default_factory=dict)
    used: dict[tuple[str, str], Money] = field(default_factory=dict)  # the key's field and the key


def fields(object_name: str, mapping: IntacctMapping) -> list[str]:
    """What is asked of a payment or an advance."""
    own = (mapping.fields.payment_external_id, mapping.fields.payment_act, mapping.fields.payment_received_on)
    more = ("RECORDTYPE", "PAYERNAME", "PARENTPAYMENTKEY") if object_name == PAYMENT else ("TRX_TOTALSELECTED",)
    return [*_HEAD, *more, *own]


class Payments:
    """One company's customer payments and advances. Safe for several threads.

    Raises Terminal when a payment that is asked for can't be understood: then nobody may post beside it.
    """

    def __init__(self, gateway: Gateway, mapping: IntacctMapping, keys: Keys) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._keys = keys

    def by_ids(self, erp_ids: Iterable[str]) -> dict[str, Held]:
        """These payments and advances in whatever state, drafts too; one that is not returned is not there."""
        asked = sorted(set(erp_ids))
        advances = [names.advance_record(one) for one in asked if names.is_advance(one)]
        receipts = [one for one in asked if one.isdecimal()]
        rows = self._rows(PAYMENT, receipts, lambda chunk: within("RECORDNO", chunk))
        return {held.seen.erp_id: held for held in self._held(rows, self._advances_of(advances), _is_there)}

    def with_external_ids(self, external_ids: Iterable[str], customer_ids: Sequence[str] = ()) -> dict[str, Held]:
        """External id -> the payment or advance that carries it; one in force before a reversed one, then the first.

        Custom fields are not indexed (Sage's XML reference, queries): the customers, where they are known, are asked
        for first. A payment that was made for several customers has none.
        """
        name = self._mapping.fields.payment_external_id
        whose = _whose(customer_ids)

        def where(chunk: Sequence[str]) -> Node:
            return both(*whose, within(name, chunk))

        asked = sorted(set(external_ids))
        held = self._held(self._rows(PAYMENT, asked, where), self._rows(ADVANCE, asked, where))
        found: dict[str, Held] = {}
        for one in held:
            external_id = one.row.get(name, "")
            if external_id not in found or found[external_id].seen.voided > one.seen.voided:
                found[external_id] = one
        return found

    def with_source_ids(self, source_ids: Iterable[str]) -> dict[str, PaymentSeen]:
        """Source id -> the payment or advance that carries it; one in force before a reversed one, then the first.

        A payment of ours has it in all three fields, the document number cut to its end; people write it anywhere. What
        only uses the rest of an earlier payment is not that money.
        """
        return {source_id: held.seen for source_id, held in self._carrying(source_ids).items()}

    def taken_back(self, source_ids: Iterable[str]) -> dict[str, Held]:
        """Source id -> the reversed payment or advance that carries it, where none in force does: one that was reversed
        and entered anew is still there."""
        return {source_id: held for source_id, held in self._carrying(source_ids).items() if held.seen.voided}

    def _carrying(self, source_ids: Iterable[str]) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for chunk in chunks(sorted({one for one in source_ids if one}), SOURCE_IDS_PER_QUERY):
            where = self._naming(chunk)
            rows = self._gateway.rows(PAYMENT, fields(PAYMENT, self._mapping), where)
            advances = self._gateway.rows(ADVANCE, fields(ADVANCE, self._mapping), where)
            for held in self._held([row for row in rows if _has_cash(row)], advances):
                for source_id in chunk:
                    before = found.get(source_id)
                    if self._carries(held.row, source_id) and (before is None or before.seen.voided > held.seen.voided):
                        found[source_id] = held
        return found

    def like(
        self, customer_ids: Sequence[str], amount: Money, first_on: date, last_on: date
    ) -> tuple[PaymentSeen, ...]:
        """Payments and advances of these customers of just this amount, whoever made them."""
        if not customer_ids:
            return ()
        when = between("RECEIPTDATE", us_day(first_on), us_day(last_on))
        same = equal("TRX_TOTALENTERED", amount.plain())
        found: dict[str, Held] = {}
        for chunk in chunks(sorted(set(customer_ids)), VALUES_MAX):
            of_them = within("CUSTOMERID", chunk)
            shared = either(of_them, is_null("CUSTOMERID"))  # a receipt for several customers has none
            rows = self._gateway.rows(PAYMENT, fields(PAYMENT, self._mapping), both(shared, when, same))
            advances = self._gateway.rows(ADVANCE, fields(ADVANCE, self._mapping), both(of_them, when, same))
            received = [row for row in rows if _has_cash(row)]
            found |= {held.seen.erp_id: held for held in self._held(received, advances)}
        asked = set(customer_ids)
        return tuple(held.seen for held in found.values() if held.seen.amount == amount and asked & _customers_of(held))

    def touched_by(self, heads: Iterable[Row]) -> Touched:
        """What these payments apply and use, to be read again; of each its RECORDNO and MEGAENTITYID."""
        invoices: set[str] = set()
        used: dict[str, set[str]] = {name: set() for names_ in _PARTS.values() for name in names_}
        for record in whole(self._gateway, PAYMENT, heads):
            for detail in record.owned("ARPYMTDETAILS"):
                invoices |= {detail.fields.get("RECORDKEY", "")} - {""}
                for name, keys in used.items():
                    keys |= {detail.fields.get(name, "")} - {""}
        return Touched(
            frozenset(invoices),
            frozenset(used["ADJUSTMENTKEY"]),
            frozenset(used["ADVANCEKEY"] | used["POSTEDADVANCEKEY"]),
            frozenset(used["OVERPAYMENTKEY"] | used["POSTEDOVERPAYMENTKEY"]),
        )

    def overpayments_of(self, receipts: Iterable[str]) -> dict[str, list[Row]]:
        """RECORDNO of a payment -> the records that hold what it has over."""
        found: dict[str, list[Row]] = {}
        where = equal("RECORDTYPE", OVERPAYMENT)
        for chunk in chunks(sorted(set(receipts)), VALUES_MAX):
            asked = both(within("PARENTPAYMENTKEY", chunk), where)
            for row in self._gateway.rows(PAYMENT, fields(PAYMENT, self._mapping), asked):
                found.setdefault(row.get("PARENTPAYMENTKEY", ""), []).append(row)
        return found

    # ---- rows -> payments ----

    def _rows(self, object_name: str, values: Sequence[str], where: Callable[[Sequence[str]], Node]) -> list[Row]:
        asked = fields(object_name, self._mapping)
        return [
            row for chunk in chunks(values, VALUES_MAX) for row in self._gateway.rows(object_name, asked, where(chunk))
        ]

    def _advances_of(self, record_nos: Sequence[str]) -> list[Row]:
        return self._rows(ADVANCE, record_nos, lambda chunk: within("RECORDNO", chunk))

    def _held(
        self, rows: Iterable[Row], advances: Iterable[Row], is_asked: Callable[[Row], bool] | None = None
    ) -> list[Held]:
        """Payments with what they apply, then advances. Drafts, which pay nothing, what only undoes another, and what
        payments have over are none, unless they are asked for."""
        is_one = is_asked or _is_payment
        receipts = [row for row in rows if row.get("RECORDTYPE", RECEIPT) == RECEIPT and is_one(row)]
        heads = {row["RECORDNO"]: row for row in receipts}
        records = {record.fields["RECORDNO"]: record for record in whole(self._gateway, PAYMENT, receipts)}
        if lost := sorted(no for no in heads.keys() - records.keys() if _standing(heads[no]) is not Standing.DRAFT):
            # Without its details a payment would look as if it applied nothing.
            raise unavailable(
                f"Could not read payment {', '.join(lost[:3])} from Sage Intacct", "its details didn't come"
            )
        told = {no: _told(record, heads[no]) for no, record in records.items()}
        over, documents = self.overpayments_of(told), self._documents(told.values())
        found = [self._of(heads[no], one, over.get(no, []), documents) for no, one in told.items()]
        return found + [_of_advance(row) for row in advances if is_one(row)]

    def _documents(self, told: Iterable[_Told]) -> Mapping[tuple[str, str], str]:
        """The field of a key, and the key -> our id."""
        listed = list(told)
        used = {key for one in listed for key in one.used}

        def of(*names_: str) -> set[str]:
            return {key for name, key in used if name in names_}

        over, advances = ("OVERPAYMENTKEY", "POSTEDOVERPAYMENTKEY"), ("ADVANCEKEY", "POSTEDADVANCEKEY")
        invoices = self._keys.invoices({key for one in listed for key in (*one.applied, *one.discounts)})
        memos, receipts = self._keys.memos(of("ADJUSTMENTKEY")), self._keys.receipts(of(*over))
        found = {("RECORDKEY", key): id_ for key, id_ in invoices.items()}
        found |= {("ADJUSTMENTKEY", key): id_ for key, id_ in memos.items()}
        found |= {(name, key): id_ for name in over for key, id_ in receipts.items()}
        return found | {(name, key): names.advance_id(key) for name in advances for key in of(name)}

    def _of(self, row: Row, told: _Told, overpayments: Sequence[Row], documents: Mapping[tuple[str, str], str]) -> Held:
        """A key that names nothing any more keeps its own name: whoever compares then sees a difference."""
        try:
            currency = currency_of(row)
            is_void = standing_of(row) is Standing.REVERSED
            amount = unsigned(money_of(row, "TRX_TOTALENTERED", currency, missing="0"))
            over = Money.total((over_of(one, currency) for one in overpayments), currency)
        except Unreadable as error:
            raise unreadable("customer payment", row.get("RECORDNO", "?"), error) from None
        applied = _named(told.applied, lambda key: documents.get(("RECORDKEY", key), f"ARINVOICE {key}"))
        seen = PaymentSeen(
            erp_id=row["RECORDNO"],
            customer_id=self._customer_of(row, [invoice_id for invoice_id, _ in applied]),
            amount=amount,
            applications=() if is_void else applied,
            voided=is_void,
            credits=() if is_void else _used(told, documents),
            discounts=()
            if is_void
            else _named(told.discounts, lambda key: documents.get(("RECORDKEY", key), f"ARINVOICE {key}")),
        )
        return Held(seen, row, Money.zero(currency) if is_void else over)

    def _customer_of(self, row: Row, invoice_ids: Sequence[str]) -> str:
        """Whose payment it is. One for several customers has none: then ours says by its payer whose it is, and of
        others the invoices do where they are one customer's."""
        said, payer = row.get("CUSTOMERID", ""), row.get("PAYERNAME", "")
        if said or row.get(self._mapping.fields.payment_external_id):
            return said or payer
        whose = _owners(invoice_ids)
        return whose.pop() if len(whose) == 1 else payer

    def _naming(self, source_ids: Sequence[str]) -> Node:
        tails = sorted({names.tail(one, self._mapping.facts.reference_max) for one in source_ids})
        texts = ("DOCNUMBER", "DESCRIPTION", self._mapping.fields.payment_external_id)
        likes = [like(name, f"%{one}%") for one in source_ids for name in texts]
        return either(within("DOCNUMBER", tails), *likes)

    def _carries(self, row: Row, source_id: str) -> bool:
        """Does the payment name this id, as a whole word or as its reference?"""
        if row.get("DOCNUMBER") == names.tail(source_id, self._mapping.facts.reference_max):
            return True
        texts = ("DOCNUMBER", "DESCRIPTION", self._mapping.fields.payment_external_id)
        return mentions(source_id, (row.get(name, "") for name in texts))


def unreadable(kind: str, record_no: str, error: Unreadable) -> Terminal:
    return Terminal(
        f"Could not understand {kind} {record_no} in Sage Intacct: {error}. Nothing was changed. Correct the record, "
        "or tell us what the field means."
    )


def _of_advance(row: Row) -> Held:
    try:
        currency, record_no = currency_of(row), text_of(row, "RECORDNO")
        is_void = standing_of(row) is Standing.REVERSED
        amount = unsigned(money_of(row, "TRX_TOTALENTERED", currency))
        left = unsigned(amount_of(row, "TRX_TOTALDUE", currency))
    except Unreadable as error:
        raise unreadable("advance", row.get("RECORDNO", "?"), error) from None
    seen = PaymentSeen(names.advance_id(record_no), row.get("CUSTOMERID", ""), amount, (), is_void)
    return Held(seen, row, Money.zero(currency) if is_void else left)


def _told(record: Record, head: Row) -> _Told:
    """The details of one payment, summed by document."""
    found = _Told()
    try:
        currency = currency_of(head)
        for detail in record.owned("ARPYMTDETAILS"):
            _add_detail(found, detail.fields, currency)
    except Unreadable as error:
        raise unreadable("customer payment", head["RECORDNO"], error) from None
    return found


def _add_detail(found: _Told, row: Row, currency: str) -> None:
    invoice = row.get("RECORDKEY", "")
    for part, key_names in _PARTS.items():
        amount = unsigned(amount_of(row, part, currency))
        if not amount:
            continue
        if invoice:  # else a debit memo is paid, which we don't chase
            found.applied[invoice] = found.applied.get(invoice, Money.zero(currency)) + amount
        key = next(((name, row[name]) for name in key_names if row.get(name)), None)
        if key is not None:
            found.used[key] = found.used.get(key, Money.zero(currency)) + amount
    discount = discount_of(row, currency)
    if invoice and discount:
        found.discounts[invoice] = found.discounts.get(invoice, Money.zero(currency)) + discount


def _used(told: _Told, documents: Mapping[tuple[str, str], str]) -> tuple[tuple[str, Money], ...]:
    """Credits of other documents; an inline credit and a negative invoice are no credits in our book."""
    found: dict[str, Money] = {}
    for key, amount in told.used.items():
        credit_id = documents.get(key)
        if credit_id is None and key[0] in ("INLINEKEY", "NEGATIVEINVOICEKEY"):
            continue
        name = credit_id or " ".join(key)
        found[name] = found[name] + amount if name in found else amount
    return tuple(sorted(found.items(), key=lambda pair: pair[0]))


def _named(sums: Mapping[str, Money], name_of: Callable[[str], str]) -> tuple[tuple[str, Money], ...]:
    return tuple(sorted(((name_of(key), amount) for key, amount in sums.items()), key=lambda pair: pair[0]))


def _whose(customer_ids: Sequence[str]) -> list[Node]:
    asked = sorted(set(customer_ids))
    return [either(within("CUSTOMERID", asked), is_null("CUSTOMERID"))] if 0 < len(asked) <= VALUES_MAX else []


def _owners(invoice_ids: Iterable[str]) -> set[str]:
    found = set()
    for invoice_id in invoice_ids:
        try:
            found.add(names.parts(invoice_id)[1])
        except ValueError:
            continue
    return found


def _customers_of(held: Held) -> set[str]:
    return {held.seen.customer_id} | _owners(invoice_id for invoice_id, _ in held.seen.applications)


def _has_cash(row: Row) -> bool:
    return row.get("RECORDTYPE", RECEIPT) == RECEIPT and bool(row.get("TRX_TOTALENTERED", "").strip("0.-"))


def _is_there(row: Row) -> bool:
    return _standing(row) is not Standing.REVERSAL


def _is_payment(row: Row) -> bool:
    return _standing(row) not in (Standing.REVERSAL, Standing.DRAFT)


def _standing(row: Row) -> Standing | None:
    """None: a state that we don't know; the payment is told as what it is when it is read."""
    try:
        return standing_of(row)
    except Unreadable:
        return None
