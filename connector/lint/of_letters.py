"""Do all texts say what they should of real invoices: whole, with the right amount, with links that lead somewhere?

Every text is made of one invoice of each kind that the book has (M20), on the day on which its step would leave, and
once of many invoices of one customer. Nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlsplit

from connector.decisions.cadence import COURTESY_STEP, DISPUTE_STEP, RETURNED_STEP, STATEMENT_STEP
from connector.decisions.suppression import PAYMENT_METHOD_TEMPLATE
from connector.lint.findings import Check, LintFinding, Sums, Where, counted, red, yellow
from connector.lint.of_book import Book, Survey, site_of
from connector.lint.of_policy import cadences, is_nobodys
from connector.money import Money
from connector.policy import EMAIL, Policy
from connector.ports import Letter, MailItem, ReminderMail
from connector.receivables import OpenInvoice

Preview = Callable[[ReminderMail], Letter]

_LINK = re.compile(r"""(?:href|src)\s*=\s*["']([^"']*)["']|(https?://[^\s"'<>]+)""", re.IGNORECASE)
_AMOUNT = re.compile(r"\d[\d,]*(?:\.\d+)? [A-Z]{3}\b")


@dataclass(frozen=True, slots=True)
class Text:
    """One text of the policy: on which day past due it is used, and where the policy names it."""

    template: str
    sender: str
    days: int
    where: Where
    step: str
    channel: str = EMAIL
    asks_for_money: bool = True


@dataclass(slots=True)
class _Seen:
    """What is wrong with one text: each trouble once, with an example."""

    broken: dict[str, str] = field(default_factory=dict)
    amounts: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    strange: dict[str, str] = field(default_factory=dict)
    placeholders: dict[str, str] = field(default_factory=dict)
    without_link: str = ""


def findings(
    policy: Policy, survey: Survey, book: Book, previews: Mapping[str, Preview], is_redirected: bool
) -> Iterator[LintFinding]:
    left_out: set[str] = set()
    for text in texts(policy):
        preview = previews.get(text.channel)
        if preview is None:
            continue  # of_policy tells that the channel isn't there
        seen = _Seen()
        for mail in _mails(text, policy, survey, book):
            letter = preview(mail)
            left_out.update(site_of(link) for link in letter.left_out)
            _look(text, mail, letter, seen)
        yield from _told(text, seen, is_redirected)
    yield from _left_out(left_out, survey.sites)


def texts(policy: Policy) -> tuple[Text, ...]:
    """Every text that may leave under this policy, each step's own and those beside the cadences."""
    of_steps = [
        Text(step.template, step.sender, step.days, (*place, index, "template"), step.name, step.channel)
        for place, cadence in cadences(policy)
        for index, step in enumerate(cadence.steps)
    ]
    courtesy, sender = policy.courtesy, policy.courtesy.sender
    beside = [
        Text(courtesy.template, sender, courtesy.after_days, ("courtesy", "template"), COURTESY_STEP),
        Text(STATEMENT_STEP, sender, 40, ("backlog",), STATEMENT_STEP),
        Text(PAYMENT_METHOD_TEMPLATE, sender, 1, (), PAYMENT_METHOD_TEMPLATE),
        Text(DISPUTE_STEP, sender, 7, (), DISPUTE_STEP, asks_for_money=False),
        Text(RETURNED_STEP, sender, 5, (), RETURNED_STEP),
    ]
    once: dict[tuple[str, str, bool], Text] = {}
    for text in (*of_steps, *beside):
        # A text is the same on every day on one side of the due date.
        once.setdefault((text.template, text.channel, text.days > 0), text)
    return tuple(once.values())


def _mails(text: Text, policy: Policy, survey: Survey, book: Book) -> Iterator[ReminderMail]:
    known = dict(policy.senders)
    sender = known.get(text.sender, "")
    for invoice in survey.kinds.values():
        yield from _mail(text, [invoice], sender, book)
    if len(survey.many) > 1:
        yield from _mail(text, survey.many, sender, book)


def _mail(text: Text, invoices: Sequence[OpenInvoice], sender: str, book: Book) -> Iterator[ReminderMail]:
    """The message about these invoices on the day of this text; none where nothing would be asked for."""
    wanted = [one for one in invoices if one.disputed] if text.step == DISPUTE_STEP else invoices
    items = tuple(_item(one, text) for one in wanted if one.askable or text.step == DISPUTE_STEP)
    if not items:
        return
    customer = book.customers.get(wanted[0].customer_id)
    yield ReminderMail(
        message_id="<lint>",
        customer_name=customer.name if customer else "",
        to=customer.email if customer else "",
        sender=sender,
        reply_to="",
        template=text.template,
        on=_day(wanted[0].due_on, text.days),
        items=items,
        channel=text.channel,
    )


def _item(invoice: OpenInvoice, text: Text) -> MailItem:
    return MailItem(
        number=invoice.number,
        due_on=invoice.due_on,
        days_past_due=text.days,
        askable=invoice.askable,
        balance=invoice.balance,
        step=text.step,
        pay_url=invoice.pay_url,
        po_number=invoice.po_number,
        disputed=invoice.disputed or None,
        disputed_lines=tuple(line.description for line in invoice.lines if line.disputed),
    )


def _day(due_on: date, days: int) -> date:
    """The day itself, or the last that there is: somebody typed a due date in the year 9999."""
    return due_on + timedelta(days=min(days, (date.max - due_on).days))


def _look(text: Text, mail: ReminderMail, letter: Letter, seen: _Seen) -> None:
    example = mail.items[0].number
    if letter.trouble:
        seen.broken.setdefault(letter.trouble, example)
        return
    whole = f"{letter.subject}\n{letter.text}\n{letter.html}"
    if text.asks_for_money:
        for item in mail.items:
            for name, part in (("text", letter.text), ("HTML", letter.html)):
                if part and str(item.askable) not in part:
                    seen.amounts.setdefault(f"its {name} doesn't name what is asked for ({item.askable})", example)
        allowed = {link for link in (item.pay_url for item in mail.items) if link and link not in letter.left_out}
        if allowed and not any(link in letter.text for link in allowed):
            seen.without_link = seen.without_link or example
    ours = {str(amount) for amount in _amounts(mail)}
    for found in _AMOUNT.findall(letter.text):
        if found not in ours:
            seen.strange.setdefault(found, example)
    pay_links = {item.pay_url for item in mail.items}
    for link in sorted({one or other for one, other in _LINK.findall(whole)}):
        if why := why_broken(link):
            seen.links.setdefault(f"{link or 'an empty link'} {why}", example)
        elif link not in pay_links and is_nobodys(urlsplit(link).hostname or ""):
            seen.placeholders.setdefault(link, example)


def _amounts(mail: ReminderMail) -> Iterator[Money]:
    """Every amount that a message about these invoices may name."""
    for code in {item.askable.currency for item in mail.items}:
        yield Money.total((item.askable for item in mail.items if item.askable.currency == code), code)
    for item in mail.items:
        yield item.askable
        if item.disputed:
            yield item.disputed


def why_broken(link: str) -> str:
    """Why does this link lead nowhere, '' if it may lead somewhere?"""
    if link.lower().startswith("mailto:") and len(link) > len("mailto:"):
        return ""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return "is no link"
    if parts.scheme != "https":
        return "isn't https" if parts.scheme == "http" else "leads nowhere"
    return "" if "." in host.strip(".") else "leads nowhere"


def _told(text: Text, seen: _Seen, is_redirected: bool) -> Iterator[LintFinding]:
    name, correct = f"text {text.template}", f"Correct templates/{text.template}.*, then check again."
    for trouble, example in seen.broken.items():
        yield red(Check.TEMPLATE_BROKEN, text.where, f"{name} can't be made of {example}: {trouble}", correct)
    for trouble, example in seen.amounts.items():
        yield red(Check.AMOUNT_WRONG, text.where, f"{name}: {trouble}, such as of {example}", correct)
    for amount, example in seen.strange.items():
        yield yellow(
            Check.AMOUNT_WRONG,
            text.where,
            f"{name} names {amount}, which isn't an amount of the invoice, such as of {example}",
            "Take it out, unless a contract with every customer says so.",
        )
    for trouble, example in seen.links.items():
        yield red(Check.LINK_BROKEN, text.where, f"{name}: {trouble}, such as of {example}", correct)
    for link, example in seen.placeholders.items():
        tell = yellow if is_redirected else red
        yield tell(Check.PLACEHOLDER, text.where, f"{name}: {link} can't be anybody's, such as of {example}", correct)
    if seen.without_link:
        yield yellow(
            Check.PAY_LINK,
            text.where,
            f"{name} leaves out the pay link that the invoice has, such as of {seen.without_link}",
            f"Put item.pay_url into templates/{text.template}.*.",
        )


def _left_out(sites: set[str], known: Mapping[str, Sums]) -> Iterator[LintFinding]:
    for site in sorted(sites):
        sums = known.get(site, Sums())
        yield yellow(
            Check.PAY_LINK,
            (),
            f"pay links to {site} are left out, of {counted(sums.count, 'invoice')} ({sums.owed}): not https, or not "
            f"on an allowed domain, {sums.examples}",
            "List the domain under mail.pay_domains in the settings if it is yours, or correct the ERP's field.",
        )
