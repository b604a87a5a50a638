"""The functions that are sent, each with a controlid that says which record it is about.

With uniqueid on, the gateway refuses a controlid whose function was "previously executed and completed" (Sage's XML
reference, control element). So the id of what must be written once is made of the record's own external id, and never
of the time or of chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from connector.adapters.intacct.settings import CREATE_MAX
from connector.adapters.intacct.xmltext import Node, node, serialized

# No limit of a controlid is documented; a hundred characters keep clear of any column of 255.
CONTROL_ID_MAX = 100


@dataclass(frozen=True, slots=True)
class Function:
    control_id: str
    body: Node

    @property
    def name(self) -> str:
        return self.body.name


def control_id(external_id: str, *, body: Node | None = None, again: str = "") -> str:
    """The controlid of a function about the record of this external id.

    `body`: an update is another function when it says something else. `again`: what tells a repeat apart, in a company
    where a function that failed uses up its id.
    """
    marks = [external_id, again, *([serialized(body).decode()] if body is not None else [])]
    if not again and body is None and len(external_id) <= CONTROL_ID_MAX and external_id.isascii():
        return external_id
    digest = hashlib.sha256("\0".join(marks).encode()).hexdigest()[:24]
    head = external_id.encode("ascii", "replace").decode().replace("?", "-")[: CONTROL_ID_MAX - 25]
    return f"{head}-{digest}"


def create(control_id: str, *records: Node) -> Function:
    """Make these records, at most CREATE_MAX; answered by their keys in order."""
    return Function(control_id, _some("create", records))


def update(control_id: str, *records: Node) -> Function:
    """Change these records, each with its RECORDNO (custom objects: id); fields that are left out stay."""
    return Function(control_id, _some("update", records))


def delete(control_id: str, object_name: str, keys: Sequence[str]) -> Function:
    return Function(control_id, node("delete", node("object", object_name), node("keys", ",".join(keys))))


def legacy(control_id: str, body: Node) -> Function:
    """A function with a body of its own (record_deposit, reverse_arpayment), its elements in the documented order."""
    return Function(control_id, body)


def _some(name: str, records: Sequence[Node]) -> Node:
    if not 1 <= len(records) <= CREATE_MAX:
        raise ValueError(f"{name} of {len(records)} records; one function takes 1 to {CREATE_MAX}")
    return Node(name, tuple(records))
