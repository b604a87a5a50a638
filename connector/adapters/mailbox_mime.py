"""A message as it lies in a mailbox -> an answer to ours. Everything in it was written by strangers.

Nothing of a message is trusted to be well made: what can't be understood for certain is named by its field and never
shown. Only the plain words of the writer are taken, bounded, and a file is never opened.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser

from connector.decisions.replies import own_words
from connector.ports import Reply

TEXT_MAX = 8_000
SUBJECT_MAX = 200
ANSWERS_MAX = 50
PARTS_MAX = 100
DEPTH_MAX = 20
HEADERS_MAX = 500
# As long as the store's ids of replies and messages.
ID_MAX = 200

_ID = re.compile(r"<[!-;=?-~]{3,198}>")
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


class Unreadable(Exception):
    """This message can't be understood; says which part of it and why, with nothing of its content."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


def read(raw: bytes, received_at: datetime) -> Reply:
    """The answer in these bytes, of which the end may be cut off. Raises Unreadable."""
    try:
        return _read(raw, received_at)
    except Unreadable:
        raise
    except (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        # Python's parser is lenient, and what it makes of a hostile message may break it later on.
        raise Unreadable("message", f"it is not well made ({type(error).__name__})") from None


def names_only(raw: bytes, received_at: datetime) -> Reply:
    """Of a message that can't be understood only what it answers, without a word of it."""
    headers = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0][: 4 * TEXT_MAX].decode("ascii", "replace")
    answers = tuple(dict.fromkeys(_ID.findall(headers)))[:ANSWERS_MAX]
    return Reply(_made_id(raw), answers, sender="", received_at=received_at, subject="", text="")


def _read(raw: bytes, received_at: datetime) -> Reply:
    message = message_from_bytes(raw)
    if not message.keys():
        raise Unreadable("headers", "there are none")
    if len(message.keys()) > HEADERS_MAX:
        raise Unreadable("headers", f"more than {HEADERS_MAX}")
    parts = list(_parts(message))
    failed_with, failed_to = _failure(message, parts)
    return Reply(
        id=_own_id(message, raw),
        answers=_answers(message, parts),
        sender=_sender(message),
        received_at=received_at,
        subject=_one_line(_header(message, "Subject"))[:SUBJECT_MAX],
        text=own_words(_text(message)[: 4 * TEXT_MAX])[:TEXT_MAX],
        is_automatic=_is_automatic(message),
        seems_automatic=_seems_automatic(message),
        failed_with=failed_with,
        failed_to=failed_to,
    )


def _parts(message: Message) -> Iterator[Message]:
    """All parts but those of attached messages, which are somebody else's words; not more than there may be."""
    waiting, count = [(message, 0)], 0
    while waiting:
        part, depth = waiting.pop()
        count += 1
        if count > PARTS_MAX or depth > DEPTH_MAX:
            raise Unreadable("parts", f"more than {PARTS_MAX}, or more than {DEPTH_MAX} inside each other")
        yield part
        inside = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inside, list):
            waiting += [(one, depth + 1) for one in reversed(inside) if isinstance(one, Message)]


# ---- whose, and about what ----


def _own_id(message: Message, raw: bytes) -> str:
    """Its Message-ID; of a message without a good one a name made of its bytes, the same at every reading."""
    found = _ID.search(_header(message, "Message-ID"))
    if found is not None and len(found[0]) <= ID_MAX:
        return found[0]
    return _made_id(raw)


def _made_id(raw: bytes) -> str:
    return f"<no-id-{hashlib.sha256(raw[:4096]).hexdigest()[:40]}>"


def _answers(message: Message, parts: list[Message]) -> tuple[str, ...]:
    """The messages that it names, the nearest first: In-Reply-To, then References from its end, then a report's."""
    found = _ID.findall(_header(message, "In-Reply-To"))
    found += reversed(_ID.findall(_header(message, "References")))
    for part in parts:
        if part.get_content_type() == "message/disposition-notification":
            found += [one for block in _blocks(part) for one in _ID.findall(_header(block, "Original-Message-ID"))]
        for original in _original(part):
            found += _ID.findall(_header(original, "Message-ID"))
    return tuple(dict.fromkeys(found))[:ANSWERS_MAX]


def _original(part: Message) -> Iterator[Message]:
    """The message that a report gives back, or its headers."""
    inside = part.get_payload()
    if part.get_content_type() == "text/rfc822-headers" and isinstance(inside, str):
        yield message_from_bytes(_decoded(part)[: 4 * TEXT_MAX])
    elif part.get_content_type() == "message/rfc822" and isinstance(inside, list):
        yield from (one for one in inside[:1] if isinstance(one, Message))


def _sender(message: Message) -> str:
    addresses = [address for _, address in getaddresses([_header(message, "From")])]
    return next((one for one in addresses if _ADDRESS.fullmatch(one)), "")


# ---- what kind ----


