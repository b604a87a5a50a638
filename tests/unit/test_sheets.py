"""The report as files: what a spreadsheet gets are values, and nothing in them ever runs."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from connector import display, sheets
from connector.errors import ConfigError
from connector.money import Money
from connector.reports import AgeingRow, BalanceRow, Measure, PausedRow, Report, Source

ON = date(2026, 11, 2)
NS = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def ageing(currency: str, *minor: int, subsidiary: str = "1") -> AgeingRow:
    """Amounts of the five buckets."""
    parts = [Money(one, currency) for one in minor]
    return AgeingRow(currency, 3, *parts, Money.total(parts, currency), subsidiary=subsidiary)


REPORT = Report(
    on=ON,
    as_of=datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
    ageing=(ageing("USD", 100, 200, 0, 0, 100), ageing("JPY", 0, 0, 7, 0, 0), ageing("KWD", 1500, 0, 0, 0, 0)),
    measures=(
        Measure("dso", Decimal("41.50"), "closing AR / credit sales x days", "days", "USD", "1"),
        Measure("cei", None, "(opening AR + ...) / ...", "percent", "USD", "1"),
        Measure("closing_ar", Money(-5000, "USD"), "AR at the end", "", "USD", "1"),
    ),
    first_on=date(2026, 8, 3),
    months=3,
    source=Source.ERP,
    paused=(
        PausedRow(
            kind="credit_memo",
            currency="USD",
            count=2,
            days_0_7=Money(100, "USD"),
            days_8_30=Money(0, "USD"),
            days_31_60=Money(0, "USD"),
            days_over_60=Money(250, "USD"),
            total=Money(350, "USD"),
            without_owner=1,
            without_end=0,
            past_end=2,
        ),
    ),
    clearing=(BalanceRow(ON, "USD", "", "fees", "fees", Money(-290, "USD"), 2, ("=2+5", "00123")),),
    notes=("Currencies are not added up.",),
)


def rows(report: Report) -> list[dict[str, str]]:
    file = io.StringIO()
    sheets.write_csv(report, file)
    return list(csv.DictReader(io.StringIO(file.getvalue())))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=cmd()", "'=cmd()"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_a_text_that_a_spreadsheet_would_run_is_quoted(text: str, shown: str) -> None:
    assert shown == sheets.quoted(text)


def test_an_amount_below_zero_stays_a_number_in_the_csv() -> None:
    assert ["-2.90"] == [row["value"] for row in rows(REPORT) if row["section"] == "clearing"]


def test_the_csv_has_a_row_a_figure_with_its_day_and_what_it_is_made_by() -> None:
    found = {(row["section"], row["currency"], row["item"]): row for row in rows(REPORT)}

    assert {"2026-11-02"} == {row["on"] for row in found.values()}
    assert ("1.00", "4.00", "3") == (
        found["ageing", "USD", "not_due"]["value"],
        found["ageing", "USD", "total"]["value"],
        found["ageing", "USD", "total"]["count"],
    )
    assert ("7", "1.500") == (found["ageing", "JPY", "total"]["value"], found["ageing", "KWD", "total"]["value"])
    assert "50.00" == found["ageing", "USD", "days_1_30_percent"]["value"]
    assert ("41.50", "days") == (found["measures", "USD", "dso"]["value"], found["measures", "USD", "dso"]["unit"])
    assert "n/a" == found["measures", "USD", "cei"]["value"]
    assert "2026-08-03 to 2026-11-02, 92 days" == found["parameters", "", "period"]["value"]


def test_paused_value_stands_by_age_with_what_is_lacking() -> None:
    found = {row["item"]: (row["value"], row["count"]) for row in rows(REPORT) if row["section"] == "paused"}
    (sheet,) = [one for one in sheets.tables(REPORT) if one.name == "Paused"]

    assert ("1.00", "") == found["credit_memo_days_0_7"]
    assert ("2.50", "") == found["credit_memo_days_over_60"]
    assert ("3.50", "2") == found["credit_memo_total"]
    assert [("1", "1"), ("0", "0"), ("2", "2")] == [
        found[f"credit_memo_{name}"] for name in ("without_owner", "without_end", "past_end")
    ]
    assert ("credit memo",) == sheet.column("why")
    assert (Money(350, "USD"),) == sheet.column("total")


def test_a_record_from_outside_cannot_begin_a_cell_of_the_csv() -> None:
    made = replace(REPORT, clearing=(replace(REPORT.clearing[0], label="=1+1", subsidiary="-cmd"),))
    (found,) = [row for row in rows(made) if row["section"] == "clearing"]

    assert ("'-cmd", "'=1+1 =2+5 00123") == (found["subsidiary"], found["detail"])


# ---- the workbook ----


class Workbook:
    """What a spreadsheet would read, cell by cell: (type, value) by place."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as packed:
            self.parts = {name: packed.read(name).decode() for name in packed.namelist()}
        shared = ElementTree.fromstring(self.parts["xl/sharedStrings.xml"])
        self._texts = ["".join(one.itertext()) for one in shared.findall("x:si", NS)]
        book = ElementTree.fromstring(self.parts["xl/workbook.xml"])
        self.names = [one.attrib["name"] for one in book.findall(".//x:sheet", NS)]

    def page(self, name: str) -> ElementTree.Element:
        return ElementTree.fromstring(self.parts[f"xl/worksheets/sheet{self.names.index(name) + 1}.xml"])

    def rows(self, name: str) -> list[list[object]]:
        """Numbers as Decimal, texts as str."""
        return [
            [self._value(cell) for cell in row.findall("x:c", NS)] for row in self.page(name).findall(".//x:row", NS)
        ]

    def _value(self, cell: ElementTree.Element) -> object:
        text = cell.findtext("x:v", "", NS)
        return self._texts[int(text)] if cell.get("t") == "s" else Decimal(text)


