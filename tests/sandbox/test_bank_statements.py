"""The false bank: what is booked, what it delivers, and that each of its files is what the format says."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from sandbox.bank_statements import BANK_DEEDS
from sandbox.world import serve

NOW = datetime(2026, 11, 2, 17, 0, tzinfo=UTC)
README = Path(__file__).resolve().parents[2] / "sandbox" / "README.md"
ACCOUNT = "DE89370400440532013000"


class Control:
    def __init__(self, url: str, session: requests.Session, folder: Path) -> None:
        self._url, self._session, self.folder = f"{url}/world", session, folder

    def post(self, path: str, **body: object) -> Any:
        response = self._session.post(f"{self._url}/{path}", json=body)
        assert response.ok, response.text
        return response.json()

    def do(self, deed: str, **body: object) -> Any:
        return self.post(f"bank/{deed}", **body)

    def refused(self, deed: str, **body: object) -> tuple[int, str]:
        response = self._session.post(f"{self._url}/bank/{deed}", json=body)
        return response.status_code, response.json()["error"]

    def truth(self) -> Any:
        return self._session.get(f"{self._url}/truth").json()["bank"]

    def delivered(self, format: str, **more: object) -> str:
        return (self.folder / self.do("deliver", account=ACCOUNT, format=format, **more)["file"]).read_text("utf-8-sig")


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with serve(customers=0, now=NOW) as served, requests.Session() as session:
        made = Control(served.url, session, tmp_path)
        made.post("customers", name="Acme Freight", email="ap@acme.example", key="acme")
        made.post("invoices", customer="acme", number="INV-1", amount="500.00")
        made.do("open_account", number=ACCOUNT, currency="EUR", balance="1000.00")
        made.do("deliver_to", folder=str(tmp_path))
        yield made


def test_a_wire_is_booked_and_the_truth_knows_what_it_pays(control: Control) -> None:
    made = control.do(
        "book",
        account=ACCOUNT,
        amount="500.00",
        payer="Acme",
        text="INV-1",
        pays=[{"invoice": "INV-1", "amount": "500.00"}],
    )
    [known] = control.truth()

    assert (made["booking"], "500.00", "wire", "2026-11-02") == (
        known["booking"],
        known["amount"],
        known["kind"],
        known["value_on"],
    )
    assert [("500.00", True)] == [(one["amount"], one["invoice"].isdigit()) for one in known["pays"]]


def test_a_statement_shows_what_was_booked_since_the_one_before(control: Control) -> None:
    control.do("book", account=ACCOUNT, amount="500.00")
    first = control.do("deliver", account=ACCOUNT)
    control.do("book", account=ACCOUNT, amount="-20.00", kind="fee")
    second = control.do("deliver", account=ACCOUNT)

    assert [("1000.00", "1500.00"), ("1500.00", "1480.00")] == [
        (one["opening"], one["closing"]) for one in (first, second)
    ]
    assert first["file"] != second["file"]
    assert {first["file"], second["file"]} == {path.name for path in control.folder.iterdir()}


def test_what_is_kept_is_shown_once_more_and_a_report_closes_nothing(control: Control) -> None:
    control.do("book", account=ACCOUNT, amount="500.00")
    control.do("deliver", account=ACCOUNT, interim=True)
    kept = control.do("deliver", account=ACCOUNT, keep=True)
    control.do("book", account=ACCOUNT, amount="1.00")

    assert ("1000.00", "1501.00") == ((last := control.do("deliver", account=ACCOUNT))["opening"], last["closing"])
    assert "1500.00" == kept["closing"]


@pytest.mark.parametrize("version", ["02", "04", "08"])
def test_camt_adds_up(control: Control, version: str) -> None:
    control.do("book_batch", account=ACCOUNT, payments=[{"amount": "10.00", "text": "a & b"}, {"amount": "20.00"}])
    control.do("book", account=ACCOUNT, amount="-5.00", kind="fee")
    text = re.sub(r' xmlns="[^"]+"', "", control.delivered("camt", version=version))
    root = ElementTree.fromstring(text)
    signed = [
        (-1 if one.findtext("CdtDbtInd") == "DBIT" else 1) * float(one.findtext("Amt") or "")
        for one in (*root.iter("Bal"), *root.iter("Ntry"))
    ]

    assert [1000.0, 1025.0, 30.0, -5.0] == signed
    assert 3 == len(list(root.iter("TxDtls")))
    assert "a & b" == root.findtext(".//Ustrd")


def test_mt940_keeps_its_widths(control: Control) -> None:
    control.do("book", account=ACCOUNT, amount="500.00", payer="A" * 40, text="x" * 120, end_to_end="E2E")
    lines = control.delivered("mt940").splitlines()

    assert all(len(line) <= 69 for line in lines)
    assert [":60F:C261102EUR1000,00", ":62F:C261102EUR1500,00"] == [
        line for line in lines if line.startswith((":60F:", ":62F:"))
    ]
    assert any(re.match(r":61:2611021102C500,00S103NONREF//BK\d{8}$", line) for line in lines)


def test_bai2_counts_its_records_and_sums(control: Control) -> None:
    control.do("book", account=ACCOUNT, amount="500.00", payer="Acme", text="INV-1")
    control.do("book", account=ACCOUNT, amount="-20.00", kind="fee")
    lines = [line.rstrip("/").split(",") for line in control.delivered("bai2").splitlines()]
    amounts = [int(line[2]) for line in lines if line[0] == "16"]

    assert ["01", "02", "03", "88", "16", "88", "16", "49", "98", "99"] == [line[0] for line in lines]
    assert [50000, 2000] == amounts
    assert [100000 + 148000 + 50000 + 2000 + 52000] * 3 == [int(line[1]) for line in lines[-3:]]
    assert [6, 8, 10] == [int(line[-1]) for line in lines[-3:]]


def test_csv_is_newest_first_with_the_balance_after_each_line(control: Control) -> None:
    for amount in ("1500.00", "-20.00"):
        control.do("book", account=ACCOUNT, amount=amount, text="a;b")
    rows = list(csv.reader(io.StringIO(control.delivered("csv")), delimiter=";"))[2:]

    assert [["-20,00", "2.480,00"], ["1.500,00", "2.500,00"]] == [[row[3], row[10]] for row in rows[1:]]
    assert all(row[7] == "a;b" for row in rows[1:])


def test_what_is_announced_arrives_or_is_withdrawn(control: Control) -> None:
    one, other = (
        control.do("book", account=ACCOUNT, amount=amount, announced=True)["booking"] for amount in ("5.00", "6.00")
    )
    control.do("book_announced", booking=one)
    control.do("withdraw_announced", booking=other)

    assert "1005.00" == control.do("deliver", account=ACCOUNT)["closing"]
    assert 409 == control.refused("book_announced", booking=one)[0]


def test_a_receipt_is_given_back(control: Control) -> None:
    booking = control.do("book", account=ACCOUNT, amount="50.00", end_to_end="E1")["booking"]
    control.do("give_back", booking=booking)

    assert "1000.00" == control.do("deliver", account=ACCOUNT)["closing"]
    assert ["50.00", "-50.00"] == [one["amount"] for one in control.truth()]


def test_what_is_not_known_is_refused(control: Control) -> None:
    assert 404 == control.refused("book", account="nobody", amount="1.00")[0]
    assert 404 == control.refused("rob")[0]
    assert 400 == control.refused("book", account=ACCOUNT, amount="1.001")[0]
    assert 400 == control.refused("book", account=ACCOUNT, amount="1.00", kind="gift")[0]
    assert 400 == control.refused("book", account=ACCOUNT, amount="1.00", colour="red")[0]
    assert 400 == control.refused("deliver", account=ACCOUNT, format="pdf")[0]
    assert 409 == control.refused("open_account", number=ACCOUNT)[0]
    assert 409 == control.refused("deliver_to", folder="/nowhere/at/all")[0]


def test_every_deed_is_in_the_readme() -> None:
    told = README.read_text(encoding="utf-8")

    assert [] == [deed for deed in sorted(BANK_DEEDS) if f"`{deed} " not in told]
