"""Reminders by text message to customers who consented (RULES 5.7), through whatever gateway one apprise URL names.

Texts are short: which invoice, how much, where to pay; never a bank account. A gateway's answer is its word on taking
the message over. Whoever was asked and gave no answer that can be read may have taken it: that is UNKNOWN, for good.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from connector.adapters.apprise_wire import AppriseWire
from connector.adapters.templates import Refused, Templates, samples
from connector.ports import Finding, Letter, ReminderMail, SendOutcome, SendResult

# Two texts of the network, which are shown as one.
TEXT_MAX = 320
VARIABLE = "CONNECTOR_SMS_URL"
_NUMBER = re.compile(r"\+?[0-9]{5,15}")
_SAMPLE_NUMBER = "+15005550006"


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """`url` has {to} where the number goes. `mail_is_redirected`: no customer is to be reached by any channel."""

    url: SecretStr
    redirect_all_to: str = ""
    pay_domains: tuple[str, ...] = ()
    timeout_seconds: int = 30
    mail_is_redirected: bool = False


class SmsChannel:
    """The channel `sms`, one request a message."""

    name = "sms"

    def __init__(self, settings: SmsSettings, templates_folder: Path, template_names: tuple[str, ...]) -> None:
        """Raises ConfigError for a URL that apprise doesn't know."""
        self.redirect_all_to = settings.redirect_all_to
        self._settings, self._folder, self._names = settings, templates_folder, template_names
        self._templates = Templates(templates_folder, settings.pay_domains)
        self._wire(_SAMPLE_NUMBER)

    def send(self, mail: ReminderMail, may_leave: Callable[[], bool]) -> SendResult:
        """Send one text. `may_leave` is asked directly before the request is written.

        NOT_SENT means surely not taken over; details never name the number.
        """
        if self._settings.mail_is_redirected and not self.redirect_all_to:
            return SendResult(SendOutcome.NOT_SENT, "mail is redirected and texts aren't: set sms.redirect_all_to")
        number = _plain(self.redirect_all_to or mail.to)
        if not _NUMBER.fullmatch(number):
            return SendResult(SendOutcome.NOT_SENT, "it is no number that can be used", address_refused=True)
        try:
            text = self._text(mail)
        except Refused as refused:
            return refused.result
        return self._wire(number).send(text, may_leave)

    def preview(self, mail: ReminderMail) -> Letter:
        """The text as the customer would see it."""
        try:
            return Letter(text=self._text(mail))
        except Refused as refused:
            return Letter(trouble=str(refused))

    def check(self) -> tuple[Finding, ...]:
        """Can every template be rendered and is it short enough; is the gateway reached encrypted?"""
        found = [*self._check_templates(), *self._wire(_SAMPLE_NUMBER).findings("sms", "sms.url")]
        if "{to}" not in self._settings.url.get_secret_value():
            found.append(Finding("sms", False, "the number has no place in sms.url", "Put {to} where it goes."))
        if self.redirect_all_to:
            found.append(Finding("sms", True, "sms.redirect_all_to is set: no text reaches a customer"))
        elif self._settings.mail_is_redirected:
            remedy = "Set sms.redirect_all_to to a number of your own."
            found.append(Finding("sms", False, "mail is redirected and texts aren't: none leaves", remedy))
        return tuple(found)

    def _check_templates(self) -> Iterator[Finding]:
        for name in self._names:
            for sample in samples(name):
                try:
                    self._text(sample)
                except Refused as refused:
                    yield Finding("sms", False, str(refused), f"Correct the file in {self._folder}.")
                    break

    def _text(self, mail: ReminderMail) -> str:
        text = self._templates.render_line(mail, "sms")
        if len(text) > TEXT_MAX:
            raise Refused(f"template {mail.template}.sms.j2: {len(text)} characters, at most {TEXT_MAX} are sent")
        return text

    def _wire(self, number: str) -> AppriseWire:
        url = self._settings.url.get_secret_value().replace("{to}", quote(number, safe=""))
        return AppriseWire(url, self._settings.timeout_seconds, VARIABLE)


def _plain(number: str) -> str:
    """'+49 (151) 123-45 678' as networks take it."""
    return re.sub(r"[\s()./-]", "", number)