def _failure(message: Message, parts: list[Message]) -> tuple[str, str]:
    """Of a delivery report the status and the address of the first recipient that failed or waits (RFC 3464).

    Old mail servers say it in words alone: then the code that they quote.
    """
    if message.get_content_type() != "multipart/report":
        is_servers = _sender(message).lower().startswith(("mailer-daemon@", "postmaster@"))
        said = _STATUS.search(_text(message)[:TEXT_MAX]) if is_servers else None
        return (said[0] if said and not said[0].startswith("2") else ""), ""
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in _blocks(part):
            action = _header(block, "Action").strip().lower()
            status = _STATUS.search(_header(block, "Status"))
            if action in ("failed", "delayed"):
                given = _header(block, "Original-Recipient") or _header(block, "Final-Recipient")
                address = given.partition(";")[2].strip()
                code = status[0] if status else "5.0.0" if action == "failed" else "4.0.0"
                return code, address if _ADDRESS.fullmatch(address) else ""
    return "", ""


def _blocks(part: Message) -> Iterator[Message]:
    inside = part.get_payload()
    if isinstance(inside, list):
        yield from (one for one in inside[:PARTS_MAX] if isinstance(one, Message))
    elif isinstance(inside, str):
        yield message_from_bytes(_decoded(part)[: 4 * TEXT_MAX])


def _is_automatic(message: Message) -> bool:
    """Do its headers say that nobody wrote it (RFC 3834, RFC 8098)?"""
    submitted = _header(message, "Auto-Submitted").strip().lower()
    if submitted.startswith(("auto-replied", "auto-notified")) or message["X-Autoreply"] or message["X-Autorespond"]:
        return True
    is_receipt = message.get_content_type() == "multipart/report"
    return is_receipt or _header(message, "Precedence").strip().lower() == "auto_reply"


def _seems_automatic(message: Message) -> bool:
    """Signs that ticket systems also put onto what a person wrote there."""
    submitted = _header(message, "Auto-Submitted").strip().lower()
    precedence = _header(message, "Precedence").strip().lower()
    return (
        submitted not in ("", "no")
        or bool(message["X-Auto-Response-Suppress"])
        or precedence in ("bulk", "junk", "list", "auto_reply")
    )


# ---- words ----


def _header(message: Message, name: str) -> str:
    """The first header of that name as text; one that is wrongly encoded as it stands."""
    value = message.get(name)
    if value is None:
        return ""
    told = []
    try:
        decoded = decode_header(value)
    except (MessageError, ValueError):
        return str(value)
    for part, charset in decoded:
        told.append(part if isinstance(part, str) else _as_text(part, charset or "ascii"))
    return "".join(told)


def _text(message: Message) -> str:
    """The first plain text, else the first HTML as words; files and what is attached are nobody's answer."""
    html = ""
    for part in _parts(message):
        if part.get_content_maintype() != "text" or part.get_filename() or _is_attached(part):
            continue
        if part.get_content_subtype() == "plain":
            return _as_text(_decoded(part), part.get_content_charset() or "utf-8")
        if part.get_content_subtype() == "html" and not html:
            html = _as_text(_decoded(part), part.get_content_charset() or "utf-8")
    return _Words(html).text() if html else ""


def _is_attached(part: Message) -> bool:
    return (part.get_content_disposition() or "") == "attachment"


def _decoded(part: Message) -> bytes:
    inside = part.get_payload(decode=True)
    return inside if isinstance(inside, bytes) else b""


def _as_text(data: bytes, charset: str) -> str:
    """A charset that nobody knows, or that this isn't, is read as UTF-8; bytes that are none are left out."""
    try:
        return data.decode(charset)
    except (LookupError, ValueError):
        return data.decode("utf-8", "ignore")


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", " ", text).split())


def _whole_tags(html: str) -> str:
    """HTML without comments, and in which each "<" that ends in no ">" is a sign of the text. For each of those the
    parser looks through all that follows: a mail of nothing else would keep it busy for minutes.
    """
    kept, position = [], 0
    while (begin := html.find("<!--", position)) >= 0:
        kept.append(html[position:begin])
        end = html.find("-->", begin + 4)
        position = end + 3 if end >= 0 else len(html)
    return re.sub(r"<(?![^<>]*>)", "&lt;", "".join([*kept, html[position:]]))


class _Words(HTMLParser):
    """The words of an HTML message, without what it quotes."""

    _BREAKS = frozenset({"br", "p", "div", "li", "tr", "table", "h1", "h2", "h3", "hr"})
    _SILENT = frozenset({"style", "script", "head", "title", "blockquote"})
    _EMPTY = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._told: list[str] = []
        self._open: list[tuple[str, bool]] = []  # each element, and whether it or one around it is silent
        self.feed(_whole_tags(html[: 16 * TEXT_MAX]))
        self.close()

    def text(self) -> str:
        return re.sub(r"[ \t\xa0]+", " ", "".join(self._told))

    @property
    def _is_silent(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._BREAKS:
            self._told.append("\n")
        if tag not in self._EMPTY:
            given = {name: value or "" for name, value in attrs}
            is_quote = "quote" in given.get("class", "").lower() or given.get("id", "").lower() in (
                "divrplyfwdmsg",
                "appendonsend",
            )
            if len(self._open) < DEPTH_MAX * 10:
                self._open.append((tag, tag in self._SILENT or is_quote or self._is_silent))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BREAKS:
            self._told.append("\n")
        if any(name == tag for name, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._is_silent:
            self._told.append(re.sub(r"\s+", " ", data))
