"""The texts of messages: Jinja templates that finance edits, rendered in its sandbox.

Each message has one folder of templates for all channels; what a message says of amounts and days is made here, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connector.money import Money
from connector.ports import Finding, MailItem, ReminderMail, SendOutcome, SendResult

SUBJECT_MARK = "Subject: "


class Refused(Exception):
    """This message can't be made or sent as it is; the reason holds no address."""

    def __init__(self, reason: str, *, address_refused: bool = False) -> None:
        super().__init__(reason)
        self.result = SendResult(SendOutcome.NOT_SENT, reason, address_refused)


# ---- The text ----


@dataclass(frozen=True, slots=True)
class _Line:
    """One invoice as a template sees it; amounts are text such as '45,000.00 USD', empty means none."""

    number: str
    po_number: str
    due_on: date
    days_past_due: int
    amount: str
    disputed: str
    pay_url: str
    disputed_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Total:
    """What a mail asks for in one currency; `credits` is empty where the customer has none."""

    invoices: str
    credits: str
    to_pay: str


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


class Templates:
    """The texts of one folder. `<name>.txt.j2` begins with the line 'Subject: ...'; `<name>.html.j2` is its twin.

    Names that begin with an underscore are parts of others. People edit these files, so they run in Jinja's sandbox and
    a name that isn't known is an error, never an empty place in a letter.
    """

    def __init__(self, folder: Path, pay_domains: tuple[str, ...] = ()) -> None:
        self._folder, self._pay_domains = folder, pay_domains
        # One for pages and one for texts: a part that both use, such as a phrase, is escaped where it lands, and not by
        # how its own file is called.
        self._pages, self._texts = (_environment(folder, escapes) for escapes in (True, False))

    def render(self, mail: ReminderMail, would_go_to: str = "") -> Rendered:
        """The mail's subject and bodies. Raises Refused naming the file and line of what is wrong."""
        values = self._values(mail, would_go_to)
        text, html = (self._render(f"{mail.template}.{kind}.j2", values) for kind in ("txt", "html"))
        first, _, body = text.partition("\n")
        if not first.startswith(SUBJECT_MARK) or not first[len(SUBJECT_MARK) :].strip():
            raise Refused(f"template {mail.template}.txt.j2, line 1: it must begin with '{SUBJECT_MARK}...'")
        return Rendered(first[len(SUBJECT_MARK) :].strip(), body.lstrip("\n"), html)

    def render_line(self, mail: ReminderMail, kind: str) -> str:
        """The message in one line, by the template `<name>.<kind>.j2`, for channels whose messages are short."""
        return one_line(self._render(f"{mail.template}.{kind}.j2", self._values(mail, "")))

    def _values(self, mail: ReminderMail, would_go_to: str) -> dict[str, object]:
        items = tuple(self._line(item) for item in mail.items)
        return {
            "customer_name": one_line(mail.customer_name),
            "on": mail.on,
            "items": items,
            # One mail lists all that is due that day: what it says of the late ones must not be said of the others.
            "overdue": tuple(item for item in items if item.days_past_due > 0),
            "due_today": tuple(item for item in items if item.days_past_due == 0),
            "upcoming": tuple(item for item in items if item.days_past_due < 0),
            "days_past_due": max((item.days_past_due for item in items), default=0),
            "totals": _totals(mail),
            "reply_to": mail.reply_to or mail.sender,
            "would_go_to": would_go_to,
        }

    def check(self, names: tuple[str, ...]) -> Iterator[Finding]:
        """Render these and all others in the folder with sample values; one finding for each that is broken."""
        found = {path.name.split(".", 1)[0] for path in self._folder.glob("[!_]*.j2") if ".sms." not in path.name}
        broken = False
        for name in sorted(found.union(names)):
            for sample in samples(name):
                try:
                    self.render(sample, "somebody@customer.example")
                except Refused as refused:
                    broken = True
                    yield Finding("mail", False, str(refused), f"Correct the file in {self._folder}.")
                    break
        if not broken:
            yield Finding("mail", True, f"templates: {len(found)} can be rendered")

    def _render(self, name: str, values: dict[str, object]) -> str:
        try:
            of_its_kind = self._pages if name.endswith(".html.j2") else self._texts
            return of_its_kind.get_template(name).render(values)
        except TemplateSyntaxError as error:
            raise Refused(f"template {error.name or name}, line {error.lineno}: {error.message}") from None
        except TemplateError as error:
            where = _template_line(error) or name
            said = f"there is no {error.name}" if isinstance(error, TemplateNotFound) else str(error)
            raise Refused(f"template {where}: {said}") from None
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise Refused(f"template {_template_line(error) or name}: {type(error).__name__}") from None

    def _line(self, item: MailItem) -> _Line:
        return _Line(
            number=one_line(item.number),
            po_number=one_line(item.po_number),
            due_on=item.due_on,
            days_past_due=item.days_past_due,
            amount=str(item.askable),
            disputed=str(item.disputed) if item.disputed else "",
            pay_url=item.pay_url if self.is_allowed(item.pay_url) else "",
            disputed_lines=tuple(one_line(line) for line in item.disputed_lines),
        )

    def is_allowed(self, url: str) -> bool:
        """Does this pay link lead, over https, to a domain on the list or to a part of one?"""
        if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
            return False
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError:
            return False
        allowed = any(host == domain.lower() or host.endswith(f".{domain.lower()}") for domain in self._pay_domains)
        return parts.scheme == "https" and "@" not in parts.netloc and allowed


def _environment(folder: Path, escapes: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=escapes,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["day"] = _day
    return made


def _totals(mail: ReminderMail) -> tuple[_Total, ...]:
    """By currency: the invoices listed, the customer's credits, and the net that is asked for (RULES 4.3)."""
    credits = {credit.currency: credit for credit in mail.credits}
    totals = []
    for code in dict.fromkeys(item.askable.currency for item in mail.items):
        invoices = Money.total((item.askable for item in mail.items if item.askable.currency == code), code)
        credit = credits.get(code)
        net = invoices - credit if credit else invoices
        totals.append(_Total(str(invoices), str(credit) if credit else "", str(net)))
    return tuple(totals)


def one_line(text: str) -> str:
    return " ".join(text.split())


def _day(day: date) -> str:
    """'24 September 2026': no reader takes the month for the day."""
    return f"{day.day} {day:%B %Y}"


def _template_line(error: BaseException) -> str:
    """The innermost template file and line of this error; Jinja leaves them in the traceback."""
    where, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.endswith(".j2"):
            where = f"{Path(name).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return where


def samples(template: str) -> Iterator[ReminderMail]:
    """One mail with everything that a template may meet, and one with as little as possible."""
    usd, eur = Money(123456789, "USD"), Money(50000, "EUR")
    link, lines = "https://pay.example/1", ("1,000 calls & more", "support")
    full = MailItem("INV-1", date(2026, 9, 24), 7, usd, usd, "+7", link, "PO-1", Money(1000, "USD"), lines)
    plain = MailItem("INV-2", date(2026, 9, 30), 1, eur, eur, "+1")
    soon = MailItem("INV-3", date(2026, 10, 8), -7, eur, eur, "-7")
    for items in ((full, plain, soon), (plain,), (soon,)):
        yield ReminderMail(
            message_id="<sample@billing.example>",
            customer_name="Sample & Company",
            to="ap@customer.example",
            sender="billing@seller.example",
            reply_to="",
            template=template,
            on=date(2026, 10, 1),
            items=items,
            credits=(Money(30000, "USD"),),
        )