@pytest.fixture
def workbook(tmp_path: Path) -> Workbook:
    display.write_workbook(REPORT, tmp_path / "report.xlsx")
    return Workbook(tmp_path / "report.xlsx")


def test_the_workbook_has_a_sheet_a_table(workbook: Workbook) -> None:
    first, then = ["Ageing", "Ageing percent", "AR control", "Measures"], ["Paused", "Connector", "Clearing", "Opening"]

    assert [*first, *then] == workbook.names


def test_amounts_are_numbers_to_the_last_digit(workbook: Workbook) -> None:
    found = workbook.rows("Ageing")

    assert ["USD", "1", *(Decimal(n) for n in ("3", "1.00", "2.00", "0.00", "0.00", "1.00", "4.00"))] in found
    assert Decimal("1.500") == next(row for row in found if row[0] == "KWD")[-1]
    assert Decimal("-2.90") in workbook.rows("Clearing")[-1]


def test_each_currency_has_its_own_decimals(workbook: Workbook) -> None:
    looks = set()
    for row in workbook.page("Ageing").findall(".//x:row", NS)[-3:]:
        looks.add(row.findall("x:c", NS)[-1].get("s"))

    assert 3 == len(looks)
    assert 'formatCode="#,##0.000"' in workbook.parts["xl/styles.xml"]


def test_ids_and_what_looks_like_a_formula_are_text(workbook: Workbook) -> None:
    assert "=2+5, 00123" == workbook.rows("Clearing")[-1][-1]
    assert [] == workbook.page("Clearing").findall(".//x:f", NS)
    assert "n/a" in next(row for row in workbook.rows("Measures") if row and row[0] == "CEI")


def test_every_sheet_says_by_what_it_was_made_and_its_head_stays_in_view(workbook: Workbook) -> None:
    for name in workbook.names:
        found = [row for row in workbook.rows(name) if row]
        pane = workbook.page(name).find(".//x:pane", NS)

        assert ["day", "2026-11-02"] in found
        assert ["as of", "2026-11-02 09:30:00 UTC"] in found
        assert ["note", "Currencies are not added up."] in found
        assert pane is not None
        assert "frozen" == pane.get("state")


def test_an_amount_of_more_digits_than_a_spreadsheet_keeps_is_text(tmp_path: Path) -> None:
    for minor, kept in ((999_999_999_999_999, Decimal("9999999999999.99")), (10**15, "10000000000000.00")):
        big = replace(REPORT, ageing=(ageing("USD", minor, 0, 0, 0, 0),))
        display.write_workbook(big, tmp_path / "big.xlsx")

        assert kept == Workbook(tmp_path / "big.xlsx").rows("Ageing")[-1][-1]


@pytest.mark.parametrize("write", [display.write_csv, display.write_workbook])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, write: object) -> None:
    with pytest.raises(ConfigError, match=r"Could not write .*absent"):
        write(REPORT, tmp_path / "absent" / "report")  # type: ignore[operator]


# ---- for people ----


def shown(report: Report) -> str:
    console = Console(width=300)
    with console.capture() as said:
        display.show_report(console, report)
    return said.get()


def test_subsidiaries_show_only_where_there_are_several() -> None:
    several = replace(REPORT, ageing=(*REPORT.ageing, ageing("USD", 1, 0, 0, 0, 0, subsidiary="2")))

    assert "subsidiary" not in shown(REPORT)
    assert "subsidiary" in shown(several)


def test_an_erp_that_is_away_is_said_before_anything_else() -> None:
    away = replace(REPORT, source=Source.STORE, trouble="NetSuite answered 503.")
    lines = shown(away).splitlines()

    assert "The ERP could not be asked; this is what the store knows. NetSuite answered 503." in lines[:5]
    assert "Ageing against the AR control accounts: none" in lines
