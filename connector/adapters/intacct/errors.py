"""What an error of the gateway means: by its level, its fine id, its number and its words, in that order.

The number alone says little: XL03000006 is a sender that isn't authorised, a wrong entity and a field that can't be
queried alike; BL01001973 wraps nearly every refusal of the business rules (answers recorded in public SDKs).
What no rule here names is OTHER: its text goes to a person, and it is never tried again blindly.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote, unquote_plus

from lxml import etree

from connector.adapters.intacct import wire
from connector.adapters.intacct.answers import Error, Why
from connector.adapters.intacct.xmltext import child, children, text_of

# "The entire transaction in this operation has been rolled back due to an error" (tests of Sage's SDKs).
_ROLLED_BACK = {"XL03000009"}
_BUSY = {"GW-0010"}
_DUPLICATE = {"BL34000061"}
# Words of the sentence; the refusal of a repeated controlid has no documented number.
_WORDS: tuple[tuple[Why, re.Pattern[str]], ...] = tuple(
    (why, re.compile(pattern, re.IGNORECASE))
    for why, pattern in (
        (Why.BUSY, r"rate limit|too many (concurrent |simultaneous )?requests|concurrency limit"),
        (
            Why.DUPLICATE_CONTROL_ID,
            r"control ?id\b.*\b(previously|already|not unique|duplicate|executed|processed)"
            r"|\b(previously|already|duplicate|not unique)\b.*\bcontrol ?id",
        ),
        (Why.CLOSED_PERIOD, r"\bperiod\b.*\bclosed|\bclosed\b.*\bperiod|books are closed|\bperiod is not open"),
        (Why.PERMISSION, r"permission|not authori[sz]ed|not allowed to|insufficient privileges|do not have access"),
        (Why.DUPLICATE, r"already exists|duplicate"),
        (Why.NOT_THERE, r"does not exist|not found|no longer exists|could not find|invalid key"),
    )
)
_ENCODED = re.compile(r"%5B\s*Support|Support(%20|\+)ID", re.IGNORECASE)
_SUPPORT_ID = re.compile(r"\[\s*Support ID:?\s*([^\]]*)\]", re.IGNORECASE)


def errors_of(
    message: etree._Element | None, duplicates: Collection[str], secrets: Collection[str]
) -> tuple[Error, ...]:
    """All errors of an <errormessage>, in their order.

    `duplicates`: the numbers by which this company refuses a controlid a second time. `secrets` never leave here, even
    if an answer repeats them.
    """
    if message is None:
        return ()
    return tuple(_error(error, duplicates, secrets) for error in children(message, "error"))


def of_text(text: str) -> Why:
    """What a sentence says by itself."""
    return next((why for why, pattern in _WORDS if pattern.search(text)), Why.OTHER)


def _error(error: etree._Element, duplicates: Collection[str], secrets: Collection[str]) -> Error:
    told = child(error, "additionalinfo")
    number, error_id = _masked(text_of(error, "errorno"), secrets), _masked(text_of(told, "errorid"), secrets)
    sentences = [text_of(error, name) for name in ("description2", "description", "correction")]
    support, said = "", []
    for sentence in sentences:
        # The support id stands URL-encoded in the sentence, and with it at times the whole sentence.
        plain = _masked(unquote_plus(sentence) if _ENCODED.search(sentence) else sentence, secrets)
        found = _SUPPORT_ID.search(plain)
        support = support or (_masked(unquote(found[1]).strip(), secrets) if found else "")
        kept = wire.words(_SUPPORT_ID.sub("", plain))
        if kept and kept not in said:
            said.append(kept)
    text = ". ".join(said) or "no reason was given"
    why = _why(number, error_id, text, duplicates)
    text = f"{text} [support id {support}]" if support else text
    return Error(why, number, error_id, text, _target(told, secrets))


def _masked(text: str, secrets: Collection[str]) -> str:
    """Asked before a text is cut: half a password is one too."""
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return text


def _why(number: str, error_id: str, text: str, duplicates: Collection[str]) -> Why:
    if number in duplicates or error_id in duplicates:
        return Why.DUPLICATE_CONTROL_ID
    if number in _ROLLED_BACK or error_id in _ROLLED_BACK:
        return Why.ROLLED_BACK
    if number in _BUSY or error_id in _BUSY:
        return Why.BUSY
    found = of_text(text)
    if found is Why.OTHER and (number in _DUPLICATE or error_id in _DUPLICATE):
        return Why.DUPLICATE
    return found


def _target(told: etree._Element | None, secrets: Collection[str]) -> str:
    """What is at fault, as showadditionalerrorinfo tells it: object and field."""
    target = None if told is None else child(told, "target")
    if target is None:
        return ""
    inner = ".".join((part.text or "").strip() for part in target if (part.text or "").strip())
    return wire.words(_masked(inner or (target.text or ""), secrets), 100)
