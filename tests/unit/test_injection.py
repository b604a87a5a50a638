"""What the ERP, customers and banks write is words: no template, header, formula, markup or terminal ever obeys it."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest
from damage import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from connector import display, sheets
from connector.adapters.email import MailSettings, Refused, Templates, compose
from connector.money import Money
from connector.ports import MailItem, ReminderMail

FOLDER = Path(__file__).resolve().parents[2] / "mappings" / "templates"
NAMES = sorted(path.name.removesuffix(".txt.j2") for path in FOLDER.glob("[!_]*.txt.j2"))
SETTINGS = MailSettings("localhost", 25, pay_domains=("pay.example",))
TEMPLATES = Templates(FOLDER, SETTINGS.pay_domains)
WHEN = "Mon, 23 Nov 2026 12:00:00 +0000"
USD = Money(100, "USD")
HEADERS = {
    "Subject", "From", "To", "Cc", "Reply-To", "Date", "Message-ID", "Auto-Submitted", "X-AR-Reminder", "MIME-Version",
    "Content-Type",
}  # fmt: skip
CODE = (
    "{{ 7 * 191 }}",
    "{% for x in [1] %}{{ 7 * 191 }}{% endfor %}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{# gone #}",
    "${7*191}",
    "#{7*191}",
)
MARKUP = "<script>alert('1')</script><img src=x onerror=\"y\"><a href='https://evil.example'>Pay here</a>&amp;"


def mail(**changes: object) -> ReminderMail:
    item = MailItem("INV-1", date(2026, 9, 24), 7, USD, USD, "+7", "https://pay.example/1", "PO-1", USD, ("support",))
    made = ReminderMail(
        message_id="<arc-1@billing.example>", customer_name="Northfield", to="ap@northfield.example",
        sender="billing@seller.example", reply_to="ar@seller.example", template="firm", on=date(2026, 10, 1),
        items=(item,), cc=("cc@northfield.example",),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def everywhere(text: str, **changes: object) -> ReminderMail:
    """A mail that has this text in every place that the ERP fills."""
    made = mail(**changes)
    item = replace(made.items[0], number=text, po_number=text, disputed_lines=(text,), pay_url=text)
    return replace(made, customer_name=text, items=(item,))


def bodies(message: EmailMessage) -> tuple[str, str]:
    text, page = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    assert text is not None and page is not None
    return text.get_content(), page.get_content()


# ---- templates ----


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", CODE)
def test_what_the_erp_writes_is_never_run_by_a_template(name: str, code: str) -> None:
    text, page = bodies(compose(everywhere(code, template=name), TEMPLATES, SETTINGS, WHEN))

    assert code in text and "1337" not in text
    assert code in html.unescape(page) and "1337" not in page


@pytest.mark.parametrize("name", NAMES)
def test_what_the_erp_writes_is_never_markup(name: str) -> None:
    _, page = bodies(compose(everywhere(MARKUP, template=name), TEMPLATES, SETTINGS, WHEN))

    assert not re.search(r"<script|<img|evil\.example'>|onerror=\"", page)
    assert MARKUP in html.unescape(page)


@pytest.mark.parametrize(
    "written",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ items.__class__.__base__.__subclasses__() }}",
        "{{ customer_name.format.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{% include '../policy.yaml' %}",
        "{{ range(999999999) | list }}",
        "{{ self.__init__.__globals__ }}",
        "{{ lipsum.__globals__['os'].environ }}",
        "{{ cycler.__init__.__globals__ }}",
    ],
)
def test_a_template_that_reaches_out_is_refused(written: str, tmp_path: Path) -> None:
    """People edit templates: they get our mails' words, never this machine."""
    (tmp_path / "firm.txt.j2").write_text(f"Subject: x\n\n{written}\n")
    (tmp_path / "firm.html.j2").write_text("x\n")
    with pytest.raises(Refused, match="template"):
        compose(mail(), Templates(tmp_path), SETTINGS, WHEN)


# ---- headers ----

PLACES = [one.name for one in fields(ReminderMail) if one.name in (
    "customer_name", "to", "sender", "reply_to", "cc", "bcc"
)] + ["number", "step", "po_number"]  # fmt: skip


@settings(max_examples=80)
@given(st.sampled_from(PLACES), TEXTS | st.text(alphabet="a@.\r\n:<>, \tBc\u2028\x85\x0b", max_size=30))
def test_no_field_begins_a_header_of_its_own(place: str, text: str) -> None:
    made = mail()
    if place in ("number", "step", "po_number"):
        made = replace(made, items=(replace(made.items[0], **{place: text}),))  # type: ignore[arg-type]
    else:
        made = replace(made, **{place: (text,) if place == "cc" else text})  # type: ignore[arg-type]
    try:
        message = compose(made, TEMPLATES, SETTINGS, WHEN)
    except Refused:
        return  # nothing leaves, and the reason is told
    read = message_from_bytes(message.as_bytes())
    assert set(read.keys()) <= HEADERS
    assert all(1 == len(read.get_all(name) or ()) for name in read)
    assert "thief@evil.example" not in (str(read["To"]) + str(read["Cc"]) + str(read["Bcc"]))


# ---- exports and the terminal ----

SHEET = ("a", "b")


def sheet(text: str) -> sheets.Sheet:
    return sheets.Sheet("page", "Title", SHEET, ((text, USD), (f"{text}x", -5)))


@given(TEXTS | st.text(alphabet="=+-@\t\r\n\"',; \uff1dx|", max_size=8))
def test_no_cell_of_a_csv_begins_a_formula(text: str) -> None:
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        return
    file = io.StringIO()
    sheets.write_sheet_csv(sheet(text), file)
    rows = list(csv.reader(io.StringIO(file.getvalue(), newline="")))

    told = [cell for row in rows[1:] for cell in row[:1]]
    assert [] == [cell for cell in told if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))]
    assert [text, f"{text}x"] == [cell.removeprefix("'") if not text.startswith("'") else cell for cell in told]
    assert ["1.00", "-5"] == [row[1] for row in rows[1:]]


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("https://evil.example","pay")', "+1", "@SUM(A1)", "{=1}", "https://evil.example"]
)
def test_no_cell_of_a_workbook_is_a_formula_or_a_link(text: str, tmp_path: Path) -> None:
    display._write_book(tmp_path / "x.xlsx", datetime(2026, 11, 23, tzinfo=UTC), [sheet(text)], [("note", text)])
    with zipfile.ZipFile(tmp_path / "x.xlsx") as book:
        inside = {name: book.read(name).decode("utf-8", "replace") for name in book.namelist()}

    assert not [name for name, part in inside.items() if "<f>" in part or "<hyperlink" in part]
    assert html.escape(text, quote=False) in inside["xl/sharedStrings.xml"]


@given(TEXTS | st.text(alphabet="\x1b[]31m\x07\x9b\u202e\r\bx", max_size=12))
def test_nothing_written_elsewhere_steers_a_terminal(text: str) -> None:
    file = io.StringIO()
    display.show_sheets(Console(file=file, width=200), [sheet(text)], [("note", text)])

    assert not set(file.getvalue()) & set("\x1b\x07\x9b\r\b\u202e\x00")
