"""From Undeposited Funds and other accounts into a bank: the rules of the deposit record.

A deposit holds whole payments out of Undeposited Funds, of the bank account's currency and subsidiary, and other lines
whose amount comes out of an account (or, negative, goes to it: fees). Its total must be above zero. The rules are those
that users report; the texts of the refusals are K.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.netsuite.amounts import fits, fixed
from sandbox.netsuite.answers import DEPOSITED, Refusal
from sandbox.netsuite.books import Books, Row
from sandbox.netsuite.ledger import BANKS, Account, Leg


@dataclass(frozen=True, slots=True)
class OtherLine:
    """`amount` comes out of the account into the bank; in a cash-back line it goes from the deposit to the account."""

    account: object  # as it was named
    amount: int
    memo: str = ""
    entity: int | None = None


@dataclass(frozen=True, slots=True)
class NewDeposit:
    """`subsidiary` None is the bank account's own, `rate` None that of the day."""

    account: object  # as it was named
    day: str  # as stored
    payments: tuple[int, ...] = ()
    others: tuple[OtherLine, ...] = ()
    cash_back: tuple[OtherLine, ...] = ()
    subsidiary: int | None = None
    rate: Decimal | None = None


def add_deposit(books: Books, new: NewDeposit, values: Mapping[str, object]) -> int:
    """Record a deposit; Refusal leaves it to the caller's `saving` to forget all of it."""
    period = books.periods.require_open(new.day)
    bank, subsidiary, currency = _bank(books, new)
    symbol = books.symbol(currency)
    rate = new.rate if new.rate is not None else books.ledger.rate(currency, subsidiary, new.day)
    payments = [_payment(books, payment, currency, subsidiary) for payment in dict.fromkeys(new.payments)]
    others = [*new.others, *(OtherLine(line.account, -line.amount, line.memo, line.entity) for line in new.cash_back)]
    legs = [_payment_leg(books, payment) for payment in payments]
    legs += [_other_leg(books, line, currency, subsidiary) for line in others]
    total = -sum(leg.amount for leg in legs)
    if total <= 0:
        raise Refusal("deposit_total", total=fixed(total, symbol))
    deposit_id = books.insert_transaction(
        "Deposit",
        {
            "entity": None,
            "currency": currency,
            "exchangerate": str(rate),
            "trandate": new.day,
            "postingperiod": period,
            "_subsidiary": subsidiary,
            "_account": bank.id,
            **values,
        },
        total,
        [Leg(bank.id, total, str(values.get("memo") or "")), *legs],
    )
    books.change("transaction", deposit_id, {"tranid": f"DEP{deposit_id}"})
    sequence = books.sequence(f"netsuite.deposit_added {deposit_id} {values.get('externalid') or ''}".rstrip())
    books.change("transaction", deposit_id, {"_sequence": sequence})
    for payment in payments:
        books.link(payment, books.transaction(deposit_id), payment["_amount"], DEPOSITED, sequence)
        books.change("transaction", payment["id"], {"lastmodifieddate": books.now()})
        books.settle(payment["id"])
    books.settle(deposit_id)
    return deposit_id


def _bank(books: Books, new: NewDeposit) -> tuple[Account, int, int]:
    """The bank account, and the subsidiary and currency that the deposit has by it."""
    found = books.row("SELECT subsidiary FROM account WHERE id = ?", new.account)
    own = found["subsidiary"] if found is not None else None
    subsidiary = int(new.subsidiary or own or books.rows("SELECT MIN(id) AS id FROM subsidiary")[0]["id"])
    bank = books.ledger.account(new.account, "account", subsidiary, BANKS)
    return bank, subsidiary, bank.currency or books.ledger.base(subsidiary)


def _payment(books: Books, payment_id: int, currency: int, subsidiary: int) -> Row:
    """A payment that may be deposited now: it waits in Undeposited Funds, in this currency and subsidiary."""
    payment = books.row("SELECT * FROM \"transaction\" WHERE id = ? AND type = 'CustPymt'", payment_id)
    if payment is None or payment["voided"] == "T" or payment["_undeposited"] != "T":
        raise Refusal("no_payment_line", payment=payment_id)
    if books.deposit_of(payment_id) is not None or payment["_subsidiary"] != subsidiary:
        raise Refusal("no_payment_line", payment=payment_id)
    if payment["currency"] != currency:
        symbols = {"currency": books.symbol(payment["currency"]), "own": books.symbol(currency)}
        raise Refusal("payment_currency", payment=payment_id, **symbols)
    return payment


def _payment_leg(books: Books, payment: Row) -> Leg:
    """Out of Undeposited Funds, at what the payment put in there."""
    sql = "SELECT netamount FROM transactionline WHERE \"transaction\" = ? AND mainline = 'T'"
    base = books.rows(sql, payment["id"])[0]["netamount"]
    more = {"createdfrom": payment["id"]}
    undeposited = books.ledger.roles["undeposited"]
    return Leg(undeposited, -payment["_amount"], payment["memo"] or "", -base, payment["entity"], more)


def _other_leg(books: Books, line: OtherLine, currency: int, subsidiary: int) -> Leg:
    symbol = books.symbol(currency)
    if not line.amount or not fits(line.amount, symbol):
        raise Refusal("bad_amount", field="amount", amount=fixed(line.amount, symbol), currency=symbol)
    account = books.ledger.account(line.account, "account", subsidiary)
    books.ledger.require_currency(account, currency, subsidiary)
    return Leg(account.id, -line.amount, line.memo, entity=line.entity)
