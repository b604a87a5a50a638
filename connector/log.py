"""One line per fact: a name from a closed list, ids and figures as fields, nothing secret and nobody's address.

INFO tells what a controller would ask for, WARNING needs a person soon, ERROR means that a promise of the README is
not being kept, DEBUG is for us. Lines of the libraries go through the same redaction and stay at WARNING.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from enum import StrEnum
from typing import Any, TextIO

import structlog
from pydantic import SecretStr

from connector.money import Money


class Event(StrEnum):
    """Every event that the connector logs; `sentence` says what it means."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Event:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    DAEMON_STARTED = "daemon_started", "The daemon holds the store and begins to work."
    DAEMON_STOPPED = "daemon_stopped", "The daemon ended in good order; what was begun is finished or goes on later."
    STANDING_BY = "standing_by", "Another daemon works on this store; this one waits until the role is free."
    ROLE_TAKEN = (
        "role_taken",
        "The daemon that worked said nothing for 25 seconds: its session was ended, and this one takes over.",
    )
    ROLE_LOST = "role_lost", "The daemon lost its role, or the way to prove it: it writes nothing more and ends."
    STOP_REQUESTED = "stop_requested", "A person stopped posting or sending."
    STOP_LIFTED = "stop_lifted", "A person lifted a stop."
    STORE_RESTORED = "store_restored", "A person put a backup in the store's place: what is auto runs as suggest."
    STORE_TAKEN_OVER = "store_taken_over", "The ERP knows the restored store; whoever worked before it stops."
    RESTORE_LIFTED = "restore_lifted", "A person looked the restored store over; the policy holds again."
    PERSONAL_DATA_REMOVED = "personal_data_removed", "Names, addresses and texts of what ended long ago were removed."

    DOORBELL_LISTENS = "doorbell_listens", "The daemon listens for webhooks, which make its next pass come sooner."
    DOORBELL_SILENT = "doorbell_silent", "The daemon can't listen for webhooks; passes come at their own time."
    WEBHOOK_TURNED_AWAY = (
        "webhook_turned_away",
        "Requests at the doorbell were not whose they said, late or too large; told once a minute, with their count.",
    )

    TICK_FINISHED = "tick_finished", "One pass of the loop ended; the counts say what it did."
    TICK_FAILED = (
        "tick_failed",
        "A step of the loop was given up, or the whole pass; the next starts from the facts again.",
    )
    SOURCE_UNAVAILABLE = "source_unavailable", "A source could not answer; it is asked again at the next tick."
    RECORD_PARKED = "record_parked", "A record was not understood; it is shown, and nothing is done with it."
    ALARM_RAISED = "alarm_raised", "Too many open invoices vanished at once: posting and sending are stopped."
    ALARM_CLEARED = "alarm_cleared", "The open invoices add up again: posting and sending go on."
    INVOICE_IN_BACKLOG = (
        "invoice_in_backlog",
        "An old overdue invoice waits for a person's choice; no mail leaves for it.",
    )

    POLICY_PROPOSED = "policy_proposed", "A person answers for a version of the policy and asks for its approval."
    POLICY_APPROVED = "policy_approved", "A person approved a version of the policy: it may run auto."
    POLICY_CHANGED = "policy_changed", "Another version of the policy is in use; who proposed and who approved it."
    POLICY_RED = "policy_red", "The linter found what must be put right before the policy may run auto again."
    POLICY_GREEN = "policy_green", "Nothing that the linter finds keeps the policy from running auto any more."

    PAYMENT_MATCHED = "payment_matched", "A payment was matched; its invoices' reminders are cancelled from here on."
    PAYMENT_ADOPTED = (
        "payment_adopted",
        "The payment is in the ERP already, made by somebody else; it isn't posted again.",
    )
    MATCH_SUGGESTED = (
        "match_suggested",
        "A payment fits; it isn't posted because posting isn't switched on or is stopped.",
    )
    REQUEST_MADE = "request_made", "A person asked for something in the approval queue."
    REQUEST_ANSWERED = "request_answered", "What a person asked for was done, or was not and why."
    CLASS_DEMOTED = (
        "class_demoted",
        "A class of evidence was wrong: it posts nothing by itself until a person lifts that.",
    )
    CLASS_LIFTED = "class_lifted", "A person lets a demoted class of evidence post again."
    ALIAS_LEARNED = "alias_learned", "A person taught whose bank account, e-mail address or name this is."
    ALIAS_CONFIRMED = "alias_confirmed", "A second person confirmed what another one taught of a payer."
    ALIAS_REMOVED = "alias_removed", "A person took back what was taught of a payer."
    EXCEPTION_OPENED = "exception_opened", "Something waits for a person's decision."
    EXCEPTION_CLOSED = "exception_closed", "What waited for a person is decided."

    ACT_WRITTEN = "act_written", "The ERP answered that the payment of an act stands there."
    ACT_REFUSED = "act_refused", "The ERP refused a payment; nothing was posted, and the reminders are held."
    ACT_CLOSED = "act_closed", "The ERP was read back and agrees: payment, invoices and cancelled reminders."
    ACT_DIFFERENT = "act_different", "The ERP and our book disagree; a person decides."
    DEPOSIT_CLOSED = "deposit_closed", "The deposit of a payout stands in the ERP as it was meant, to the cent."
    DEPOSIT_WITHDRAWN = (
        "deposit_withdrawn",
        "A deposit that was decided isn't written any more; its payout is decided anew.",
    )
    DEPOSIT_REFUSED = "deposit_refused", "The ERP refused the deposit of a payout; it is tried again tomorrow."
    DEPOSIT_DIFFERENT = "deposit_different", "The ERP's deposit isn't the one that was meant; a person decides."
    REVERSAL_CLOSED = "reversal_closed", "A payment that came back pays nothing in the ERP any more; it was read back."
    REVERSAL_WITHDRAWN = (
        "reversal_withdrawn",
        "A payment that came back isn't taken back as it was decided; it is decided anew.",
    )
    REVERSAL_REFUSED = "reversal_refused", "The ERP refused to take a payment back; it is tried again tomorrow."
    REVERSAL_DIFFERENT = (
        "reversal_different",
        "The ERP holds something else than was to be taken back; a person decides.",
    )
    PAYOUT_ADOPTED = "payout_adopted", "The deposit of a payout is in the ERP already, made by somebody else."
    SAMPLE_SIGNED = "sample_signed", "A person judged a posting of the period's sample: right or wrong."
    DAY_PROVED = "day_proved", "The three-way proof of a day was made: nothing contradicts; a book may be missing yet."
    DAY_DRIFTS = "day_drifts", "Of a day's money two books contradict each other, or an act isn't over; a person looks."
    INVOICE_CLOSED = "invoice_closed", "Nothing is owed on an invoice any more."
    INVOICE_REOPENED = "invoice_reopened", "The ERP shows an invoice open again that a payment had closed."

    INVOICE_ESCALATED = "invoice_escalated", "A person must look at an invoice; the rule and the reason say why."
    ESCALATION_ENDED = "escalation_ended", "Nobody has to look at an invoice any more."
    ACCOUNT_TEAM_TOLD = "account_team_told", "The CRM shows the account team what to do about an invoice."
    ESCALATION_ANSWERED = "escalation_answered", "A person is at work on an invoice; no machine writes about it."
    ESCALATION_UNANSWERED = "escalation_unanswered", "Nobody answered in time; the next one up is told, once."
    NOTICE_SENT = "notice_sent", "Our own people were told in the chat."
    NOTICE_SENT_UNKNOWN = (
        "notice_sent_unknown",
        "Nobody can know whether the chat took a notice; it is never posted again.",
    )
    NOTICE_NOT_SENT = "notice_not_sent", "A notice was given up; the detail says why."

    REMINDER_PLANNED = "reminder_planned", "A step that was held or not sent may leave again."
    REMINDER_HELD = "reminder_held", "A reminder waits; the reason says for which fact."
    REMINDER_CANCELLED = "reminder_cancelled", "A reminder will never leave; the reason says why."
    REMINDER_MISSED = "reminder_missed", "A later step overtook this one before it could leave."
    REMINDER_SENT = "reminder_sent", "The mail server accepted a reminder."
    REMINDER_SENT_UNKNOWN = (
        "reminder_sent_unknown",
        "Nobody can know whether a reminder left; shown, and never sent again.",
    )
    CHANNEL_FELL_BACK = "channel_fell_back", "A message surely failed by its channel; it goes by another, once."
    MESSAGE_CAME_BACK = "message_came_back", "A mail server reports that a message reached nobody; its steps wait."
    REPLY_TAKEN = "reply_taken", "A customer's answer was taken; its kind says what follows, its words are not kept."


