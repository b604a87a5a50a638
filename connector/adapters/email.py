"""Reminders by e-mail; the last metre of step 2. A message leaves at most once, and only if the gate still says so.

SMTP commits a message at one point: the line with a single dot after the body. Until that dot the server keeps nothing
(RFC 5321, 4.1.1.4: a connection that breaks before it drops the message). So the body is written first, then
`may_leave` is asked, then the dot is written; after it, only an answer that was read says what became of the message.
"""

from __future__ import annotations

import io
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import SecretStr

from connector.money import Money
from connector.ports import Clock, Finding, MailItem, ReminderMail, SendOutcome, SendResult

ANSWER_SHARE = 3  # one third of the deadline is kept for the answer to the dot
SUBJECT_MARK = "Subject: "
# Long headers stay on one line: folding would encode a long Message-ID so that no reader recognises it.
_POLICY = SMTP.clone(max_line_length=998)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How to reach the mail server. `deadline_seconds` bounds one message from connecting to the server's answer."""

    host: str
    port: int
    redirect_all_to: str = ""  # every message goes here instead of to the customer
    pay_domains: tuple[str, ...] = ()  # pay links elsewhere are left out
    starttls: bool = False
    user: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    deadline_seconds: float = 30.0
    hello_name: str = "localhost"


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
    """The mail texts of one folder. `<name>.txt.j2` begins with the line 'Subject: ...'; `<name>.html.j2` is its twin.

    Names that begin with an underscore are parts of others. People edit these files, so they run in Jinja's sandbox and
    a name that isn't known is an error, never an empty place in a letter.
    """

    def __init__(self, folder: Path, pay_domains: tuple[str, ...] = ()) -> None:
        self._folder, self._pay_domains = folder, pay_domains
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html.j2"),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters["day"] = _day

    def render(self, mail: ReminderMail, would_go_to: str = "") -> Rendered:
        """The mail's subject and bodies. Raises Refused naming the file and line of what is wrong."""
        items = tuple(self._line(item) for item in mail.items)
        values = {
            "customer_name": _one_line(mail.customer_name),
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
        text, html = (self._render(f"{mail.template}.{kind}.j2", values) for kind in ("txt", "html"))
        first, _, body = text.partition("\n")
        if not first.startswith(SUBJECT_MARK) or not first[len(SUBJECT_MARK) :].strip():
            raise Refused(f"template {mail.template}.txt.j2, line 1: it must begin with '{SUBJECT_MARK}...'")
        return Rendered(first[len(SUBJECT_MARK) :].strip(), body.lstrip("\n"), html)

    def check(self, names: tuple[str, ...]) -> Iterator[Finding]:
        """Render these and all others in the folder with sample values; one finding for each that is broken."""
        found = {path.name.split(".", 1)[0] for path in self._folder.glob("[!_]*.j2")}
        broken = False
        for name in sorted(found.union(names)):
            for sample in _samples(name):
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
            return self._environment.get_template(name).render(values)
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
            number=_one_line(item.number),
            po_number=_one_line(item.po_number),
            due_on=item.due_on,
            days_past_due=item.days_past_due,
            amount=str(item.askable),
            disputed=str(item.disputed) if item.disputed else "",
            pay_url=item.pay_url if self._is_allowed(item.pay_url) else "",
        )

    def _is_allowed(self, url: str) -> bool:
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


def _one_line(text: str) -> str:
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


def _samples(template: str) -> Iterator[ReminderMail]:
    """One mail with everything that a template may meet, and one with as little as possible."""
    usd, eur = Money(123456789, "USD"), Money(50000, "EUR")
    full = MailItem("INV-1", date(2026, 9, 24), 7, usd, usd, "+7", "https://pay.example/1", "PO-1", Money(1000, "USD"))
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


# ---- The message ----


def _header(name: str, value: str) -> str:
    """A header's value; one that would begin another header is refused."""
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise Refused(f"{name} holds a line break or control character; nothing was sent")
    return value


