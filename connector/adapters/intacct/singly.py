"""Functions that stand each for itself: many in one request, each answered alone, nothing rolled back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.adapters.intacct.answers import Error, Result, Why, leading
from connector.adapters.intacct.functions import Function
from connector.adapters.intacct.gateway import Gateway
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.ports import Answer, Outcome

NOT_SENT = "NOT_SENT"
# So that a request is done well within the time that the gateway has for it.
FUNCTIONS_MAX = 100


@dataclass(frozen=True, slots=True)
class Item:
    """What is written of one record, in the session of its entity."""

    external_id: str
    function: Function
    entity: str = ""


def write_singly(
    gateway: Gateway, items: Sequence[Item], *, unique: bool = False, is_first: bool = True
) -> dict[str, Answer]:
    """External id -> answer. Of items with the same id the last is sent.

    Raises Transient or Terminal only where nothing was carried out: `is_first` says that nothing was before. `unique`
    is for what must not be made twice.
    """
    answers: dict[str, Answer] = {}
    for chunk in _chunks({item.external_id: item for item in items}):
        try:
            told = gateway.run([item.function for item in chunk], atomic=False, entity=chunk[0].entity, unique=unique)
        except (OutcomeUnknown, Transient, Terminal) as error:
            if is_first and not answers and not isinstance(error, OutcomeUnknown):
                raise
            answers |= {item.external_id: unknown(item.external_id, str(error)) for item in chunk}
            continue
        for item, result in zip(chunk, told.results, strict=True):
            answers[item.external_id] = answer(item.external_id, result, result.cause or leading(told.errors))
    return answers


def _chunks(items: dict[str, Item]) -> Iterator[list[Item]]:
    for entity in sorted({item.entity for item in items.values()}):
        same = [item for item in items.values() if item.entity == entity]
        for start in range(0, len(same), FUNCTIONS_MAX):
            yield same[start : start + FUNCTIONS_MAX]


def answer(external_id: str, result: Result, cause: Error | None) -> Answer:
    """A function that was not carried out and doesn't say why may be tried again, once it was looked for."""
    if result.is_success:
        return Answer(external_id, Outcome.CREATED, result.key)
    if cause is None:
        return unknown(external_id, "Intacct carried it out neither wholly nor with a reason")
    is_open = cause.why in (Why.DUPLICATE_CONTROL_ID, Why.BUSY)
    return Answer(external_id, Outcome.UNKNOWN if is_open else Outcome.REFUSED, code=cause.code, message=cause.text)


def refused(external_id: str, why: str) -> Answer:
    """Nothing was sent for it."""
    return Answer(external_id, Outcome.REFUSED, code=NOT_SENT, message=why)


def unknown(external_id: str, why: str) -> Answer:
    return Answer(external_id, Outcome.UNKNOWN, message=why)
