"""What a SOAP write does to the books, one record at a time: add, update, upsert.

Each returns the record's place; a Refusal leaves no trace of that record and says nothing about the others of its list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from sandbox.netsuite.amounts import fits, fixed
from sandbox.netsuite.answers import RECORD_PERMISSIONS, Level, Refusal
from sandbox.netsuite.applying import NewPayment, add_payment, apply_lists, cash_account
from sandbox.netsuite.banking import add_sent_deposit, add_sent_journal
from sandbox.netsuite.books import Books, Row
from sandbox.netsuite.catalogue import RecordType
from sandbox.netsuite.dunning import send_if_resumed
from sandbox.netsuite.referring import custom, day, resolve
from sandbox.netsuite.sent import Sent, custom_values, truth_value

TRANSACTION_TYPES = {
    "customerPayment": "CustPymt",
    "invoice": "CustInvc",
    "creditMemo": "CustCred",
    "customerRefund": "CustRfnd",
    "deposit": "Deposit",
    "journalEntry": "Journal",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies: its table, row, and how a baseRef names it. `type_id` only for custom records."""

    kind: str
    table: str
    row_id: int
    external_id: str
    type_id: str = ""


def add(books: Books, sent: Sent) -> Place:
    """Create once: an external id that exists is refused, whatever the rest says."""
    _permit(books, sent, Level.CREATE)
    if sent.external_id and _find(books, sent, by_external_id=True) is not None:
        raise Refusal("exists")
    if sent.kind not in _ADDERS:
        raise Refusal("not_played", what=f"adding {sent.kind} records")
    return _place(books, sent, _ADDERS[sent.kind](books, sent))


def update(books: Books, sent: Sent) -> Place:
    """Change what was sent and nothing else. By internal id, else by external id."""
    _permit(books, sent, Level.EDIT)
    row = _find(books, sent, by_external_id=not sent.internal_id)
    if row is None:
        raise Refusal("absent")
    return _update(books, sent, row)


def upsert(books: Books, sent: Sent) -> Place:
    """Add or update by external id alone."""
    _permit(books, sent, Level.EDIT)
    if sent.internal_id:
        raise Refusal("wants_no_internal_id")
    if not sent.external_id:
        raise Refusal("wants_external_id")
    row = _find(books, sent, by_external_id=True)
    return add(books, sent) if row is None else _update(books, sent, row)


def record_type(books: Books, sent: Sent) -> RecordType:
    """The custom record type that recType names by its internal id."""
    given = sent.reference("recType")
    if given is None:
        raise Refusal("wants_value", field="recType")
    kind = books.catalogue.record_type(given.internal_id)
    if kind is None:
        raise Refusal("bad_reference", field="recType", key=given.internal_id)
    return kind


def signature(books: Books, sent: Sent) -> tuple[str, str] | None:
    """What must be unique in one request: the record type and the external id."""
    if not sent.external_id:
        return None
    type_id = ""
    if sent.kind == "customRecord":
        given = sent.reference("recType")
        type_id = given.internal_id if given else ""
    return f"{sent.kind}/{type_id}", sent.external_id


def permission(books: Books, sent: Sent) -> str:
    if sent.kind == "customRecord":
        return record_type(books, sent).script_id
    return RECORD_PERMISSIONS.get(sent.kind, "")


def _permit(books: Books, sent: Sent, level: Level) -> None:
    """Asked before anything else of the record, so that even an empty one tells what the role may do (K)."""
    needed = permission(books, sent)
    if not books.allows(needed, level):
        raise Refusal("permission", permission=needed)


def _table(books: Books, sent: Sent) -> str:
    if sent.kind == "customRecord":
        return record_type(books, sent).script_id
    if sent.kind == "customer":
        return "customer"
    if sent.kind in TRANSACTION_TYPES:
        return "transaction"
    raise Refusal("not_played", what=f"{sent.kind} records")


