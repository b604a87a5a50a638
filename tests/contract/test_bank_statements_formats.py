"""The same days of one bank, delivered in four formats, are the same payments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.adapters.bank_statement import BankStatementMapping, BankStatements, BankStatementSettings
from connector.ports import PaymentRead
from connector.receivables import Payment, PaymentState
from sandbox.bank_statements import Bank

FORMATS = ["camt", "mt940", "bai2", "csv"]
START = datetime(2026, 11, 2, 16, tzinfo=UTC)
ACCOUNT = "DE89370400440532013000"
# How the false bank writes its CSV.
PROFILE = {
    "name": "sandbox",
    "delimiter": ";",
    "decimal": ",",
    "thousands": ".",
    "date_format": "%d.%m.%Y",
    "skip_rows": 2,
    "columns": {
        "id": ["Ref"],
        "booked_on": "Buchung",
        "value_on": "Wert",
        "amount": "Betrag",
        "balance": "Saldo",
        "payer_name": "Name",
        "payer_account": "IBAN",
        "payer_bank": "BIC",
        "text": ["Zweck"],
        "end_to_end": "E2E",
        "code": "Art",
        "state": "Status",
    },
    "pending_words": ["vorgemerkt"],
    "return_codes": ["return"],
    "methods": {"wire": "wire", "ach": "ach", "check": "check", "payout": "ach"},
}


def mapping(currency: str) -> BankStatementMapping:
    account = {
        "number": ACCOUNT,
        "currency": currency,
        "ledger_account": "221",
        "cutover_on": "2026-10-01",
        "csv_profile": "sandbox",
        "csv_files": "*.csv",
    }
    payouts = {"kind": "payout", "payer_name": "stripe payments*"}
    return BankStatementMapping.model_validate(
        {"accounts": [account], "not_receipts": [payouts], "csv_profiles": [PROFILE]}
    )


class Days:
    """A bank and a connector on one folder; the clock is the test's."""

    def __init__(self, folder: Path, format: str, currency: str = "EUR") -> None:
        self.at, self.format = START, format
        numbers = iter(range(1, 1000))
        self.bank = Bank(lambda: self.at, lambda what: next(numbers))
        self.bank.deliver_to(str(folder))
        self.bank.open_account(ACCOUNT, currency, "100000")
        folder_settings = BankStatementSettings(folder, is_test=True)
        self.source = BankStatements(folder_settings, mapping(currency), ZoneInfo("Europe/Berlin"), self)
        self.cursor = ""

    def now(self) -> datetime:
        return self.at

    def book(self, amount: str, kind: str = "wire", **more: Any) -> str:
        return str(self.bank.book(ACCOUNT, amount, kind, **more)["booking"])

    def close(self, **more: Any) -> None:
        """The day's statement comes in the night."""
        self.bank.deliver(ACCOUNT, self.format, **more)
        self.at += timedelta(days=1)

    def read(self) -> PaymentRead:
        seen = self.source.read_changed(self.cursor, self.at)
        self.cursor = seen.cursor
        return seen


World = Callable[..., Days]


@pytest.fixture
def world(tmp_path: Path) -> World:
    def made(format: str, currency: str = "EUR") -> Days:
        folder = tmp_path / f"{format}-{currency}"
        folder.mkdir()
        return Days(folder, format, currency)

    return made


def two_days(days: Days, unit: str = ".00") -> Sequence[Payment]:
    """Wires, transfers, checks, a batch, equal ones, a payout, fees, a return the next day; what they come to."""
    days.book(
        f"500{unit}", payer="Acme GmbH", payer_account="DE02120300000000202051", payer_bank="BYLADEM1001",
        text="Invoices INV-1000 and INV-1001, less nothing", end_to_end="E2E-77",
    )  # fmt: skip
    days.book(f"250{unit}", "ach", payer="Beta AG", text="INV-2", value_on="2026-11-01")
    bounced = days.book(f"75{unit}", "ach", payer="Gamma SA", text="INV-3", end_to_end="E2E-78")
    days.book(f"60{unit}", "check", payer="Delta Inc", text="INV-4")
    for _ in range(2):
        days.book(f"9{unit}", "ach", payer="Twin Ltd", text="monthly", reference="")
    days.book(f"970{unit}", "payout", payer="STRIPE PAYMENTS EUROPE", text="STRIPE PAYOUT")
    days.book(f"-19{unit}", "fee", payer="Bank", text="fees")
    parts = [{"amount": f"{n}{unit}", "kind": "ach", "payer": f"Payer {n}", "text": f"INV-{n}"} for n in (11, 12)]
    days.bank.book_batch(ACCOUNT, parts)
    days.close()
    days.read()
    days.bank.give_back(bounced)
    days.book(f"31{unit}", payer="Acme GmbH", text="INV-1002")
    days.close()
    days.cursor = ""
    seen = days.read()

    assert () == seen.parked
    assert datetime(2026, 11, 3, 23, tzinfo=UTC) == seen.fresh_as_of
    return seen.payments


def alike(payments: Sequence[Payment]) -> list[Payment]:
    """Without the ids of entries that have no reference: these come from the very words of their format."""
    bare = [replace(one, id="") if one.payer_name == "Twin Ltd" else one for one in payments]
    return sorted(bare, key=lambda one: (one.amount.minor, one.id))


@pytest.mark.parametrize("format", FORMATS)
def test_each_receipt_is_one_payment_and_nothing_else_is(world: World, format: str) -> None:
    payments = two_days(world(format))

    assert ["9.00", "9.00", "11.00", "12.00", "31.00", "60.00", "75.00", "250.00", "500.00"] == [
        one.amount.plain() for one in sorted(payments, key=lambda one: one.amount.minor)
    ]
    assert ["75.00"] == [one.amount.plain() for one in payments if one.state is PaymentState.RETURNED]
    assert {"221"} == {one.deposit_account for one in payments}