def _address(name: str, value: str, *, is_customer: bool = False) -> str:
    """One plain ASCII mail address, as an envelope takes it."""
    _header(name, value)
    try:
        address = Address(addr_spec=value)
    except (ValueError, IndexError, MessageError):
        raise Refused(f"{name} is no mail address", address_refused=is_customer) from None
    if not value.isascii() or not address.username or "." not in address.domain:
        raise Refused(f"{name} is no mail address that can be used", address_refused=is_customer)
    return value


def compose(mail: ReminderMail, templates: Templates, settings: MailSettings, date_header: str) -> EmailMessage:
    """The message as it leaves. Raises Refused if any part of it can't stand in a message."""
    wanted = _address("To", mail.to, is_customer=True)
    named = ", ".join(f"{_header('number', item.number)} {_header('step', item.step)}" for item in mail.items)
    rendered = templates.render(mail, wanted if settings.redirect_all_to else "")
    text, html = rendered.text, rendered.html
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = _header("Subject", rendered.subject)
    message["From"] = _address("From", mail.sender)
    message["To"] = _address("redirect_all_to", settings.redirect_all_to) if settings.redirect_all_to else wanted
    if mail.reply_to:
        message["Reply-To"] = _address("Reply-To", mail.reply_to)
    message["Date"] = date_header
    message["Message-ID"] = f"<{_header('Message-ID', mail.message_id).strip('<>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-AR-Reminder"] = named
    if settings.redirect_all_to:
        message["X-AR-Would-Go-To"] = wanted
        text = f"Test: without redirect_all_to this message would go to {wanted}.\n\n{text}"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def _stuffed(message: EmailMessage) -> bytes:
    """The body as DATA takes it, without the final dot: CR LF at line ends, a leading dot doubled (RFC 5321, 4.5.2)."""
    body = re.sub(rb"(?m)^\.", b"..", message.as_bytes())
    return body if body.endswith(b"\r\n") else body + b"\r\n"


# ---- The wire ----


class _Deadline:
    """How long is left, on a clock that is never set back."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._end = monotonic, monotonic() + seconds

    def left(self) -> float:
        left = self._end - self._monotonic()
        if left <= 0:
            raise TimeoutError("the deadline for this message has passed")
        return left


class _TimedReader(io.RawIOBase):
    """Reads a socket within a deadline, however slowly the other side drips its bytes."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        super().__init__()
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)


class _Smtp(smtplib.SMTP):
    """smtplib with one deadline over all that is said, instead of one time-out for each read."""

    def __init__(self, settings: MailSettings, deadline: _Deadline) -> None:
        self._deadline = deadline
        super().__init__(settings.host, settings.port, settings.hello_name, timeout=deadline.left())

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_TimedReader(self.sock, self._deadline))
        return super().getreply()

    def send(self, s: object) -> None:
        if self.sock is not None:
            self.sock.settimeout(self._deadline.left())
        super().send(s)  # type: ignore[arg-type]


