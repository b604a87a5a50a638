"""One list of records sent, each answered by itself; one record of a list read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.adapters.netsuite import acts, wire
from connector.adapters.netsuite.ledger import chunks
from connector.adapters.netsuite.settings import ADD_LIST_MAX, UPDATE_LIST_MAX
from connector.adapters.netsuite.soap import NOT_THERE, Found, Soap
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.ports import Answer, Outcome


def write_list(
    soap: Soap, operation: str, doing: str, items: Sequence[acts.Item], is_first: bool = True
) -> tuple[Answer, ...]:
    """One answer for each item, in order. Of items with the same id the last is sent, and answers all: NetSuite
    refuses a whole list that names a record twice. Ids are external ones, in an updateList internal ones.

    Raises Transient or Terminal only where nothing was carried out: `is_first` says that nothing was before.
    """
    answers: dict[str, Answer] = {}
    limit = ADD_LIST_MAX if operation == "addList" else UPDATE_LIST_MAX
    for chunk in chunks(list(dict(items).items()), limit):
        ids = [external_id for external_id, _ in chunk]
        try:
            written = soap.write(operation, doing, [record for _, record in chunk])
            told = acts.answers(ids, written, by_internal_id=operation == "updateList")
        except (OutcomeUnknown, Transient, Terminal) as error:
            if is_first and not answers and not isinstance(error, OutcomeUnknown):
                raise
            told = [Answer(external_id, Outcome.UNKNOWN, message=str(error)) for external_id in ids]
        answers |= {answer.external_id: answer for answer in told}
    return tuple(answers[external_id] for external_id, _ in items)


def there(what: str, found: Found) -> Any:
    """The record, None when NetSuite says that it does not exist; anything else is no answer."""
    if found.record is None and found.code != NOT_THERE:
        raise wire.unavailable(f"Could not read back {what} from NetSuite", f"{found.code} {found.message}")
    return found.record