@pytest.mark.parametrize("format", ["mt940", "csv"])
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_formats_that_tell_as_much_are_the_same_payments(world: World, format: str, currency: str) -> None:
    unit = {"EUR": ".00", "JPY": "", "KWD": ".125"}[currency]

    assert alike(two_days(world("camt", currency), unit)) == alike(two_days(world(format, currency), unit))


def test_bai2_tells_less_of_the_payer_and_the_same_of_the_money(world: World) -> None:
    """It has no field for the payer's account."""
    whole = [replace(one, payer_bank="") for one in two_days(world("camt"))]

    assert alike(whole) == alike(two_days(world("bai2")))


@pytest.mark.parametrize("format", ["camt", "mt940", "csv"])
def test_files_that_reach_back_count_each_entry_once(world: World, format: str) -> None:
    """Each file shows all days since Monday."""
    days = world(format)
    for at in range(3):
        days.book("500.00", text="INV-1")
        days.book("9.00", text="monthly", reference="")
        days.close(keep=True, file=f"{at}.{format}")
    seen = days.read()

    assert (6, ()) == (len({one.id for one in seen.payments}), seen.parked)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_comes_again_counts_once(world: World, format: str) -> None:
    days = world(format)
    days.book("500.00", text="INV-1")
    days.book("9.00", text="monthly", reference="")
    days.bank.deliver(ACCOUNT, format, keep=True, file=f"first.{format}")
    first = days.read()
    days.close(file=f"again.{format}")

    assert {one.id for one in first.payments} == {one.id for one in days.source.read_changed("", days.at).payments}
    assert () == days.read().payments


@pytest.mark.parametrize("format", ["camt", "mt940", "bai2"])
def test_what_is_announced_shields_and_is_booked_or_fails(world: World, format: str) -> None:
    days = world(format)
    days.book("500.00", text="INV-1")
    days.bank.deliver(ACCOUNT, format, interim=True)
    announced = days.read()
    days.book("60.00", text="INV-2")
    days.close()
    booked = days.read()

    assert [("500.00", PaymentState.PROCESSING)] == [(one.amount.plain(), one.state) for one in announced.payments]
    assert announced.fresh_as_of.year == 1970
    assert announced.payments[0].id in {one.id for one in booked.payments}
    assert {PaymentState.SUCCEEDED} == {one.state for one in booked.payments}


def test_what_was_announced_and_withdrawn_shields_no_longer(world: World) -> None:
    days = world("camt")
    booking = days.book("500.00", text="INV-1", announced=True)
    days.bank.deliver(ACCOUNT, "camt", interim=True)
    announced = days.read()
    days.bank.withdraw_announced(booking)
    days.close()

    assert [(announced.payments[0].id, PaymentState.FAILED)] == [(one.id, one.state) for one in days.read().payments]


@pytest.mark.parametrize("version", [f"{number:02}" for number in range(2, 14)])
def test_every_version_of_camt_is_the_same(world: World, version: str) -> None:
    days = world("camt")
    parts = [{"amount": f"{n}.00", "kind": "ach", "payer": f"Payer {n}", "text": f"INV-{n}"} for n in (11, 12)]
    days.bank.book_batch(ACCOUNT, parts)
    days.book("5.00", payer="Acme", text="x" * 300, payer_bank="BYLADEM1001", payer_account="DE02120300000000202051")
    days.close(version=version)
    seen = sorted(days.read().payments, key=lambda one: one.amount.minor)

    assert [("5.00", "Acme", "x" * 300), ("11.00", "Payer 11", "INV-11"), ("12.00", "Payer 12", "INV-12")] == [
        (one.amount.plain(), one.payer_name, one.remittance.text) for one in seen
    ]


BOOKINGS = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.integers(-50000, 99999).filter(bool).map(lambda cents: f"{Decimal(cents).scaleb(-2)}"),
            "kind": st.sampled_from(["wire", "ach", "check"]),
            "payer": st.sampled_from(["Acme GmbH & Co", "Beta AG", "Müller <Söhne>", "X" * 54]),
            "payer_account": st.sampled_from(["", "DE02120300000000202051"]),
            "text": st.text(alphabet="ABCxyz019 -.,:+", min_size=1, max_size=200).map(
                lambda text: " ".join(text.split())
            ),
            "end_to_end": st.sampled_from(["", "E2E-1", "NOTPROVIDED"]),
            "later": st.integers(-3, 0),
        }
    ).filter(lambda one: one["text"]),
    max_size=8,
)


@settings(max_examples=30)
@given(days=st.lists(BOOKINGS, min_size=1, max_size=3))
def test_any_days_are_the_same_payments_in_every_format(days: list[list[dict[str, Any]]]) -> None:
    seen = {}
    for format in FORMATS:
        with TemporaryDirectory() as folder:
            world = Days(Path(folder), format)
            for bookings in days:
                for one in bookings:
                    value_on = (world.at + timedelta(days=one["later"])).date().isoformat()
                    world.book(value_on=value_on, **{key: value for key, value in one.items() if key != "later"})
                world.close()
            found = world.read()
        assert () == found.parked
        seen[format] = {one.id: one for one in found.payments}

    assert seen["camt"] == seen["mt940"] == seen["csv"]
    assert {id: replace(one, payer_bank="") for id, one in seen["camt"].items()} == seen["bai2"]
