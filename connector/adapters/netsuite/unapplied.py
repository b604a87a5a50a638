"""Applying what a payment in NetSuite has left: an update of its apply list, and of nothing else (RULES 1.9).

The payment may be anybody's. Only our own lines are sent, with absolute amounts and replaceAll=false, and only while
the payment is as it was when the match was decided. It is read before each update, so an act whose answer was lost can
be tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from connector.adapters.netsuite import acts, queries
from connector.adapters.netsuite.applied import meant, shown
from connector.adapters.netsuite.ledger import IDS_PER_QUERY, chunks
from connector.adapters.netsuite.lists import write_list
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.payments import Held, Payments
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.soap import Soap
from connector.errors import Terminal, Transient
from connector.ports import ActAnswer, Answer, Outcome, PaymentSeen
from connector.receivables import CloseIntent, Parked, PaymentToPost

_IN_FORCE = (Outcome.CREATED, Outcome.EXISTS)


class Standing(StrEnum):
    """Where an application stands, in order of precedence."""

    IMPOSSIBLE = "impossible"  # the payment is another than was decided on
    DONE = "done"
    CHANGED = "changed"  # somebody used the payment since
    DUE = "due"


class Unapplied:
    """Applications of payments that are there already. Safe for several threads."""

    def __init__(self, soap: Soap, ql: SuiteQl, names: Names, payments: Payments, at_once_max: int) -> None:
        self._soap = soap
        self._ql = ql
        self._names = names
        self._payments = payments
        self._at_once_max = at_once_max

    def write(self, intents: Sequence[CloseIntent], is_first: bool) -> dict[str, ActAnswer]:
        """Act -> answer: first the updates, then the records of those acts whose applications are in force.

        Raises Transient or Terminal only where nothing was carried out: `is_first` says that nothing was before.
        """
        if not intents:
            return {}
        try:
            told = self._without_writing(intents)
        except (Transient, Terminal) as error:
            if is_first:
                raise
            return {intent.act_id: _unknown(intent, str(error)) for intent in intents}
        due = {intent.act_id: held for intent in intents if isinstance(held := told[intent.act_id], Held)}
        answers = {act_id: answer for act_id, answer in told.items() if isinstance(answer, Answer)}
        for chunk in chunks([intent for intent in intents if intent.act_id in due], self._at_once_max):
            updated = self._update(chunk, due, is_first)
            answers |= {intent.act_id: answer for intent, answer in zip(chunk, updated, strict=True)}
            is_first = False
        return self._with_records(intents, answers, is_first)

    def _without_writing(self, intents: Sequence[CloseIntent]) -> dict[str, Answer | Held]:
        """Act -> the answer that needs no update, or the payment that is to be updated."""
        ids = sorted({intent.payment.erp_id for intent in intents})
        there, closed = self._payments.one_by_one(ids), self._closed_periods(ids)
        found: dict[str, Answer | Held] = {}
        taken: set[str] = set()
        for intent in intents:
            post = intent.payment
            held = there.get(post.erp_id)
            standing, why = judged(post, held)
            if standing is Standing.DUE and isinstance(held, Held):
                why = closed.get(post.erp_id, f"payment {post.erp_id}: its posting period can't be seen")
                if not why and post.erp_id in taken:
                    why = f"payment {post.erp_id} is applied by another act of the same request"
                taken.add(post.erp_id)
                found[intent.act_id] = _refused(intent, why) if why else held
            elif standing is Standing.DONE:
                found[intent.act_id] = Answer(post.external_id, Outcome.EXISTS, post.erp_id)
            else:
                found[intent.act_id] = _refused(intent, why)
        return found

    def _closed_periods(self, ids: Sequence[str]) -> dict[str, str]:
        """Payment -> why its posting period takes no change, '' where it does; unknown payments are left out."""
        found = {}
        for chunk in chunks([int(id_) for id_ in ids], IDS_PER_QUERY):
            for row in self._ql.by_offset("posting periods of payments", queries.periods_of(len(chunk)), chunk):
                closed = "T" in (row.get("closed"), row.get("alllocked"), row.get("arlocked"))
                id_, name = row.get("id", ""), row.get("periodname", "?")
                found[id_] = f"payment {id_} lies in period {name}, which is closed or locked" if closed else ""
        return found

    def _update(self, chunk: Sequence[CloseIntent], due: Mapping[str, Held], is_first: bool) -> list[Answer]:
        records = self._names.records()
        items = []
        for intent in chunk:
            lines = meant(intent.payment).raised_to(shown(due[intent.act_id].seen))
            items.append((intent.payment.erp_id, records.application(intent.payment.erp_id, lines)))
        doing = f"Could not apply payment {', '.join(erp_id for erp_id, _ in items[:3])} in NetSuite"
        told = write_list(self._soap, "updateList", doing, items, is_first)
        return [
            Answer(intent.payment.external_id, answer.outcome, intent.payment.erp_id, answer.code, answer.message)
            for intent, answer in zip(chunk, told, strict=True)
        ]

    def _with_records(
        self, intents: Sequence[CloseIntent], answers: Mapping[str, Answer], is_first: bool
    ) -> dict[str, ActAnswer]:
        """The accompanying records go into a list of their own: one list can't both add and update."""
        records = self._names.records()
        built = {
            intent.act_id: acts.accompanying(records, intent)
            for intent in intents
            if answers[intent.act_id].outcome in _IN_FORCE
        }
        items = [item for listed in built.values() for item in listed]
        doing = "Could not write the records of acts to NetSuite"
        told = iter(write_list(self._soap, "addList", doing, items, is_first))
        written = {act_id: tuple(next(told) for _ in listed) for act_id, listed in built.items()}
        later = "The payment is not applied yet; this record goes with a later write"
        return {
            intent.act_id: ActAnswer(
                intent.act_id,
                answers[intent.act_id],
                written.get(intent.act_id) or tuple(acts.refused(id_, later) for id_ in acts.record_ids(intent)),
            )
            for intent in intents
        }


