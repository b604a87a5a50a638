"""Do all texts say what they should of real invoices? On made-up letters, and on the shipped templates themselves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lint_cases import HOST, STEPS, book, customer, found, good_letter, invoice, one, policy, usd

from connector.adapters.email import EmailChannel, MailSettings
from connector.lint import Check, Severity, Survey, lint
from connector.lint.of_letters import texts, why_broken
from connector.policy import EMAIL, Cadence, Policy, Segment, Step
from connector.ports import Letter, ReminderMail
from connector.receivables import InvoiceLine, OpenInvoice

RED, YELLOW = Severity.RED, Severity.YELLOW
TEMPLATES = Path(__file__).parents[2] / "mappings" / "templates"


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 2, 12, tzinfo=UTC)


def channel(templates: Path = TEMPLATES) -> EmailChannel:
    return EmailChannel(MailSettings("localhost", 25, pay_domains=(f"pay.{HOST}",)), templates, (), Noon())


# ---- can it be made? ----


def test_a_text_that_cannot_be_made_of_an_invoice_is_red_with_the_invoice() -> None:
    def preview(mail: ReminderMail) -> Letter:
        if mail.template == "firm" and mail.items[0].number == "INV-2":
            return Letter(trouble="template firm.txt.j2, line 3: 'nonsense' is undefined")
        return good_letter(mail)

    two = [invoice(), invoice("INV-2", "77777.00")]
    finding = one(found(policy(), Check.TEMPLATE_BROKEN, two, preview), RED, "text firm", "INV-2", "line 3")
    assert ("steps", 1, "template") == finding.where
    assert [] == found(policy(), Check.TEMPLATE_BROKEN, two[:1], preview)


def test_a_text_is_tried_on_each_kind_of_invoice_and_on_one_message_of_many() -> None:
    """Two of one kind are one; the message of many is of the customer who has the most."""
    seen: list[tuple[str, ...]] = []

    def preview(mail: ReminderMail) -> Letter:
        if mail.template == "pre_due":
            seen.append(tuple(item.number for item in mail.items))
        return good_letter(mail)

    kinds = [
        invoice("A-1"),
        invoice("A-2", po_number="PO 7"),
        invoice("A-3", currency="JPY", amount="1000"),
        invoice("Å-4"),
        invoice("A-5", customer_id="C2"),
    ]
    customers = (customer(), customer("C2"))
    list(lint(policy(), book(policy(), kinds, customers), {EMAIL: preview}))

    assert {("A-1",), ("A-2",), ("A-3",), ("Å-4",), ("A-1", "A-2", "A-3")} == set(seen)


def test_each_text_is_tried_on_the_day_on_which_it_would_leave() -> None:
    days: dict[str, set[int]] = {}

    def preview(mail: ReminderMail) -> Letter:
        for item in mail.items:
            days.setdefault(mail.template, set()).add(item.days_past_due)
            assert (mail.on - item.due_on).days == item.days_past_due
        return good_letter(mail)

    found(policy(), Check.TEMPLATE_BROKEN, [invoice()], preview)
    assert ({-7}, {1}, {14}) == (days["pre_due"], days["firm"], days["urgent"])


def test_nothing_is_made_of_an_invoice_that_asks_for_nothing_or_for_a_channel_that_is_not_there() -> None:
    disputed = (InvoiceLine("1", "Usage", usd("1000.00"), disputed=True),)
    made: list[str] = []

    def preview(mail: ReminderMail) -> Letter:
        made.append(mail.template)
        return good_letter(mail)

    by_sms = policy(steps=(*STEPS, Step("+30", 30, "final", "billing", "sms")))
    found(by_sms, Check.TEMPLATE_BROKEN, [invoice(lines=disputed)], preview)
    # Only the question about the dispute itself.
    assert {"dispute_detail"} == set(made)


def test_every_text_of_every_cadence_is_tried_once_on_each_side_of_the_due_date() -> None:
    early = Step("-30", -30, "pre_due", "billing")
    of = policy(
        cadences=(Cadence("slow", (early, replace(early, name="+3", days=3), Step("+9", 9, "urgent", "billing"))),),
        segments=(Segment("big", cadence="slow"),),
    )

    named = [(text.template, text.days > 0) for text in texts(of)]
    assert len(named) == len(set(named))
    assert {("pre_due", False), ("pre_due", True), ("firm", True), ("urgent", True), ("courtesy", True)} <= set(named)
    assert ("cadences", "slow", 1, "template") in [text.where for text in texts(of)]


# ---- the right amounts (M20) ----

LINES = (InvoiceLine("1", "Usage", usd("400.00"), disputed=True), InvoiceLine("2", "Support", usd("600.00")))
PART_DISPUTED = invoice(lines=LINES)


def test_a_text_that_does_not_name_what_is_asked_for_is_red() -> None:
    """The balance is not what is asked for: a disputed line is taken off."""

    def names_the_balance(mail: ReminderMail) -> Letter:
        if mail.template != "firm":
            return good_letter(mail)
        text = f"{mail.items[0].balance} {mail.items[0].pay_url}"
        return Letter("subject", text, text)

    findings = found(policy(), Check.AMOUNT_WRONG, [PART_DISPUTED], names_the_balance)
    assert [RED, RED, YELLOW] == [each.severity for each in findings]
    assert "its text doesn't name what is asked for (600.00 USD)" in findings[0].what
    assert "names 1,000.00 USD, which isn't an amount of the invoice" in findings[2].what
    assert [] == found(policy(), Check.AMOUNT_WRONG, [PART_DISPUTED])


def test_the_total_and_what_is_disputed_may_be_named() -> None:

    def preview(mail: ReminderMail) -> Letter:
        total = sum((item.askable for item in mail.items[1:]), mail.items[0].askable)
        disputed = " and ".join(str(item.disputed) for item in mail.items if item.disputed)
        made = good_letter(mail)
        return replace(made, text=f"{made.text}\nin dispute {disputed}, to pay {total}")

    assert [] == found(policy(), Check.AMOUNT_WRONG, [PART_DISPUTED, invoice("INV-2", "50.00")], preview)


# ---- links ----


@pytest.mark.parametrize(
    ("link", "why"),
    [
        (f"https://pay.{HOST}/1", ""),
        (f"HTTPS://{HOST}", ""),
        ("mailto:somebody", ""),
        (f"http://pay.{HOST}/1", "isn't https"),
        ("", "leads nowhere"),
        ("#", "leads nowhere"),
        ("mailto:", "leads nowhere"),
        ("javascript:void(0)", "leads nowhere"),
        ("https://", "leads nowhere"),
        ("https://intranet/pay", "leads nowhere"),
        ("https://[broken", "is no link"),
    ],
)
def test_a_link_must_lead_somewhere_over_https(link: str, why: str) -> None:
    assert why == why_broken(link)

    def preview(mail: ReminderMail) -> Letter:
        made = good_letter(mail)
        return replace(made, html=f'{made.html}<a href="{link}">x</a>') if mail.template == "firm" else made

    findings = found(policy(), Check.LINK_BROKEN, [invoice()], preview)
    if why:
        one(findings, RED, "text firm", why, "INV-1")
    else:
        assert [] == findings


def test_a_link_to_a_name_that_nobody_has_is_a_placeholder() -> None:
    def preview(mail: ReminderMail) -> Letter:
        made = good_letter(mail)
        return (
            replace(made, text=f"{made.text}\nhttps://your-company.example/terms") if mail.template == "firm" else made
        )

    one(found(policy(), Check.PLACEHOLDER, [invoice()], preview), RED, "https://your-company.example/terms")
    one(found(policy(), Check.PLACEHOLDER, [invoice()], preview, is_redirected=True), YELLOW, "text firm")


def test_pay_links_elsewhere_are_told_by_their_site() -> None:
    elsewhere = invoice("INV-2", "5.00", pay_url="https://evil.com/INV-2")
    findings = found(policy(), Check.PAY_LINK, [invoice(), elsewhere], channel().preview)

    one(findings, YELLOW, "https://evil.com are left out, of 1 invoice (5.00 USD)", "INV-2")


def test_a_text_that_leaves_the_pay_link_out_is_told() -> None:
    def preview(mail: ReminderMail) -> Letter:
        made = good_letter(mail)
        return replace(made, text=str(mail.items[0].askable)) if mail.template == "firm" else made

    one(found(policy(), Check.PAY_LINK, [invoice()], preview), YELLOW, "text firm leaves out the pay link", "INV-1")


# ---- the texts that are shipped ----

REAL = (
    invoice("INV-1", "1234567.89", po_number="PO <7> & Söhne"),
    invoice("Æ/1 <b>", "0.01", due_on=date(9999, 12, 31)),
    invoice("K-1", "1.234", "KWD", pay_url=""),
    invoice("J-1", "1000", "JPY", customer_id="C2"),
    invoice(
        "D-1", lines=(InvoiceLine("1", "Usage <x>", usd("1.00"), disputed=True), InvoiceLine("2", "y", usd("999.00")))
    ),
)


def shipped(of: Policy, templates: Path = TEMPLATES, invoices: tuple[OpenInvoice, ...] = REAL) -> list[str]:
    customers = (customer(name="O'Brien & <Sons>"), customer("C2", name="株式会社"))
    told = lint(of, book(of, invoices, customers), {EMAIL: channel(templates).preview})
    return [
        each.what for each in told if each.check is not Check.STEP_BEFORE_ISSUE and each.check is not Check.PAY_LINK
    ]


def test_the_shipped_texts_stand_every_invoice() -> None:
    # The question about a dispute asks for no money, and is tried beside the cadence.
    names = {path.name.split(".")[0] for path in TEMPLATES.glob("[!_]*.txt.j2")} - {"dispute_detail"}
    steps = tuple(Step(name, place, name, "billing") for place, name in enumerate(sorted(names), start=1))

    assert [] == shipped(policy(steps=(Step("-7", -7, "pre_due", "billing"), *steps)))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "{{ item.amount }}",
            "{{ item.amount | replace(',', '') }}",
            "doesn't name what is asked for (1,234,567.89 USD)",
        ),
        ("{{ item.pay_url }}", "{{ item.payurl }}", "has no attribute 'payurl'"),
        ("Questions,", "See http://shop.example.\n\nQuestions,", "http://shop.example. isn't https"),
        ("Questions,", "A fee of 40.00 USD applies.\n\nQuestions,", "names 40.00 USD"),
    ],
)
def test_what_a_person_breaks_in_a_template_is_found(tmp_path: Path, before: str, after: str, told: str) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(TEMPLATES, templates)
    layout = templates / "_layout.txt.j2"
    text = layout.read_text(encoding="utf-8")
    assert before in text
    layout.write_text(text.replace(before, after), encoding="utf-8")

    assert any(told in what for what in shipped(policy(), templates))


def test_the_walk_keeps_few_invoices_whole() -> None:
    of = policy()
    survey = Survey(of, book(of, [invoice(f"INV-{number}") for number in range(300)]))

    assert 1 == len(survey.kinds)
    assert 3 == len(survey.many)