def _find(books: Books, sent: Sent, *, by_external_id: bool) -> Row | None:
    table = _table(books, sent)
    key, value = ("externalid", sent.external_id) if by_external_id else ("id", sent.internal_id)
    if not value or (key == "id" and not value.isdecimal()):
        return None
    typed = f" AND type = '{TRANSACTION_TYPES[sent.kind]}'" if table == "transaction" else ""
    return books.row(f'SELECT * FROM "{table}" WHERE {key} = ?{typed}', value)


def _place(books: Books, sent: Sent, row_id: int) -> Place:
    table = _table(books, sent)
    row = books.rows(f'SELECT externalid FROM "{table}" WHERE id = ?', row_id)[0]
    type_id = str(record_type(books, sent).id) if sent.kind == "customRecord" else ""
    return Place(sent.kind, table, row_id, row["externalid"] or "", type_id)


# ---- customer payments ----


def _payment_fields(books: Books, sent: Sent) -> dict[str, object]:
    """What of a payment is stored as it was sent."""
    _refuse_unplayed(sent)
    values = custom(books, sent, "customerPayment")
    columns = {"memo": "memo", "tranId": "tranid", "checkNum": "otherrefnum"}
    for name, column in columns.items():
        if sent.has(name):
            values[column] = sent.text(name) or None
    return values | {columns[name]: None for name in sent.nulls() & {"memo", "checkNum"}}


def _refuse_unplayed(sent: Sent) -> None:
    if sent.flag("autoApply"):
        raise Refusal("not_played", what="autoApply")
    if sent.lines("depositList"):
        raise Refusal("not_played", what="depositList on a payment")


def _add_payment(books: Books, sent: Sent) -> int:
    if sent.reference("customer") is None:
        raise Refusal("wants_value", field="Customer")
    customer_id = resolve(books, sent.reference("customer"), "customer", "customer")
    customer = books.row("SELECT * FROM customer WHERE id = ?", customer_id)
    if customer is None or customer_id is None:
        raise Refusal("wants_value", field="Customer")
    currency_id = resolve(books, sent.reference("currency"), "currency", "currency") or customer["currency"]
    subsidiary = resolve(books, sent.reference("subsidiary"), "subsidiary", "subsidiary")
    if subsidiary not in (None, customer["subsidiary"]):
        raise Refusal("bad_subsidiary_reference", field="customer", key=customer_id, subsidiary=subsidiary)
    symbol = books.symbol(currency_id)
    amount = sent.money("payment", symbol)
    if amount is None:
        raise Refusal("wants_value", field="Payment Amount")
    lists = sent.lists(symbol)
    new = NewPayment(
        customer_id,
        currency_id,
        amount,
        day(books, sent),
        lists.lines,
        _cash(books, sent, currency_id, customer["subsidiary"]),
        _receivable(sent),
        sent.rate() if currency_id != books.ledger.base(customer["subsidiary"]) else None,
        by_role=True,
        credits=lists.credits,
    )
    made = {"externalid": sent.external_id or None, "_made_by": "integration"}
    return add_payment(books, new, _payment_fields(books, sent) | made)


def _cash(books: Books, sent: Sent, currency: int, subsidiary: int) -> int | None:
    """The account that the money goes to; None is Undeposited Funds, also where nothing was said (K: a preference).

    undepFunds true overrides the account; false wants one (help section_N3667711).
    """
    given = sent.reference("account")
    if sent.flag("undepFunds"):
        return None
    if given is None or not given.internal_id:
        if sent.flag("undepFunds") is False:
            raise Refusal("wants_value", field="Account")
        return None
    return cash_account(books, given.internal_id, currency, subsidiary)


def _receivable(sent: Sent) -> int | None:
    given = sent.reference("arAcct")
    if given is None or not given.internal_id:
        return None
    if not given.internal_id.isdecimal():
        raise Refusal("bad_reference", field="arAcct", key=given.internal_id)
    return int(given.internal_id)