SECRET = "[secret]"
_SECRET_KEYS = re.compile(
    r"secret|password|passwd|(?:api|consumer|access|private)_?key|authorization|signature|credential|token(?!_count)|cookie",
    re.IGNORECASE,
)
_SECRET_TEXTS = re.compile(
    r"\b(?:sk|rk|pk)_(?:live|test)_\w+|\bwhsec_\w+|\b(?:Bearer|Basic|OAuth)\s+\S.*"
    r"|(?<=oauth_signature=)\S+|(?<=oauth_token=)\S+|(?<=oauth_consumer_key=)\S+",
)
_LOCAL = r"A-Za-z0-9.!#$%&'*+/=?^_`{|}~-"
# Begun only where a word begins: else a long one without an @ is looked through once from each of its letters.
_ADDRESS = re.compile(rf"(?<![{_LOCAL}])[{_LOCAL}]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
# A Message-ID looks like an address and is no person's; it is how a mail is found again.
_IDS = frozenset({"message_id"})

# These write whole requests at DEBUG, with credentials and customers in them.
_LIBRARIES = (
    "netsuite", "zeep", "httpx", "httpcore", "stripe", "dbos", "apscheduler", "urllib3", "sqlalchemy", "apprise"
)  # fmt: skip


class Log:
    """Where events are written; fields bound here stand in every line of it."""

    def __init__(self, **bound: object) -> None:
        self._bound = bound

    def bind(self, **fields: object) -> Log:
        """The same log with these fields in every line: `log.bind(tick_id=812)`."""
        return Log(**{**self._bound, **fields})

    def debug(self, event: Event, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: Event, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: Event, **fields: object) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: Event, **fields: object) -> None:
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: Event, fields: Mapping[str, object]) -> None:
        structlog.get_logger("connector").log(level, event.value, **{**self._bound, **fields})


