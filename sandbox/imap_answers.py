"""What customers and mail servers answer to our mails, as the messages that they are; delivered into `imap`."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from email.utils import format_datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from sandbox.mailbox import Message

if TYPE_CHECKING:
    from sandbox.world import World

_numbers = count(1)
_FILE = b"%PDF-1.4 not really"


def answer(
    sender: str,
    to: Message,
    text: str,
    at: datetime,
    *,
    subject: str = "",
    quotes: bool = True,
    html: bool = False,
    attached_bytes: int = 0,
    headers: dict[str, str] | None = None,
    by_references: bool = False,
) -> bytes:
    """A person's answer, with our text quoted below it as mail programs do.

    `html`: only as HTML. `by_references`: the answered message stands in References alone, as some programs do it.
    """
    ours = to.header("Message-ID")
    message = _headed(sender, to.header("Reply-To") or to.mail_from, subject or f"Re: {to.header('Subject')}", at)
    if not by_references:
        message["In-Reply-To"] = ours
    message["References"] = f"<thread-root@elsewhere.example> {ours}"
    for name, value in (headers or {}).items():
        message[name] = value
    said = f"On {to.at:%a, %d %b %Y} at {to.at:%H:%M}, {to.mail_from} wrote:"
    if html:
        below = f'<div class="gmail_quote"><div>{said}</div><blockquote>{to.html}</blockquote></div>' if quotes else ""
        paragraphs = "".join(f"<p>{line}</p>" for line in text.splitlines())
        message.set_content(f"<html><body>{paragraphs}{below}</body></html>", subtype="html")
    else:
        quoted = "\n".join(f"> {line}" for line in to.text.splitlines())
        message.set_content(f"{text}\n\n{said}\n{quoted}\n" if quotes else f"{text}\n")
    if attached_bytes:
        message.add_attachment(
            _FILE.ljust(attached_bytes, b"."), maintype="application", subtype="pdf", filename="remittance.pdf"
        )
    return message.as_bytes(policy=SMTP)


def out_of_office(sender: str, to: Message, at: datetime, text: str = "I am out of the office until Monday.") -> bytes:
    """As Exchange writes it."""
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    subject = f"Automatic reply: {to.header('Subject')}"
    return answer(sender, to, text, at, subject=subject, quotes=False, headers=headers)


def bounce(to: Message, at: datetime, *, status: str = "5.1.1", failed: str = "", with_original: bool = True) -> bytes:
    """A delivery report (RFC 3464) about our message, from the customer's mail server."""
    address = failed or (to.rcpt_to[0] if to.rcpt_to else "")
    host = address.rpartition("@")[2] or "elsewhere.example"
    report = MIMEMultipart("report", policy=SMTP)
    report.set_param("report-type", "delivery-status")
    is_over = status.startswith("5")
    report["From"] = f"Mail Delivery System <MAILER-DAEMON@{host}>"
    report["To"] = to.mail_from
    report["Subject"] = "Undelivered Mail Returned to Sender" if is_over else "Delayed Mail (still being retried)"
    report["Date"] = format_datetime(at)
    report["Message-ID"] = f"<report-{next(_numbers)}@{host}>"
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText(f"Your message could not be delivered to {address}.\n", policy=SMTP))
    fields = EmailMessage(policy=SMTP)
    fields["Reporting-MTA"] = f"dns; {host}"
    recipient = EmailMessage(policy=SMTP)
    recipient["Final-Recipient"] = f"rfc822; {address}"
    recipient["Action"] = "failed" if is_over else "delayed"
    recipient["Status"] = status
    recipient["Diagnostic-Code"] = f"smtp; {'550' if is_over else '450'} {status} no such user here"
    status_part = MIMEMessage(fields, "delivery-status", policy=SMTP)
    status_part.get_payload().append(recipient)  # type: ignore[union-attr]
    report.attach(status_part)
    if with_original:
        report.attach(MIMEText(_headers_of(to), "rfc822-headers", policy=SMTP))
    return report.as_bytes(policy=SMTP)


def letter(sender: str, recipient: str, subject: str, text: str, at: datetime) -> bytes:
    """Mail that answers nothing of ours."""
    message = _headed(sender, recipient, subject, at)
    message.set_content(text)
    return message.as_bytes(policy=SMTP)


def _headed(sender: str, recipient: str, subject: str, at: datetime) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<answer-{next(_numbers)}@{sender.rpartition('@')[2]}>"
    return message


def _headers_of(to: Message) -> str:
    return "".join(f"{name}: {value}\n" for name, value in to.headers)


# -- the control API ---------------------------------------------------------------------------------------------------


def last_mail_to(world: World, customer: str, message_id: str = "") -> Message:
    """Our last mail to this customer, also where a test account's redirect kept it from leaving."""
    known = world.customer(customer)
    emails = {known.email.lower(), world.erp.email_of(known.id).lower()} - {""}
    for message in reversed(world.mailbox.messages()):
        addresses = {message.header(name).lower() for name in ("To", "X-AR-Would-Go-To")}
        if message.header("Message-ID") == message_id or (not message_id and addresses & emails):
            return message
    raise LookupError(f"no mail to {customer!r} was received")


def answer_deed(world: World, deed: str, body: dict[str, Any]) -> dict[str, int]:
    """What arrives in the reply-to mailbox: answers of a `customer` to our last mail (or `message_id`), and others."""
    arguments, at = dict(body), world.clock()
    if deed == "renumber":
        return {"uidvalidity": world.imap.renumber()}
    if deed == "write":
        sender, subject = arguments.pop("sender"), arguments.pop("subject")
        raw = letter(sender, str(world.imap.profile()["user"]), subject, arguments.pop("text"), at)
        _nothing_left(arguments)
        return {"uid": world.imap.deliver(raw)}
    if deed not in ("answer", "out_of_office", "bounce"):
        raise LookupError(
            f"nobody does {deed!r} with the mailbox; known: answer, out_of_office, bounce, write, renumber"
        )
    customer = str(arguments.pop("customer"))
    ours = last_mail_to(world, customer, str(arguments.pop("message_id", "")))
    sender = ours.header("X-AR-Would-Go-To") or ours.header("To")
    if deed == "answer":
        raw = answer(sender, ours, arguments.pop("text"), at, **arguments)
    elif deed == "out_of_office":
        raw = out_of_office(sender, ours, at, **arguments)
    else:
        raw = bounce(ours, at, **{"failed": sender, **arguments})
    return {"uid": world.imap.deliver(raw)}


def _nothing_left(arguments: dict[str, Any]) -> None:
    if arguments:
        raise ValueError(f"not known here: {', '.join(sorted(arguments))}")
