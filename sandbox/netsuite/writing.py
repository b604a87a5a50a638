"""What a SOAP write does to the books, one record at a time: add, update, upsert.

Each returns the record's place; a Refusal leaves no trace of that record and says nothing about the others of its list.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.netsuite.amounts import fits, fixed
from sandbox.netsuite.answers import RECORD_PERMISSIONS, Refusal
from sandbox.netsuite.applying import NewPayment, add_payment, apply
from sandbox.netsuite.books import Books, Row
from sandbox.netsuite.catalogue import RecordType
from sandbox.netsuite.sent import Reference, Sent, custom_values, truth_value

TRANSACTION_TYPES = {"customerPayment": "CustPymt", "invoice": "CustInvc", "creditMemo": "CustCred"}


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
    _permit(books, sent)
    if sent.external_id and _find(books, sent, by_external_id=True) is not None:
        raise Refusal("exists")
    if sent.kind == "customerPayment":
        return _place(books, sent, _add_payment(books, sent))
    if sent.kind == "customRecord":
        return _place(books, sent, _add_custom_record(books, sent))
    raise Refusal("not_played", what=f"adding {sent.kind} records")


def update(books: Books, sent: Sent) -> Place:
    """Change what was sent and nothing else. By internal id, else by external id."""
    _permit(books, sent)
    row = _find(books, sent, by_external_id=not sent.internal_id)
    if row is None:
        raise Refusal("absent")
    return _update(books, sent, row)


def upsert(books: Books, sent: Sent) -> Place:
    """Add or update by external id alone."""
    _permit(books, sent)
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


def _permit(books: Books, sent: Sent) -> None:
    needed = permission(books, sent)
    if needed in books.revoked:
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


def _resolve(books: Books, given: Reference | None, table: str, field: str) -> int | None:
    """The row that a reference names; None when there is no reference."""
    if given is None or not (given.internal_id or given.external_id):
        return None
    key, value = ("id", given.internal_id) if given.internal_id else ("externalid", given.external_id)
    if key == "externalid" and table != "customer":
        raise Refusal("bad_reference", field=field, key=value)
    row = books.row(f'SELECT id FROM "{table}" WHERE {key} = ?', value)
    if row is None:
        raise Refusal("bad_reference", field=field, key=value)
    return int(row["id"])


def _payment_fields(books: Books, sent: Sent) -> dict[str, object]:
    """What of a payment is stored as it was sent."""
    _refuse_unplayed(sent)
    values = _custom(books, sent, "customerPayment")
    for name, column in (("memo", "memo"), ("tranId", "tranid"), ("checkNum", "_checknum")):
        if sent.has(name):
            values[column] = sent.text(name) or None
    if sent.has("account"):
        given = sent.reference("account")
        values |= {"_account": given.internal_id if given else None, "_undeposited": "F"}
    if sent.flag("undepFunds"):
        values |= {"_account": None, "_undeposited": "T"}
    values |= {{"memo": "memo", "checkNum": "_checknum"}[name]: None for name in sent.nulls() & {"memo", "checkNum"}}
    return values


def _refuse_unplayed(sent: Sent) -> None:
    if sent.flag("autoApply"):
        raise Refusal("not_played", what="autoApply")
    for name in ("creditList", "depositList"):
        child = sent.child(name)
        if child is not None and len(child):
            raise Refusal("not_played", what=f"{name} on a payment")


def _custom(books: Books, sent: Sent, record: str) -> dict[str, object]:
    """Custom values to store; a reference to a record that is not there is refused, a nulled field emptied."""
    values = sent.custom(books.catalogue, record)
    for script_id in sent.nulls():
        if script_id in books.catalogue.fields:
            values[script_id] = None
    for script_id, value in values.items():
        field = books.catalogue.fields[script_id]
        if field.type == "SELECT" and value is not None:
            values[script_id] = _resolve(books, Reference(str(value), ""), "transaction", script_id)
    return values


def _add_payment(books: Books, sent: Sent) -> int:
    if sent.reference("customer") is None:
        raise Refusal("wants_value", field="Customer")
    customer_id = _resolve(books, sent.reference("customer"), "customer", "customer")
    customer = books.row("SELECT * FROM customer WHERE id = ?", customer_id)
    if customer is None or customer_id is None:
        raise Refusal("wants_value", field="Customer")
    currency_id = _resolve(books, sent.reference("currency"), "currency", "currency") or customer["currency"]
    subsidiary = _resolve(books, sent.reference("subsidiary"), "subsidiary", "subsidiary")
    if subsidiary not in (None, customer["subsidiary"]):
        raise Refusal("bad_subsidiary_reference", field="customer", key=customer_id, subsidiary=subsidiary)
    symbol = books.symbol(currency_id)
    amount = sent.money("payment", symbol)
    if amount is None:
        raise Refusal("wants_value", field="Payment Amount")
    day = sent.day("tranDate", books.guesses.zone) or f"{books.now()[:10]} 00:00:00"
    values = {"_undeposited": "T", **_payment_fields(books, sent)}
    new = NewPayment(customer_id, currency_id, amount, day, sent.apply_lines(symbol))
    return add_payment(books, new, values | {"externalid": sent.external_id or None, "_made_by": "integration"})


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
    books.require_open_period(row["trandate"])
    for name, table in (("customer", "customer"), ("currency", "currency")):
        given = _resolve(books, sent.reference(name), table, name)
        if given not in (None, row["entity" if name == "customer" else "currency"]):
            raise Refusal("not_played", what=f"changing the {name} of a payment")
    values = _payment_fields(books, sent)
    day = sent.day("tranDate", books.guesses.zone)
    if day is not None:
        values |= {"trandate": day, "postingperiod": books.require_open_period(day)}
    amount = sent.money("payment", symbol)
    if amount is not None:
        if amount <= 0 or not fits(amount, symbol):
            raise Refusal("bad_amount", field="payment", amount=fixed(amount, symbol), currency=symbol)
        values |= {"_amount": amount, "foreigntotal": amount}
        books.db.execute(
            "UPDATE transactionline SET foreignamount = ?, netamount = ? WHERE \"transaction\" = ? AND mainline = 'T'",
            (amount, amount, row["id"]),
        )
    books.change("transaction", row["id"], values | {"lastmodifieddate": books.now()})
    # Without an apply list nothing of it changes, but a smaller amount must still cover what is applied.
    replace_all = sent.has("applyList") and sent.replaces_all("applyList")
    apply(books, row["id"], sent.apply_lines(symbol), replace_all=replace_all)
    books.sequence(f"netsuite.payment_saved {row['id']}")


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
    values = _custom(books, sent, "invoice")
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
        values = custom_values(line.child("customFieldList"), books.catalogue, "invoice")
        books.change("transactionline", lines[number]["uniquekey"], values, key="uniquekey")
    if sent.replaces_all("itemList"):
        for number in set(lines) - named:
            books.db.execute("DELETE FROM transactionline WHERE uniquekey = ?", (lines[number]["uniquekey"],))
        books.retotal(invoice_id)


def _update_customer(books: Books, sent: Sent, row: Row) -> None:
    values = _custom(books, sent, "customer")
    for name, column in (("email", "email"), ("companyName", "companyname")):
        if sent.has(name):
            values[column] = sent.text(name) or None
    inactive = truth_value(sent.text("isInactive"))
    if inactive is not None:
        values["isinactive"] = "T" if inactive else "F"
    books.change("customer", row["id"], values | {"lastmodifieddate": books.now()})
    books.sequence(f"netsuite.customer_saved {row['id']}")


def _custom_record_values(books: Books, sent: Sent) -> dict[str, object]:
    values = _custom(books, sent, record_type(books, sent).script_id)
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