def _update(books: Books, sent: Sent, row: Row) -> Place:
    if sent.kind == "customerPayment":
        _update_payment(books, sent, row)
    elif sent.kind == "invoice":
        _update_invoice(books, sent, row)
    elif sent.kind == "customer":
        _update_customer(books, sent, row)
    elif sent.kind == "customRecord":
        _update_custom_record(books, sent, row)
    else:
        raise Refusal("not_played", what=f"changing {sent.kind} records")
    if sent.internal_id and sent.external_id:
        _set_external_id(books, sent, row)
    return _place(books, sent, row["id"])


def _update_payment(books: Books, sent: Sent, row: Row) -> None:
    if row["voided"] == "T":
        raise Refusal("voided")
    symbol = books.symbol(row["currency"])
    moves_ledger = any(sent.has(name) for name in ("payment", "tranDate", "account", "undepFunds", "exchangeRate"))
    if moves_ledger:
        books.periods.require_open(row["trandate"], receivables_by_role=True)
    else:
        books.periods.require_applicable(row["trandate"], by_role=True)
    for name, table in (("customer", "customer"), ("currency", "currency")):
        given = resolve(books, sent.reference(name), table, name)
        if given not in (None, row["entity" if name == "customer" else "currency"]):
            raise Refusal("not_played", what=f"changing the {name} of a payment")
    if _receivable(sent) not in (None, row["_receivable"]):
        raise Refusal("not_played", what="changing the receivables account of a payment")
    values = _payment_fields(books, sent) | _payment_changes(books, sent, row, symbol)
    books.change("transaction", row["id"], values | {"lastmodifieddate": books.now()})
    if moves_ledger:
        books.ledger.repost_payment(books.transaction(row["id"]), cast("int | None", values.get("_account")))
    # Without lists nothing of them changes, but a smaller amount must still cover what is applied.
    apply_lists(books, row["id"], sent.lists(symbol), by_role=True)
    books.sequence(f"netsuite.payment_saved {row['id']}")


def _payment_changes(books: Books, sent: Sent, row: Row, symbol: str) -> dict[str, object]:
    """The changed amount, day, account and rate; what lies in a deposit keeps amount and account."""
    values: dict[str, object] = {}
    moved = sent.day("tranDate", books.guesses.zone)
    if moved is not None:
        values |= {"trandate": moved, "postingperiod": books.periods.require_open(moved, receivables_by_role=True)}
    amount = sent.money("payment", symbol)
    if amount is not None:
        if amount <= 0 or not fits(amount, symbol):
            raise Refusal("bad_amount", field="payment", amount=fixed(amount, symbol), currency=symbol)
        values |= {"_amount": amount, "foreigntotal": amount}
    if sent.has("account") or sent.has("undepFunds"):
        cash = _cash(books, sent, row["currency"], row["_subsidiary"])
        undeposited = books.ledger.roles["undeposited"]
        values |= {"_account": cash or undeposited, "_undeposited": "T" if cash is None else "F"}
    rate = sent.rate()
    if rate is not None and row["currency"] != books.ledger.base(row["_subsidiary"]):
        values["exchangerate"] = str(rate)
    deposit = books.deposit_of(row["id"])
    changed = values.get("_amount", row["_amount"]), values.get("_account", row["_account"])
    if deposit is not None and changed != (row["_amount"], row["_account"]):
        raise Refusal("in_deposit", deposit=deposit)
    return values


def _set_external_id(books: Books, sent: Sent, row: Row) -> None:
    """An update by internal id may give the record another external id, if no other record of its type has it."""
    other = _find(books, sent, by_external_id=True)
    if other is not None and other["id"] != row["id"]:
        raise Refusal("exists")
    books.change(_table(books, sent), row["id"], {"externalid": sent.external_id})


# ---- invoices, customers, custom records ----


