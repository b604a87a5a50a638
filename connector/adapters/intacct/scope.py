"""Which documents are ours to read, as conditions of a query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connector.adapters.intacct.filters import either, is_null, within
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.xmltext import Node

# A filter takes 1,000 values; shorter questions are answered sooner.
IDS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Scope:
    mapping: IntacctMapping

    def ours(self) -> list[Node]:
        """Documents of the entities that the mapping names, and those of the top level; of all where it names none."""
        named = sorted(self.mapping.entities)
        return [either(within("MEGAENTITYID", named), is_null("MEGAENTITYID"))] if named else []

    def owing(self, than: Callable[[str, str], Node]) -> Node:
        """Something is due, or selected by a draft where that is no longer due. `than`: what it is compared by."""
        if self.mapping.facts.total_due_counts_selected:
            return than("TRX_TOTALDUE", "0")
        return either(than("TRX_TOTALDUE", "0"), than("TRX_TOTALSELECTED", "0"))
