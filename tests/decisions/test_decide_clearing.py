"""Do the ledger's clearing account and the processor's balance agree, and if not, by what?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from decision_cases import usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import clearing
from connector.decisions.clearing import ClearingKind, ClearingProof, Movement, PayoutOut
from connector.money import Money, MoneyError
from connector.settlement import BalanceTransaction, Category


def movement(
    id: str,
    category: str,
    amount: str,
    fee: str = "0.00",
    *,
    payment_id: str = "",
    booked: str = "0.00",
    deposited: bool = False,
) -> Movement:
    at = datetime(2026, 10, 6, tzinfo=UTC)
    values = (Category(category), usd(amount), usd(fee), usd(amount) - usd(fee), at, date(2026, 10, 6))
    return Movement(BalanceTransaction(id, *values, payment_id=payment_id), usd(booked), deposited)


def prove(
    ledger: str, processor: str, *movements: Movement, payouts: tuple[PayoutOut, ...] = (), **more: Any
) -> ClearingProof:
    return clearing.decide(usd(ledger), usd(processor), movements, payouts, **more)


def items(proof: ClearingProof) -> dict[str, str]:
    return {item.kind.value: item.amount.plain() for item in proof.items}


def test_with_everything_paid_out_and_booked_both_are_nothing():
    proof = prove("0.00", "0.00", payouts=(PayoutOut("po_1", usd("100.00"), is_deposited=True),))

    assert ((), usd("0.00"), usd("0.00")) == (proof.items, proof.expected, proof.unexplained)


# Each row is one fact alone: what the ledger then holds more than the processor.
FACTS = [
    ("opening", "-40.00", "-40.00", {"opening": usd("-40.00")}),
    ("in_transit", "90.00", "90.00", {"payouts": (PayoutOut("po_1", usd("90.00"), is_deposited=False),)}),
    ("bounced", "-90.00", "-90.00", {"payouts": (PayoutOut("po_1", usd("90.00"), True, came_back=True),)}),
    ("not_posted", "-100.00", "-100.00", {"of": movement("t1", "charge", "100.00", payment_id="ch_1")}),
    ("refunds", "30.00", "30.00", {"of": movement("t1", "refund", "-30.00", payment_id="ch_1")}),
    ("refunds", "30.00", "30.00", {"of": movement("t1", "charge_failure", "-30.00", payment_id="ch_1")}),
    ("refunds", "-30.00", "-30.00", {"of": movement("t1", "refund_failure", "30.00", payment_id="ch_1")}),
    ("fees", "3.00", "3.00", {"of": movement("t1", "charge", "100.00", "3.00", payment_id="ch_1", booked="100.00")}),
    ("fees", "2.00", "2.00", {"of": movement("t1", "fee", "-2.00")}),
    ("fees", "1.00", "1.00", {"of": movement("t1", "payout", "-50.00", "1.00")}),
    ("disputes", "80.00", "80.00", {"of": movement("t1", "dispute", "-80.00", payment_id="ch_1")}),
    ("disputes", "-80.00", "-80.00", {"of": movement("t1", "dispute_reversal", "80.00", payment_id="ch_1")}),
    ("adjustments", "5.00", "5.00", {"of": movement("t1", "adjustment", "-5.00")}),
    ("adjustments", "5.00", "5.00", {"of": movement("t1", "reserve", "-5.00")}),
    ("not_understood", "5.00", "5.00", {"of": movement("t1", "unknown", "-5.00")}),
    ("only_in_ledger", "60.00", "60.00", {"only_in_ledger": (("7001", usd("60.00")),)}),
]


@pytest.mark.parametrize(("kind", "more_in_ledger", "amount", "facts"), FACTS)
def test_each_difference_has_its_name(kind, more_in_ledger, amount, facts):
    of = (facts["of"],) if "of" in facts else ()
    more = {name: value for name, value in facts.items() if name != "of"}
    proof = prove(more_in_ledger, "0.00", *of, **more)

    assert {kind: amount} == items(proof)
    assert usd("0.00") == proof.unexplained


def test_every_kind_has_a_row():
    assert set(ClearingKind) == {row[0] for row in FACTS}


def test_what_has_no_name_is_unexplained_and_shown():
    proof = prove("512.34", "485.20", movement("t1", "charge", "500.00", "14.80", payment_id="ch_1", booked="500.00"))

    assert ({"fees": "14.80"}, usd("500.00"), usd("12.34")) == (items(proof), proof.expected, proof.unexplained)


@pytest.mark.parametrize(
    ("booked", "refund_booked", "named"),
    [
        ("500.00", "-100.00", {}),
        # Posted with what was left after the refund: the refund needs no entry.
        ("400.00", "0.00", {}),
        ("0.00", "0.00", {"not_posted": "-500.00", "refunds": "100.00"}),
        ("500.00", "0.00", {"refunds": "100.00"}),
    ],
)
def test_a_payment_posted_less_what_was_given_back_before_is_no_difference(booked, refund_booked, named):
    pair = (
        movement("t1", "charge", "500.00", payment_id="ch_1", booked=booked),
        movement("t2", "refund", "-100.00", payment_id="ch_1", booked=refund_booked),
    )
    in_ledger = (usd(booked) + usd(refund_booked)).plain()

    assert named == items(prove(in_ledger, "400.00", *pair))
    assert usd("0.00") == prove(in_ledger, "400.00", *pair).unexplained


def test_an_item_counts_all_and_names_five():
    charges = [movement(f"t{n}", "charge", "1.00", payment_id=f"ch_{n}") for n in range(7)]
    (item,) = prove("0.00", "7.00", *charges).items

    assert "payments received and not posted" == item.label
    assert (ClearingKind.NOT_POSTED, 7, ("ch_0", "ch_1", "ch_2", "ch_3", "ch_4")) == (item.kind, item.count, item.ids)


def test_two_currencies_are_not_one_proof():
    with pytest.raises(MoneyError):
        clearing.decide(usd("1.00"), Money(1, "EUR"), (), ())


# ---- for any history ----


@dataclass
class Books:
    """Both sides as they are really kept: the processor's balance, and the ledger's clearing account."""

    ledger: int = 0
    processor: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    payouts: list[dict[str, Any]] = field(default_factory=list)
    alone: list[tuple[str, Money]] = field(default_factory=list)

    def move(self, category: Category, amount: int, fee: int, payment_id: str = "") -> None:
        self.processor += amount - fee
        values = {"category": category, "amount": amount, "fee": fee, "payment_id": payment_id, "booked": 0}
        self.rows.append(values | {"payout": None, "id": f"txn_{len(self.rows)}"})

    def book(self, row: dict[str, Any], amount: int) -> None:
        self.ledger += amount
        row["booked"] += amount

    def pay_out(self, automatic: bool, share: int) -> None:
        waiting = [row for row in self.rows if row["payout"] is None] if automatic else []
        amount = sum(row["amount"] - row["fee"] for row in waiting) if automatic else self.processor * share // 100
        for row in waiting:
            row["payout"] = len(self.payouts)
        self.processor -= amount
        self.payouts.append(
            {"amount": amount, "members": waiting, "deposited": False, "back": False, "auto": automatic}
        )

    def deposit(self, payout: dict[str, Any]) -> None:
        """One clearing line: payments and refunds gross, or all of a payout made by hand."""
        own = (Category.CHARGE, Category.REFUND)
        gross = sum(row["amount"] for row in payout["members"] if row["category"] in own)
        self.ledger -= gross if payout["auto"] else payout["amount"]
        payout["deposited"] = True

    def bounce(self, payout: dict[str, Any]) -> None:
        self.processor += payout["amount"]
        payout["back"] = True

    def proof(self, off: int = 0) -> ClearingProof:
        at, on = datetime(2026, 10, 6, tzinfo=UTC), date(2026, 10, 6)
        known = []
        for row in self.rows:
            amount, fee = Money(row["amount"], "USD"), Money(row["fee"], "USD")
            one = BalanceTransaction(
                row["id"], row["category"], amount, fee, amount - fee, at, on, "", row["payment_id"]
            )
            deposited = row["payout"] is not None and self.payouts[row["payout"]]["deposited"]
            known.append(Movement(one, Money(row["booked"], "USD"), deposited))
        out = [
            PayoutOut(f"po_{number}", Money(one["amount"], "USD"), one["deposited"], one["back"])
            for number, one in enumerate(self.payouts)
        ]
        ledger, processor = Money(self.ledger + off, "USD"), Money(self.processor, "USD")
        return clearing.decide(ledger, processor, known, out, only_in_ledger=self.alone)


DEEDS = (
    "charge",
    "post",
    "refund",
    "book refund",
    "dispute",
    "fee",
    "pay out",
    "by hand",
    "deposit",
    "bounce",
    "by others",
)


def live(books: Books, deed: str, minor: int, pick: int) -> None:
    """One thing that happens on one of the two sides."""
    charges = [row for row in books.rows if row["category"] is Category.CHARGE]
    some = charges[pick % len(charges)] if charges else None
    standing = [one for one in books.payouts if not one["deposited"] and not one["back"]]
    settled = [one for one in books.payouts if not one["back"]]
    if deed == "charge":
        books.move(Category.CHARGE, minor, minor * 3 // 100, f"ch_{len(books.rows)}")
    elif deed == "post" and some and not some["booked"]:
        books.book(some, some["amount"])
    elif deed == "refund" and some:
        books.move(Category.REFUND, -min(minor, some["amount"]), 0, some["payment_id"])
    elif deed == "book refund":
        for row in books.rows:
            if row["category"] is Category.REFUND and not row["booked"]:
                return books.book(row, row["amount"])
    elif deed == "dispute" and some:
        books.move(Category.DISPUTE, -some["amount"], 1500, some["payment_id"])
    elif deed == "fee":
        books.move(Category.FEE, -minor % 500, 0)
    elif deed in ("pay out", "by hand"):
        books.pay_out(deed == "pay out", pick % 100)
    elif deed == "deposit" and standing:
        books.deposit(standing[pick % len(standing)])
    elif deed == "bounce" and settled:
        books.bounce(settled[pick % len(settled)])
    elif deed == "by others":
        books.ledger += minor
        books.alone.append((f"erp-{len(books.alone)}", Money(minor, "USD")))
    return None


@given(
    st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(1, 10**7), st.integers(0, 10**6)), max_size=60),
    st.integers(-(10**6), 10**6),
)
def test_on_every_day_of_any_history_every_cent_has_a_name_and_only_what_nobody_did_is_unexplained(deeds, off):
    books = Books()
    for deed, minor, pick in deeds:
        live(books, deed, minor, pick)

        assert Money(0, "USD") == books.proof().unexplained
    proof = books.proof(off)

    assert Money(off, "USD") == proof.unexplained
    assert proof.ledger == proof.expected + proof.unexplained
    assert proof.expected == proof.processor + Money.total((item.amount for item in proof.items), "USD")
