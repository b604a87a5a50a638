"""Sessions: one for the top level and one for each entity, each with its own endpoint.

A session slides: every answer says until when it lives now (Sage's XML reference, API sessions). Signing in is alone in
its request, and whatever it answers is believed only as far as the allowed hosts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import SecretStr

from connector.adapters.intacct import wire
from connector.adapters.intacct.answers import Why
from connector.adapters.intacct.envelope import Answer, Envelopes, Level
from connector.adapters.intacct.functions import Function
from connector.adapters.intacct.settings import IntacctSettings
from connector.adapters.intacct.xmltext import Unreadable, node
from connector.errors import ConnectorError

# A session that ends while a request is on its way is renewed before that request.
_SPARE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Session:
    """`ends`: seconds on the monotonic clock, None where no answer told it."""

    entity: str
    id: SecretStr
    endpoint: str
    ends: float | None


class Sessions:
    """Signs in when first needed and whenever a session has ended. Safe for several threads."""

    def __init__(
        self,
        settings: IntacctSettings,
        envelopes: Envelopes,
        post: wire.Wire,
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._envelopes = envelopes
        self._wire = post
        self._monotonic = monotonic
        self._turn = threading.Lock()
        self._open: dict[str, Session] = {}

    def of(self, entity: str) -> Session:
        """The session of this entity ('' is the top level), asked for once. Raises Transient and Terminal."""
        with self._turn:
            session = self._open.get(entity)
            if session is None or (session.ends is not None and session.ends <= self._monotonic()):
                session = self._open[entity] = self._signed_in(entity)
            return session

    def slide(self, session: Session, lifetime: timedelta | None) -> None:
        """An answer said how long this session lives from now on."""
        ends = self._ends(lifetime)
        with self._turn:
            if ends is not None and self._is_open(session):
                self._open[session.entity] = replace(session, ends=ends)

    def forget(self, session: Session) -> None:
        """The gateway does not know this session any more."""
        with self._turn:
            if self._is_open(session):
                del self._open[session.entity]

    def _is_open(self, session: Session) -> bool:
        """Is it still this one, and not one that another thread opened meanwhile?"""
        known = self._open.get(session.entity)
        return known is not None and known.id == session.id

    def _signed_in(self, entity: str) -> Session:
        where = f"entity {entity} of {self._settings.company}" if entity else self._settings.company
        doing, url = f"Could not sign in to Sage Intacct ({where})", self._settings.url
        if not wire.is_safe_url(url):
            raise wire.refused(doing, f"{url} is not https", "Correct the url of the gateway")
        function = Function("sign-in", node("getAPISession"))
        content, mark = self._envelopes.request(self._envelopes.login(entity), [function], atomic=False, unique=False)
        try:
            reply = self._wire.post(doing, url, content, self._settings.read_seconds)
            answer = opened(doing, self._envelopes, reply, mark)
        except wire.Unread as error:
            raise wire.unavailable(doing, error.came_back) from None
        return self._session(doing, entity, answer)

    def _session(self, doing: str, entity: str, answer: Answer) -> Session:
        raise_for_level(doing, answer)
        if len(answer.results) != 1 or not answer.results[0].is_success or not answer.results[0].records:
            cause = answer.results[0].cause if answer.results else None
            if cause is not None and cause.why is Why.BUSY:
                raise wire.too_many(doing, cause.text)
            raise wire.refused(doing, cause.text if cause else "no session came", wire.LOGIN_REMEDY)
        told = answer.results[0].records[0].fields
        session_id, endpoint = told.get("SESSIONID", ""), told.get("ENDPOINT", "")
        if answer.company and answer.company.casefold() != self._settings.company.casefold():
            raise wire.refused(doing, f"the session is one of {answer.company}", "Check company")
        # In another entity a write would be refused at best, and stand in the wrong books at worst.
        if told.get("LOCATIONID", "") != entity:
            raise wire.refused(
                doing, f"the session is at {told.get('LOCATIONID') or 'the top level'}", "Check the user's entities"
            )
        if not session_id or not wire.is_ours(endpoint, self._settings.url):
            raise wire.refused(
                doing,
                f"the session's endpoint {endpoint[:100]!r} is not at intacct.com nor where we signed in",
                "Nothing was sent there; ask Sage support, and check the url of the gateway",
            )
        return Session(entity, SecretStr(session_id), endpoint, self._ends(answer.lifetime))

    def _ends(self, lifetime: timedelta | None) -> float | None:
        if lifetime is None:
            return None
        return self._monotonic() + max(0.0, lifetime.total_seconds() - _SPARE_SECONDS)


def opened(
    doing: str, envelopes: Envelopes, reply: wire.Reply, mark: str, session_id: SecretStr | None = None
) -> Answer:
    """The answer in this reply. Where the gateway did not write it: Terminal if its front refused, else Unread."""
    try:
        return envelopes.opened(reply.content, mark, session_id)
    except Unreadable as error:
        raise _not_an_answer(doing, reply, error) from None


def _not_an_answer(doing: str, reply: wire.Reply, error: Unreadable) -> ConnectorError:
    if reply.status >= 400:
        return wire.refused(doing, f"HTTP {reply.status} and no answer of the gateway", "Check the url of the gateway")
    return wire.Unread(doing, f"the answer can't be read: {error} ({reply.kind})")


def raise_for_level(doing: str, answer: Answer) -> None:
    """Raise what a failure above the functions means; nothing ran then (Sage's XML reference, responses)."""
    if answer.failed is None:
        return
    if any(error.why is Why.BUSY for error in answer.errors):
        raise wire.too_many(doing, answer.said)
    remedy = wire.LOGIN_REMEDY if answer.failed is not Level.OPERATION else "Send this to whoever looks after this"
    raise wire.refused(doing, answer.said, remedy)