def _update_invoice(books: Books, sent: Sent, row: Row) -> None:
    if row["voided"] == "T":
        raise Refusal("voided")
    if books.guesses.closed_period_locks_invoice:
        books.periods.require_open(row["trandate"], receivables_by_role=True)
    values = custom(books, sent, "invoice")
    for name, column in (("memo", "memo"), ("otherRefNum", "otherrefnum"), ("tranId", "tranid")):
        if sent.has(name):
            values[column] = sent.text(name) or None
    due = sent.day("dueDate", books.guesses.zone)
    if due is not None:
        values["duedate"] = due
    if sent.has("itemList"):
        _update_lines(books, sent, row["id"])
    books.change("transaction", row["id"], values | {"lastmodifieddate": books.now()})
    books.settle(row["id"])
    books.sequence(f"netsuite.invoice_saved {row['id']}")
    send_if_resumed(books, row, values)


def _update_lines(books: Books, sent: Sent, invoice_id: int) -> None:
    """Custom fields of lines, keyed by `line`. With replaceAll true, lines that were not sent are gone."""
    container = sent.child("itemList")
    sql = "SELECT * FROM transactionline WHERE \"transaction\" = ? AND mainline = 'F' AND taxline = 'F'"
    lines = {row["id"]: row for row in books.rows(sql, invoice_id)}
    named = set()
    for element in container if container is not None else ():
        line = Sent(element, "invoice", "", "")
        number = int(line.text("line") or 0)
        if number not in lines:
            raise Refusal("not_played", what="adding lines to an invoice")
        named.add(number)
        fields = line.child("customFieldList")
        values = custom_values(fields, books.catalogue, "invoice", books.guesses.zone)
        books.change("transactionline", lines[number]["uniquekey"], values, key="uniquekey")
    if sent.replaces_all("itemList"):
        for number in set(lines) - named:
            books.db.execute("DELETE FROM transactionline WHERE uniquekey = ?", (lines[number]["uniquekey"],))
        books.retotal(invoice_id)


def _update_customer(books: Books, sent: Sent, row: Row) -> None:
    values = custom(books, sent, "customer")
    for name, column in (("email", "email"), ("companyName", "companyname")):
        if sent.has(name):
            values[column] = sent.text(name) or None
    inactive = truth_value(sent.text("isInactive"))
    if inactive is not None:
        values["isinactive"] = "T" if inactive else "F"
    books.change("customer", row["id"], values | {"lastmodifieddate": books.now()})
    books.sequence(f"netsuite.customer_saved {row['id']}")


def _custom_record_values(books: Books, sent: Sent) -> dict[str, object]:
    values = custom(books, sent, record_type(books, sent).script_id)
    if sent.has("name"):
        values["name"] = sent.text("name") or None
    inactive = sent.flag("isInactive")
    if inactive is not None:
        values["isinactive"] = "T" if inactive else "F"
    return values | {"lastmodified": books.now()}


def _add_custom_record(books: Books, sent: Sent) -> int:
    table = record_type(books, sent).script_id
    values = {"isinactive": "F", "created": books.now(), **_custom_record_values(books, sent)}
    row_id = books.insert(table, values | {"externalid": sent.external_id or None})
    sequence = books.sequence(f"netsuite.record_added {table} {row_id} {sent.external_id}".rstrip())
    books.change(table, row_id, {"_sequence": sequence})
    return row_id


def _update_custom_record(books: Books, sent: Sent, row: Row) -> None:
    table = record_type(books, sent).script_id
    sequence = books.sequence(f"netsuite.record_saved {table} {row['id']} {row['externalid'] or ''}".rstrip())
    values = _custom_record_values(books, sent)
    books.change(table, row["id"], values | {"_sequence": sequence})


_ADDERS: dict[str, Callable[[Books, Sent], int]] = {
    "customerPayment": _add_payment,
    "customRecord": _add_custom_record,
    "deposit": add_sent_deposit,
    "journalEntry": add_sent_journal,
}
