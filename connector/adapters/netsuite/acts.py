"""What an act sends to NetSuite, and what the answers to its records mean. Nothing here talks to anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connector.adapters.ledger_rows.cells import Row
from connector.adapters.netsuite.applied import meant, shown
from connector.adapters.netsuite.records import Records
from connector.adapters.netsuite.settings import ADD_LIST_MAX
from connector.adapters.netsuite.soap import Written
from connector.ports import ActAnswer, Answer, Outcome, PaymentSeen
from connector.receivables import CloseIntent

ALREADY_THERE = "DUP_RCRD"
NOT_SENT = "NOT_SENT"
UNDEPOSITED = "Undeposited Funds"
# A status of one record that does not say whether it was saved.
UNCLEAR_CODES = frozenset({"", "UNEXPECTED_ERROR"})
Item = tuple[str, Any]  # external id, SOAP record


@dataclass(frozen=True, slots=True)
class Act:
    """One intent and its records as they are sent: the payment first, then the cancellations, then the receipt."""

    intent: CloseIntent
    items: tuple[Item, ...]

    @property
    def sent(self) -> tuple[Item, ...]:
        """What fits into one request; the rest of a very large act goes with a later write of records."""
        return self.items[:ADD_LIST_MAX]

    def answered(self, told: Sequence[Answer]) -> ActAnswer:
        """One answer for each record, `told` being those of `sent`."""
        why = f"The act has more than {ADD_LIST_MAX} records; this one goes with the next write of records."
        later = tuple(refused(external_id, why) for external_id, _ in self.items[ADD_LIST_MAX:])
        return ActAnswer(self.intent.act_id, told[0], (*told[1:], *later))


def differences(intent: CloseIntent, seen: PaymentSeen, row: Row, account: str) -> list[str]:
    """In what does the payment in the ERP differ from what we would have written?

    `account` is the one that it belongs on, '' for Undeposited Funds. What the record doesn't show is not
    compared, nor is the rate, which NetSuite rounds in its own way.
    """
    post = intent.payment
    ours, theirs = meant(post), shown(seen)
    day, receivable = row.get("received_on", ""), row.get("ar_account", "")
    place, due_place = _place(row), f"account {account}" if account else UNDEPOSITED
    told = {
        f"customer {seen.customer_id} instead of {post.customer_id}": seen.customer_id != post.customer_id,
        f"amount {seen.amount} instead of {post.amount}": seen.amount != post.amount,
        f"applied as {theirs} instead of {ours}": theirs != ours,
        f"dated {day} instead of {post.received_on}": day not in ("", post.received_on.isoformat()),
        f"on {place} instead of {due_place}": place not in ("", due_place),
        f"receivables account {receivable} instead of {post.ar_account}": "" not in (receivable, post.ar_account)
        and receivable != post.ar_account,
        "it is voided": seen.voided,
    }
    return [text for text, is_so in told.items() if is_so]


def _place(row: Row) -> str:
    """Where the payment waits, as far as the record shows it."""
    if row.get("undeposited") == "T":
        return UNDEPOSITED
    return f"account {row['account']}" if row.get("account") else ""


def answers(ids: Sequence[str], written: Sequence[Written], by_internal_id: bool = False) -> list[Answer]:
    """NetSuite's statuses by position; if one names another record, no position can be trusted.

    `ids` are external ids, or the internal ids of records that were updated.
    """
    named = [item.erp_id if by_internal_id else item.external_id for item in written]
    if any(name not in ("", id_) for name, id_ in zip(named, ids, strict=True)):
        why = "NetSuite answered about other records than were sent. They are read back before anything else."
        return [Answer(external_id, Outcome.UNKNOWN, message=why) for external_id in ids]
    return [answer(external_id, item) for external_id, item in zip(ids, written, strict=True)]


def answer(external_id: str, item: Written) -> Answer:
    if item.is_success or item.saved_anyway:
        outcome = Outcome.CREATED
    elif item.code == ALREADY_THERE:
        outcome = Outcome.EXISTS
    elif item.code in UNCLEAR_CODES:
        outcome = Outcome.UNKNOWN
    else:
        outcome = Outcome.REFUSED
    return Answer(external_id, outcome, item.erp_id, item.code, item.message)


def refused(external_id: str, why: str) -> Answer:
    return Answer(external_id, Outcome.REFUSED, code=NOT_SENT, message=why)


def act_refused(intent: CloseIntent, why: str) -> ActAnswer:
    """Nothing of this act was sent."""
    told = f"{why}. Nothing of this act was sent."
    records = tuple(refused(external_id, told) for external_id in record_ids(intent))
    return ActAnswer(intent.act_id, refused(intent.payment.external_id, told), records)


def built(records: Records, intent: CloseIntent, currency_id: str) -> Act:
    payment = (intent.payment.external_id, records.payment(intent, currency_id))
    return Act(intent, (payment, *accompanying(records, intent)))


def accompanying(records: Records, intent: CloseIntent) -> list[Item]:
    """The records beside the payment, in the order of `record_ids`."""
    cancelled = [(item.external_id, records.cancellation(intent.act_id, item)) for item in intent.cancellations]
    return [*cancelled, (intent.receipt.external_id, records.receipt(intent))]


def record_ids(intent: CloseIntent) -> list[str]:
    """External ids of the records beside the payment."""
    return [*(item.external_id for item in intent.cancellations), intent.receipt.external_id]


def invoice_ids(intent: CloseIntent) -> list[str]:
    """The invoices that an act touches, each once."""
    paid = (item.invoice_id for item in intent.payment.applications)
    return list(dict.fromkeys([*paid, *(item.invoice_id for item in intent.cancellations)]))


def unsayable(intent: CloseIntent) -> str:
    """Why can't this act be said to NetSuite? Empty when it can."""
    post = intent.payment
    optional = [id_ for id_ in (post.deposit_account, post.erp_id) if id_]
    named = [post.customer_id, *invoice_ids(intent), *(one.credit_id for one in post.credits), *optional]
    odd = [id_ for id_ in named if not is_internal_id(id_)]
    if odd:
        return f"{odd[0]!r} is no internal id of NetSuite"
    if post.erp_id and post.unapplied_before is None:
        return f"nothing says what payment {post.erp_id} had left when this was decided"
    return ""


def is_internal_id(text: str) -> bool:
    """NetSuite's internal ids are whole numbers; anything else can't be there."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def packed(acts: Iterable[Act], acts_max: int) -> Iterator[list[Act]]:
    """Acts joined into requests, none longer than NetSuite takes; an act is not split."""
    request: list[Act] = []
    for act in acts:
        if request and (len(request) == acts_max or sum(len(one.sent) for one in [*request, act]) > ADD_LIST_MAX):
            yield request
            request = []
        request.append(act)
    if request:
        yield request