def configure(
    as_json: bool = True, level: int = logging.INFO, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send every log line of this program from this level on to one stream, standard error unless told otherwise.

    `secrets` are hidden wherever they turn up. Libraries speak at WARNING, at INFO when we speak at DEBUG.
    """
    hidden = _Redactor(secrets)
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.processors.JSONRenderer(sort_keys=False) if as_json else _console()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hidden,
                renderer,
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("connector").setLevel(level)
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        # dbos adds a handler of its own to a logger that has none.
        library.handlers = [handler]
        library.propagate = False
        library.setLevel(logging.INFO if level <= logging.DEBUG else logging.WARNING)


def _console() -> Any:
    return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without credentials; a mail address keeps its domain only."""
    return _ADDRESS.sub(r"***@\1", hide(text, secrets))


def _worth_hiding(secrets: Iterable[str]) -> list[str]:
    """The longest first, since one may hold another; a very short one would blot out ordinary words."""
    return sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text without credentials: an answer from outside may quote what it was told."""
    for secret in _worth_hiding(secrets):
        text = text.replace(secret, SECRET)
    return _SECRET_TEXTS.sub(SECRET, text)


class _Redactor:
    """The last processor before a line is written."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = _worth_hiding(secrets)

    def __call__(self, _: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {key: self._clean(key, value) for key, value in line.items()}

    def _clean(self, key: str, value: object) -> object:
        if isinstance(value, SecretStr) or (_SECRET_KEYS.search(key) and value):
            return SECRET
        if isinstance(value, bool | int | float) or value is None:
            return value
        if isinstance(value, dict):
            return {str(inner): self._clean(str(inner), item) for inner, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset) and not isinstance(value, Money):
            return [self._clean(key, item) for item in value]
        return str(value) if key in _IDS else redact(str(value), self._secrets)
