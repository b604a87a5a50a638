"""The chat of our own people: Slack, Teams, Mattermost or whatever one apprise URL names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import SecretStr

from connector.adapters.apprise_wire import AppriseWire
from connector.ports import Finding, Notice, SendResult

TEXT_MAX = 3000  # characters; Slack shows no more of a block
# Nobody is rung, and no link is hidden, by a customer's name.
_MARKUP = str.maketrans({"<": "‹", ">": "›"})
_RINGS = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChatSettings:
    url: SecretStr  # whoever knows it may post
    timeout_seconds: int = 10


class AppriseChat:
    """The chat port over one apprise URL."""

    name = "chat"

    def __init__(self, settings: ChatSettings) -> None:
        self._wire = AppriseWire(settings.url.get_secret_value(), settings.timeout_seconds, "CONNECTOR_CHAT_URL")

    def post(self, notice: Notice) -> SendResult:
        """Post one notice as plain text. NOT_SENT means surely not posted; details never name the URL."""
        return self._wire.send(_RINGS.sub("@\u200b", notice.text.translate(_MARKUP))[:TEXT_MAX])

    def check(self) -> tuple[Finding, ...]:
        return self._wire.findings("chat", "chat.url")
