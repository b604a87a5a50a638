"""SOAP writes of deposits and journal entries: what was sent, as the books' own words."""

from __future__ import annotations

from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.books import Books
from sandbox.netsuite.depositing import NewDeposit, OtherLine, add_deposit
from sandbox.netsuite.journals import JournalLine, NewJournal, add_journal
from sandbox.netsuite.referring import custom, day, resolve
from sandbox.netsuite.sent import Sent


def add_sent_deposit(books: Books, sent: Sent) -> int:
    account = sent.reference("account")
    if account is None or not account.internal_id:
        raise Refusal("wants_value", field="Account")
    payments = [line for line in sent.lines("paymentList") if line.flag("deposit") is not False]
    new = NewDeposit(
        account.internal_id,
        day(books, sent),
        tuple(int(_needed(line, "id")) for line in payments),
        _other_lines(books, sent, "otherList"),
        _other_lines(books, sent, "cashBackList"),
        resolve(books, sent.reference("subsidiary"), "subsidiary", "subsidiary"),
        sent.rate(),
    )
    return add_deposit(books, new, _common(books, sent, "deposit"))


def _other_lines(books: Books, sent: Sent, name: str) -> tuple[OtherLine, ...]:
    lines = []
    for line in sent.lines(name):
        amount = line.money("amount", "the account's currency")
        if amount is None:
            raise Refusal("wants_value", field="Amount")
        entity = resolve(books, line.reference("entity"), "customer", "entity")
        lines.append(OtherLine(_account(line), amount, line.text("memo") or "", entity))
    return tuple(lines)


def add_sent_journal(books: Books, sent: Sent) -> int:
    subsidiary = resolve(books, sent.reference("subsidiary"), "subsidiary", "subsidiary")
    if subsidiary is None:
        if books.catalogue.one_world and books.rows("SELECT COUNT(*) AS n FROM subsidiary")[0]["n"] > 1:
            raise Refusal("wants_value", field="Subsidiary")
        subsidiary = int(books.rows("SELECT MIN(id) AS id FROM subsidiary")[0]["id"])
    if sent.flag("approved") is False:
        raise Refusal("not_played", what="journals that wait for approval")
    currency = resolve(books, sent.reference("currency"), "currency", "currency") or books.ledger.base(subsidiary)
    symbol = books.symbol(currency)
    lines = tuple(_journal_line(books, line, symbol) for line in sent.lines("lineList"))
    new = NewJournal(day(books, sent), subsidiary, currency, lines, sent.rate())
    return add_journal(books, new, _common(books, sent, "journalEntry"))


def _journal_line(books: Books, line: Sent, symbol: str) -> JournalLine:
    debit, credit = (line.money(name, symbol) or 0 for name in ("debit", "credit"))
    entity = resolve(books, line.reference("entity"), "customer", "entity")
    return JournalLine(_account(line), debit, credit, line.text("memo") or "", entity)


def _account(line: Sent) -> str:
    given = line.reference("account")
    if given is None or not given.internal_id:
        raise Refusal("wants_value", field="Account")
    return given.internal_id


def _needed(line: Sent, name: str) -> str:
    text = line.text(name)
    if not text:
        raise Refusal("wants_value", field=name)
    return text


def _common(books: Books, sent: Sent, record: str) -> dict[str, object]:
    values = custom(books, sent, record)
    return values | {
        "memo": sent.text("memo") or None,
        "externalid": sent.external_id or None,
        "_made_by": "integration",
    }