def judged(post: PaymentToPost, held: Held | Parked | None) -> tuple[Standing, str]:
    """May the rest of this payment be applied as decided, and if not, why?

    DONE: our lines are in force and exactly their money has left the rest, whoever put them there.
    """
    if held is None:
        why = f"NetSuite has no customer payment {post.erp_id}; a customer deposit is applied by a person"
        return Standing.IMPOSSIBLE, why
    if isinstance(held, Parked):
        return Standing.IMPOSSIBLE, f"payment {post.erp_id} is not understood ({held.field}: {held.reason})"
    seen, before = held.seen, post.unapplied_before
    if seen.voided:
        return Standing.IMPOSSIBLE, f"payment {post.erp_id} is voided"
    if seen.customer_id != post.customer_id:
        why = f"payment {post.erp_id} belongs to customer {seen.customer_id}, not {post.customer_id}"
        return Standing.IMPOSSIBLE, why
    if before is None or held.unapplied.currency != before.currency:
        return Standing.IMPOSSIBLE, f"payment {post.erp_id} is in {held.unapplied.currency}"
    if held.unapplied == before - post.cash_applied and shown(seen).covers(meant(post)):
        return Standing.DONE, ""
    if held.unapplied != before:
        why = f"payment {post.erp_id} has {held.unapplied} unapplied, and had {before} when this was decided"
        return Standing.CHANGED, why
    return Standing.DUE, ""


def own(post: PaymentToPost, held: Held | None) -> PaymentSeen | None:
    """The payment as what this act made of it, or None where nothing of the act is in it.

    One update is carried out in whole or not at all. So a payment that is as it was, or that others used meanwhile for
    other invoices, was not applied by us.
    """
    if held is None:
        return None
    standing, _ = judged(post, held)
    ours, theirs = meant(post).invoices, shown(held.seen).invoices
    is_untouched = standing is Standing.DUE or (standing is Standing.CHANGED and ours.keys().isdisjoint(theirs))
    return None if is_untouched else held.seen


def _refused(intent: CloseIntent, why: str) -> Answer:
    return acts.refused(intent.payment.external_id, f"{why}. Nothing of this act was sent.")


def _unknown(intent: CloseIntent, why: str) -> ActAnswer:
    ids = [intent.payment.external_id, *acts.record_ids(intent)]
    payment, *records = (Answer(external_id, Outcome.UNKNOWN, message=why) for external_id in ids)
    return ActAnswer(intent.act_id, payment, tuple(records))
