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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from pathlib import Path

from pydantic import SecretStr

from connector.adapters.deadline import Deadline, TimedReader
from connector.adapters.templates import Refused as Refused
from connector.adapters.templates import Templates as Templates
from connector.adapters.templates import one_line
from connector.ports import Clock, Finding, Letter, ReminderMail, SendOutcome, SendResult

ANSWER_SHARE = 3  # one third of the deadline is kept for the answer to the dot
PREVIEW_MARK = "[Preview]"
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


# ---- The message ----


def _header(name: str, value: str) -> str:
    """A header's value; one that would begin another header is refused."""
    if re.search("[\x00-\x1f\x7f\x85\u2028\u2029]", value):
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


def copies(mail: ReminderMail) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who gets a copy openly and who unseen, each once; whoever has no address that can be used is left out.

    A copy must never cost the message itself, so that nothing about it is refused.
    """
    seen = {mail.to.casefold()}
    open_to: list[str] = []
    unseen_to: list[str] = []
    for place, value in [(open_to, one) for one in mail.cc] + [(unseen_to, mail.bcc)]:
        try:
            address = _address("copy", value)
        except Refused:
            continue
        if address.casefold() not in seen:
            seen.add(address.casefold())
            place.append(address)
    return tuple(open_to), tuple(unseen_to)


def compose(mail: ReminderMail, templates: Templates, settings: MailSettings, date_header: str) -> EmailMessage:
    """The message as it leaves. Raises Refused if any part of it can't stand in a message.

    Who gets an unseen copy stands in the envelope alone. A redirected message has no copies, and says who would.
    """
    try:
        return _composed(mail, templates, settings, date_header)
    except (LookupError, ValueError) as error:
        # Python's own messages fall over some odd header values.
        raise Refused(f"the message can't be made ({type(error).__name__}); nothing was sent") from None


def _composed(mail: ReminderMail, templates: Templates, settings: MailSettings, date_header: str) -> EmailMessage:
    if mail.note:
        return _preview(mail, templates, settings, date_header)
    wanted = _address("To", mail.to, is_customer=True)
    named = ", ".join(f"{_header('number', item.number)} {_header('step', item.step)}" for item in mail.items)
    rendered = templates.render(mail, wanted if settings.redirect_all_to else "")
    text, html = rendered.text, rendered.html
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = _header("Subject", rendered.subject)
    message["From"] = _address("From", mail.sender)
    message["To"] = _address("redirect_all_to", settings.redirect_all_to) if settings.redirect_all_to else wanted
    open_to, unseen_to = copies(mail)
    if open_to and not settings.redirect_all_to:
        message["Cc"] = ", ".join(open_to)
    if mail.reply_to:
        message["Reply-To"] = _address("Reply-To", mail.reply_to)
    message["Date"] = date_header
    message["Message-ID"] = f"<{_header('Message-ID', mail.message_id).strip('<>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-AR-Reminder"] = named
    if settings.redirect_all_to:
        message["X-AR-Would-Go-To"] = wanted
        also = ", ".join((*open_to, *unseen_to))
        if also:
            message["X-AR-Would-Copy-To"] = also
        copied = f", with copies to {also}" if also else ""
        text = f"Test: without redirect_all_to this message would go to {wanted}{copied}.\n\n{text}"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def _preview(mail: ReminderMail, templates: Templates, settings: MailSettings, date_header: str) -> EmailMessage:
    """The message of a customer for one of our own people: marked above all, without copies, and no reminder."""
    alone = replace(mail, note="", cc=(), bcc="")
    message = compose(alone, templates, replace(settings, redirect_all_to=""), date_header)
    rendered, note = templates.render(alone), one_line(mail.note)
    message.replace_header("Subject", _header("Subject", f"{PREVIEW_MARK} {rendered.subject}"))
    del message["X-AR-Reminder"]
    message["X-AR-Preview"] = "yes"
    message.clear_content()
    message.set_content(f"{note}\n\n{rendered.text}", cte="quoted-printable")
    top = f'<p style="background:#fff3c4;padding:8px">{escape(note)}</p>'
    body, begin = re.subn(r"(?i)<body[^>]*>", lambda found: found[0] + top, rendered.html, count=1)
    message.add_alternative(body if begin else top + body, subtype="html", cte="quoted-printable")
    return message


def _stuffed(message: EmailMessage) -> bytes:
    """The body as DATA takes it, without the final dot: CR LF at line ends, a leading dot doubled (RFC 5321, 4.5.2)."""
    body = re.sub(rb"(?m)^\.", b"..", message.as_bytes())
    return body if body.endswith(b"\r\n") else body + b"\r\n"


# ---- The wire ----


class _Smtp(smtplib.SMTP):
    """smtplib with one deadline over all that is said, instead of one time-out for each read."""

    def __init__(self, settings: MailSettings, deadline: Deadline) -> None:
        self._deadline = deadline
        super().__init__(settings.host, settings.port, settings.hello_name, timeout=deadline.left())

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(TimedReader(self.sock, self._deadline))
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
        deadline = Deadline(self._settings.deadline_seconds, self._monotonic)
        smtp: _Smtp | None = None
        try:
            message = compose(mail, self._templates, self._settings, format_datetime(self._clock.now()))
            smtp = self._connected(deadline)
            copied = self._copied(mail)
            lost = self._write_body(smtp, message, str(message["To"]), copied)
            if not may_leave():
                return SendResult(SendOutcome.NOT_SENT, "called off before the final dot")
            if deadline.left() < self._settings.deadline_seconds / ANSWER_SHARE:
                return SendResult(SendOutcome.NOT_SENT, "too slow: called off before the final dot")
            return _finished(smtp, lost)
        except Refused as refused:
            return refused.result
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            return SendResult(SendOutcome.NOT_SENT, f"before the final dot: {_said(error)}")
        finally:
            if smtp is not None:
                smtp.close()

    def preview(self, mail: ReminderMail) -> Letter:
        """The message as the customer would see it, without what a test account adds."""
        try:
            made = self._templates.render(mail)
        except Refused as refused:
            return Letter(trouble=str(refused))
        left_out = tuple(
            item.pay_url for item in mail.items if item.pay_url and not self._templates.is_allowed(item.pay_url)
        )
        return Letter(made.subject, made.text, made.html, left_out)

    def check(self) -> tuple[Finding, ...]:
        """Can every template be rendered, and does the server greet us, encrypt and let us in as the settings say?"""
        findings = [*self._templates.check(self._names)]
        where = f"{self._settings.host}:{self._settings.port}"
        if self._in_the_clear:
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

    @property
    def _in_the_clear(self) -> bool:
        """Would the password travel so that anybody on the way can read it?"""
        return bool(self._settings.user) and not self._settings.starttls and self._settings.host not in _LOOPBACK

    def _check_server(self, where: str) -> Finding:
        smtp: _Smtp | None = None
        try:
            smtp = self._connected(Deadline(self._settings.deadline_seconds, self._monotonic))
        except Refused as refused:
            return Finding("mail", False, f"{where}: {refused}", "Correct the mail settings.")
        except (smtplib.SMTPException, OSError) as error:
            return Finding("mail", False, f"{where}: {_said(error)}", "Are host, port, user and password right?")
        finally:
            if smtp is not None:
                smtp.close()
        return Finding("mail", True, f"{where}: the mail server answers")

    def _connected(self, deadline: Deadline) -> _Smtp:
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
            if self._in_the_clear:
                raise Refused("the password would travel in the clear: switch starttls on")
            if self._settings.user:
                smtp.login(self._settings.user, self._settings.password.get_secret_value())
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _copied(self, mail: ReminderMail) -> tuple[str, ...]:
        """Who else stands in the envelope; nobody where the message is redirected, or one of our own previews it."""
        if self._settings.redirect_all_to or mail.note:
            return ()
        open_to, unseen_to = copies(mail)
        return (*open_to, *unseen_to)

    def _write_body(self, smtp: _Smtp, message: EmailMessage, to: str, copied: Sequence[str]) -> str:
        """Everything up to the final dot; returns what is to be said of copies that the server doesn't take.

        All recipients share one final dot, so that copies leave exactly when the message does. A server answers each
        RCPT for itself (RFC 5321, 3.3): one that is refused just isn't written to, unless it is the customer.
        """
        code, _ = smtp.mail(str(message["From"]))
        if code != 250:
            raise Refused(f"MAIL was answered {code}")
        code, _ = smtp.rcpt(to)
        if code not in {250, 251}:
            # The address of `redirect_all_to` is ours: its refusal says nothing about the customer's.
            raise Refused(
                f"RCPT was answered {code}", address_refused=500 <= code < 600 and not self._settings.redirect_all_to
            )
        answers = [smtp.rcpt(copy)[0] for copy in copied]
        lost = [str(code) for code in answers if code not in {250, 251}]
        code, _ = smtp.docmd("DATA")
        if code != 354:
            raise Refused(f"DATA was answered {code}")
        smtp.send(_stuffed(message))
        return f"; {len(lost)} of {len(copied)} copies refused with {', '.join(lost)}" if lost else ""


def _finished(smtp: _Smtp, lost: str) -> SendResult:
    """Write the final dot and read what became of the message. From here on an error means that nobody knows."""
    try:
        smtp.send(b".\r\n")
        code, _ = smtp.getreply()
    except (smtplib.SMTPException, OSError) as error:
        return SendResult(SendOutcome.UNKNOWN, f"after the final dot: {_said(error)}")
    if 200 <= code < 300:
        return SendResult(SendOutcome.SENT, f"accepted with {code}{lost}")
    if 400 <= code < 600:
        return SendResult(SendOutcome.NOT_SENT, f"the message was refused with {code}")
    return SendResult(SendOutcome.UNKNOWN, "after the final dot: the answer was no reply code")


def _said(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return type(error).__name__ + (f" {code}" if isinstance(code, int) else "")