class EmailChannel:
    """Reminders over SMTP, one connection a message."""

    name = "email"

    def __init__(
        self,
        settings: MailSettings,
        templates_folder: Path,
        template_names: tuple[str, ...],
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.redirect_all_to = settings.redirect_all_to
        self._settings, self._names, self._clock, self._monotonic = settings, template_names, clock, monotonic
        self._templates = Templates(templates_folder, settings.pay_domains)

    def send(self, mail: ReminderMail, may_leave: Callable[[], bool]) -> SendResult:
        """Send one mail. NOT_SENT means surely not accepted; UNKNOWN only after the final dot may have been written.

        The deadline and `may_leave` are both asked after the body and before the dot; a no closes the connection.
        Details name the server's code, never its text, which may hold the address.
        """
        deadline = _Deadline(self._settings.deadline_seconds, self._monotonic)
        smtp: _Smtp | None = None
        try:
            message = compose(mail, self._templates, self._settings, format_datetime(self._clock.now()))
            smtp = self._connected(deadline)
            self._write_body(smtp, message, str(message["To"]))
            if not may_leave():
                return SendResult(SendOutcome.NOT_SENT, "called off before the final dot")
            if deadline.left() < self._settings.deadline_seconds / ANSWER_SHARE:
                return SendResult(SendOutcome.NOT_SENT, "too slow: called off before the final dot")
            return _finished(smtp)
        except Refused as refused:
            return refused.result
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            return SendResult(SendOutcome.NOT_SENT, f"before the final dot: {_said(error)}")
        finally:
            if smtp is not None:
                smtp.close()

    def check(self) -> tuple[Finding, ...]:
        """Can every template be rendered, and does the server greet us, encrypt and let us in as the settings say?"""
        findings = [*self._templates.check(self._names)]
        where = f"{self._settings.host}:{self._settings.port}"
        if self._settings.user and not self._settings.starttls and self._settings.host not in _LOOPBACK:
            findings.append(Finding("mail", False, "the password would travel in the clear", "Switch starttls on."))
        else:
            findings.append(self._check_server(where))
        if self._settings.redirect_all_to:
            findings.append(Finding("mail", True, "redirect_all_to is set: no message reaches a customer"))
        if not self._settings.pay_domains:
            findings.append(
                Finding("mail", False, "no pay domains: pay links are left out", "List them under pay_domains.", False)
            )
        return tuple(findings)

    def _check_server(self, where: str) -> Finding:
        smtp: _Smtp | None = None
        try:
            smtp = self._connected(_Deadline(self._settings.deadline_seconds, self._monotonic))
        except Refused as refused:
            return Finding("mail", False, f"{where}: {refused}", "Correct the mail settings.")
        except (smtplib.SMTPException, OSError) as error:
            return Finding("mail", False, f"{where}: {_said(error)}", "Are host, port, user and password right?")
        finally:
            if smtp is not None:
                smtp.close()
        return Finding("mail", True, f"{where}: the mail server answers")

    def _connected(self, deadline: _Deadline) -> _Smtp:
        smtp = _Smtp(self._settings, deadline)
        try:
            if smtp.sock is not None:
                # The final dot is a packet of its own; Nagle's delay would hold it back for 40 ms after it was allowed.
                smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            smtp.ehlo_or_helo_if_needed()
            if self._settings.starttls:
                if not smtp.has_extn("starttls"):
                    raise Refused("the server offers no STARTTLS, which the settings demand")
                smtp.starttls(context=ssl.create_default_context())
            if self._settings.user:
                smtp.login(self._settings.user, self._settings.password.get_secret_value())
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _write_body(self, smtp: _Smtp, message: EmailMessage, to: str) -> None:
        """Everything up to the final dot."""
        code, _ = smtp.mail(str(message["From"]))
        if code != 250:
            raise Refused(f"MAIL was answered {code}")
        code, _ = smtp.rcpt(to)
        if code not in {250, 251}:
            # The address of `redirect_all_to` is ours: its refusal says nothing about the customer's.
            raise Refused(
                f"RCPT was answered {code}", address_refused=500 <= code < 600 and not self._settings.redirect_all_to
            )
        code, _ = smtp.docmd("DATA")
        if code != 354:
            raise Refused(f"DATA was answered {code}")
        smtp.send(_stuffed(message))


def _finished(smtp: _Smtp) -> SendResult:
    """Write the final dot and read what became of the message. From here on an error means that nobody knows."""
    try:
        smtp.send(b".\r\n")
        code, _ = smtp.getreply()
    except (smtplib.SMTPException, OSError) as error:
        return SendResult(SendOutcome.UNKNOWN, f"after the final dot: {_said(error)}")
    if 200 <= code < 300:
        return SendResult(SendOutcome.SENT, f"accepted with {code}")
    if 400 <= code < 600:
        return SendResult(SendOutcome.NOT_SENT, f"the message was refused with {code}")
    return SendResult(SendOutcome.UNKNOWN, "after the final dot: the answer was no reply code")


def _said(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return type(error).__name__ + (f" {code}" if isinstance(code, int) else "")
