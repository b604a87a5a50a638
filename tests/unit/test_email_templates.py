"""What a reminder mail says, and how a message is put together."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import pytest

from connector.adapters.email import MailSettings, Refused, Templates, compose
from connector.money import Money
from connector.ports import MailItem, ReminderMail

FOLDER = Path(__file__).resolve().parents[2] / "mappings" / "templates"
NAMES = ("pre_due", "due_today", "just_overdue", "firm", "urgent", "final", "courtesy", "payment_returned")
SETTINGS = MailSettings("127.0.0.1", 25, pay_domains=("pay.example",))
WHEN = "Thu, 01 Oct 2026 08:00:00 +0000"


def item(number: str = "INV-1", dpd: int = 7, amount: Money | None = None, **changes: object) -> MailItem:
    owed = amount or Money(123456789, "USD")
    made = MailItem(number, date(2026, 9, 24), dpd, owed, owed, f"+{dpd}", f"https://pay.example/{number}", "PO-9")
    return replace(made, **changes)  # type: ignore[arg-type]


def mail(*items: MailItem, **changes: object) -> ReminderMail:
    made = ReminderMail(
        message_id="<act-1@billing.example>",
        customer_name="Northfield Robotics",
        to="ap@northfield.example",
        sender="billing@seller.example",
        reply_to="answers@seller.example",
        template="firm",
        on=date(2026, 10, 1),
        items=items or (item(),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def composed(made: ReminderMail, settings: MailSettings = SETTINGS) -> EmailMessage:
    return compose(made, Templates(FOLDER, settings.pay_domains), settings, WHEN)


def bodies(message: EmailMessage) -> tuple[str, str]:
    text, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    assert text is not None and html is not None
    return text.get_content(), html.get_content()


def refusal(made: ReminderMail, settings: MailSettings = SETTINGS) -> str:
    with pytest.raises(Refused) as raised:
        composed(made, settings)
    return str(raised.value)


# ---- What it says ----


@pytest.mark.parametrize("name", NAMES)
def test_every_template_lists_each_invoice_with_what_the_payer_needs(name: str) -> None:
    message = composed(mail(item(), item("INV-2", 1, Money(98000, "JPY"), po_number=""), template=name))

    for body in bodies(message):
        for wanted in (
            "INV-1",
            "PO-9",
            "24 September 2026",
            "7 days past due",
            "1,234,567.89 USD",
            "https://pay.example/INV-1",
            "INV-2",
            "1 day past due",
            "98,000 JPY",
            "answers@seller.example",
        ):
            assert wanted in body
        assert len(re.findall("Total to pay", body)) == 2
    assert message["Subject"] == message["Subject"].strip() != ""


def test_the_total_of_a_currency_is_the_sum_of_what_is_asked() -> None:
    text, html = bodies(composed(mail(item(amount=Money(100000, "USD")), item("INV-2", amount=Money(1, "USD")))))

    assert "Total to pay: 1,000.01 USD" in text
    assert "<strong>1,000.01 USD</strong>" in html


def test_a_mail_to_a_customer_with_credits_shows_them_and_asks_for_the_net() -> None:
    """RULES 4.3; credits of one currency take nothing off another."""
    both = item(amount=Money(100000, "USD")), item("INV-2", amount=Money(98000, "JPY"))

    text, html = bodies(composed(mail(*both, credits=(Money(30000, "USD"), Money(500, "EUR")))))

    assert "Invoices above: 1,000.00 USD\nYour credits, not applied yet: 300.00 USD\nTotal to pay: 700.00 USD" in text
    assert "Total to pay: 98,000 JPY" in text
    assert ["1,000.00 USD", "300.00 USD"] == re.findall(r'nowrap;">([\d.,]+ USD)</td>', html)
    assert ["700.00 USD", "98,000 JPY"] == re.findall(r'nowrap;"><strong>(.+?)</strong>', html)
    assert "EUR" not in text + html


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_to_a_customer_without_credits_does_not_speak_of_them(name: str) -> None:
    for body in bodies(composed(mail(template=name))):
        assert "credit" not in body.lower()


def test_the_disputed_part_is_shown_apart_and_not_asked_for() -> None:
    part = item(askable=Money(400000, "USD"), balance=Money(500000, "USD"), disputed=Money(100000, "USD"))

    for body in bodies(composed(mail(part))):
        assert "In dispute, not asked for here: 1,000.00 USD" in body
        assert "4,000.00 USD" in body
        assert "5,000.00 USD" not in body


def test_the_question_about_a_dispute_names_its_lines_and_asks_for_no_money() -> None:
    lines = ("10,000 calls\nat 0.01 & more", "support")
    wholly = item(askable=Money(0, "USD"), disputed=Money(500000, "USD"), disputed_lines=lines)

    for body in bodies(composed(mail(wholly, template="dispute_detail"))):
        assert "10,000 calls at 0.01 &" in body
        assert "support" in body
        assert "5,000.00 USD" in body
        assert "PO-9" in body
        assert "to pay" not in body.lower()
        assert "0.00 USD" not in body.replace("5,000.00 USD", "")


def test_no_template_gives_bank_details() -> None:
    for path in FOLDER.glob("*.j2"):
        assert not re.search(r"iban|swift|routing|account number|sort code", path.read_text(), re.IGNORECASE), path


def test_what_is_said_of_late_invoices_is_not_said_of_the_others() -> None:
    both = mail(item(dpd=14), item("INV-2", dpd=-7), template="urgent")

    text, _ = bodies(composed(both))

    assert "Payment of invoice INV-1 is overdue, by up to 14 days" in text
    assert "What else is listed below is not past due." in text
    assert "due in 7 days" in text


def test_the_ladder_gets_firmer_step_by_step() -> None:
    subjects = {name: composed(mail(template=name))["Subject"] for name in NAMES}

    assert subjects["just_overdue"] == "Invoice INV-1: the due date has passed"
    assert subjects["firm"] == "Invoice INV-1: payment is overdue"
    assert subjects["urgent"] == "Urgent: invoice INV-1 overdue"
    assert subjects["final"] == "Final reminder: invoice INV-1 overdue"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://pay.example/1", True),
        ("https://shop.pay.example/1", True),
        ("https://PAY.example/1", True),
        ("http://pay.example/1", False),
        ("https://notpay.example/1", False),
        ("https://pay.example.evil.example/1", False),
        ("https://pay.example@evil.example/1", False),
        ("https://evil.example/?https://pay.example/", False),
        ("https://evil.example\\.pay.example/", False),
        ("javascript:alert(1)", False),
        ("https://pay.example/a b", False),
        ("https://[pay.example/", False),
        ("", False),
    ],
)
def test_only_pay_links_to_listed_domains_are_kept(url: str, kept: bool) -> None:
    text, html = bodies(composed(mail(item(pay_url=url))))

    assert ("Pay online" in text, "href=" in html) == (kept, kept)
    assert "evil" not in text + html


def test_names_from_the_erp_are_text_not_markup() -> None:
    text, html = bodies(composed(mail(item(po_number="<b>7</b>"), customer_name="<script>x</script> & Co")))

    assert "<script>" not in html
    assert "&lt;script&gt;x&lt;/script&gt; &amp; Co" in html
    assert "&lt;b&gt;7&lt;/b&gt;" in html
    assert "<script>x</script> & Co" in text


def test_a_name_over_several_lines_stays_on_one() -> None:
    text, _ = bodies(composed(mail(customer_name="Acme\n\nPlease pay to another bank")))

    assert "To accounts payable at Acme Please pay to another bank," in text


# ---- The message around it ----


def test_the_headers_name_sender_reply_address_id_and_steps() -> None:
    message = composed(mail(item(), item("INV-2", 1)))

    assert {name: message[name] for name in ("From", "To", "Reply-To", "Date", "Message-ID", "Auto-Submitted")} == {
        "From": "billing@seller.example",
        "To": "ap@northfield.example",
        "Reply-To": "answers@seller.example",
        "Date": WHEN,
        "Message-ID": "<act-1@billing.example>",
        "Auto-Submitted": "auto-generated",
    }
    assert message["X-AR-Reminder"] == "INV-1 +7, INV-2 +1"
    assert message.get_content_type() == "multipart/alternative"


def test_a_long_message_id_and_many_invoices_are_not_folded() -> None:
    long_id = f"<{'a' * 120}@billing.example>"
    many = [item(f"INV-{number:05d}") for number in range(40)]

    raw = composed(mail(*many, message_id=long_id)).as_bytes()

    assert f"Message-ID: {long_id}\r\n".encode() in raw
    assert b"INV-00039 +7\r\n" in raw
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.isascii()


def test_when_redirected_the_customers_address_is_only_named() -> None:
    message = composed(mail(), replace(SETTINGS, redirect_all_to="test@seller.example"))

    assert message["To"] == "test@seller.example"
    assert message["X-AR-Would-Go-To"] == "ap@northfield.example"
    text, html = bodies(message)
    assert text.splitlines()[0] == "Test: without redirect_all_to this message would go to ap@northfield.example."
    assert "would go to ap@northfield.example" in html


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"to": "ap@northfield.example\r\nBcc: all@evil.example"}, "To"),
        ({"sender": "billing@seller.example\nX: y"}, "From"),
        ({"reply_to": "a@seller.example\rX: y"}, "Reply-To"),
        ({"message_id": "<a@b.example>\r\nX: y"}, "Message-ID"),
        ({"items": (item("INV-1\r\nBcc: all@evil.example"),)}, "number"),
        ({"items": (item(step="+7\nX: y"),)}, "step"),
        ({"to": "ap@northfield.example\x00"}, "To"),
    ],
)
def test_a_line_break_in_a_header_is_refused(changes: dict[str, object], named: str) -> None:
    said = refusal(mail(**changes))

    assert said.startswith(f"{named} holds a line break or control character")
    assert "evil" not in said


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@b",
        "a@b.example, c@d.example",
        "Accounts <a@b.example>",
        "a b@c.example",
        "ü@b.example",
        "@b.example",
    ],
)
def test_what_is_not_one_plain_address_is_refused_as_a_bad_address(to: str) -> None:
    with pytest.raises(Refused, match="mail address") as raised:
        composed(mail(to=to))
    result = raised.value.result
    assert (result.outcome.value, result.address_refused) == ("not_sent", True)


# ---- Templates that people edit ----


def test_the_shipped_templates_are_in_order() -> None:
    assert [(finding.ok, finding.what) for finding in Templates(FOLDER).check(NAMES)] == [
        (True, "templates: 14 can be rendered")
    ]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "firm.txt.j2",
            "Subject: a\nline two\n{{ custmer_name }}\n",
            "template firm.txt.j2, line 3: 'custmer_name' is",
        ),
        ("firm.html.j2", "<p>\n{% if %}\n", "template firm.html.j2, line 2: Expected an expression"),
        ("firm.html.j2", "{% include '_gone.html.j2' %}\n", "template firm.html.j2, line 1: there is no _gone.html.j2"),
        ("firm.txt.j2", "Dear customer\n", "template firm.txt.j2, line 1: it must begin with 'Subject: ...'"),
        ("firm.txt.j2", "Subject: \nx\n", "template firm.txt.j2, line 1: it must begin with 'Subject: ...'"),
        (
            "firm.txt.j2",
            "Subject: a\n{{ items.__class__.__mro__ }}\n",
            "template firm.txt.j2, line 2: access to attribute",
        ),
        ("firm.txt.j2", "Subject: a\n\n{{ 1 // 0 }}\n", "template firm.txt.j2, line 3: ZeroDivisionError"),
    ],
)
def test_a_broken_template_is_named_with_its_line(tmp_path: Path, file: str, text: str, said: str) -> None:
    (tmp_path / "firm.txt.j2").write_text("Subject: a\nb\n")
    (tmp_path / "firm.html.j2").write_text("<p>b</p>\n")
    (tmp_path / file).write_text(text)

    (finding,) = Templates(tmp_path).check(("firm",))

    assert (finding.ok, finding.blocking) == (False, True)
    assert finding.what.startswith(said)


def test_a_template_that_the_policy_names_and_nobody_wrote_is_found(tmp_path: Path) -> None:
    findings = [*Templates(tmp_path).check(("firm",))]

    assert [finding.what for finding in findings] == ["template firm.txt.j2: there is no firm.txt.j2"]
