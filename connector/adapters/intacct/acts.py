"""One closing act as one operation, and what the answers to it mean. Nothing here talks to anybody.

The order of its functions: our draft of this payment goes; the invoices' flags come, before the payment, since whether
a paid invoice's may still be changed is not documented; then cancellations, receipt and payment. All, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from connector.adapters.intacct import functions, names
from connector.adapters.intacct.answers import Result, Results, Why
from connector.adapters.intacct.functions import Function, control_id
from connector.adapters.intacct.lines import CreditNow, Detail, InvoiceNow, Unpayable, details
from connector.adapters.intacct.records import Records, is_of_family, own_id, unsayable_amount
from connector.adapters.intacct.rows import iso_day
from connector.adapters.intacct.settings import CREATE_MAX, IntacctMapping
from connector.adapters.intacct.singly import NOT_SENT
from connector.money import Money
from connector.ports import ActAnswer, Answer, Outcome, PaymentSeen
from connector.receivables import ArStatus, CloseIntent, PaymentToPost

Sums = Mapping[str, Money]  # document -> amount
# What a person can do about a refusal whose sentence alone doesn't say it.
_REMEDIES: Mapping[Why, str] = {
    Why.CLOSED_PERIOD: "its period is closed for receivables: open it, or let policy.yaml post on the first open day",
    Why.PERMISSION: "the Web Services user lacks a permission; posting payments needs Post besides Add",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """What an act stands on, as read just before it is written. `drafts`: external id -> RECORDNOs of our drafts."""

    invoices: Mapping[str, InvoiceNow] = field(default_factory=dict)
    credits: Mapping[str, CreditNow] = field(default_factory=dict)
    drafts: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """One intent as the functions of one operation, in the session of its entity."""

    intent: CloseIntent
    entity: str
    undrafts: tuple[Function, ...]
    flags: tuple[Function, ...]
    statuses: tuple[ArStatus, ...]  # those that the flags set
    records: tuple[Function, ...]  # in the order of record_ids
    payment: Function

    @property
    def functions(self) -> tuple[Function, ...]:
        return (*self.undrafts, *self.flags, *self.records, self.payment)

    def committed(self, told: Sequence[Result]) -> ActAnswer:
        """`told`: one success for each function."""
        *before, paid = told
        made = before[len(before) - len(self.records) :]
        post = self.intent.payment
        own = paid.key if post.applications else names.advance_id(paid.key)
        return ActAnswer(
            self.intent.act_id,
            Answer(post.external_id, Outcome.CREATED, post.erp_id or own),
            tuple(
                Answer(id_, Outcome.CREATED, one.key) for id_, one in zip(record_ids(self.intent), made, strict=True)
            ),
            tuple(Answer(status.external_id, Outcome.CREATED) for status in self.statuses),
        )


class Verdict(StrEnum):
    """What one operation of acts came to."""

    COMMITTED = "committed"
    REPEATED = "repeated"  # a function of it was carried out before: what stands must be read
    FLAGS_REFUSED = "flags_refused"  # it may be that only the flags were refused, and nothing was carried out
    REFUSED = "refused"  # nothing was carried out


def judged(sent: Sequence[Act], results: Results) -> Verdict:
    """Committed only if every function says so; where none says why it failed, flags are left out before all else."""
    if results.is_committed:
        return Verdict.COMMITTED
    why = results.cause.why if results.cause is not None else Why.OTHER
    if results.is_repeat or why is Why.DUPLICATE:
        return Verdict.REPEATED
    flags = {function.control_id for act in sent for function in act.flags}
    if flags and (results.offender is None or results.offender.control_id in flags):
        return Verdict.FLAGS_REFUSED
    return Verdict.REFUSED


def is_stale(results: Results) -> bool:
    """Was it refused because something that was read before isn't there any more?"""
    return results.cause is not None and results.cause.why is Why.NOT_THERE


def refusal(act: Act, results: Results) -> ActAnswer:
    """The answer to an act that was rolled back. The payment tells the cause, whichever function it was."""
    offender, cause = results.offender, results.cause
    if cause is None:
        return act_refused(act.intent, "Intacct undid the whole act and gave no reason", code="ROLLED_BACK")
    of = "" if offender is None or offender.control_id == act.payment.control_id else f"{offender.control_id}: "
    said = f"{of}{cause.text}"
    remedy = _REMEDIES.get(cause.why, "")
    return act_refused(act.intent, f"{said} ({remedy})" if remedy else said, code=cause.code)


def flagless(answer: ActAnswer, act: Act, results: Results) -> ActAnswer:
    """The answer to an act that was written without its flags, with why they were refused; `results` are those of the
    first try. Nothing is said of them where the payment doesn't stand, or they went after all."""
    if answer.payment.outcome is not Outcome.CREATED or answer.statuses:
        return answer
    why = results.cause.text if results.cause is not None else "Intacct undid the whole act and gave no reason"
    refused = tuple(Answer(status.external_id, Outcome.REFUSED, message=why) for status in act.statuses)
    return replace(answer, statuses=refused)


def act_refused(intent: CloseIntent, why: str, code: str = NOT_SENT) -> ActAnswer:
    """Nothing of this act was carried out."""
    return _all(intent, Outcome.REFUSED, f"{why}. Nothing of this act was written.", code)


def act_unknown(intent: CloseIntent, why: str, code: str = "") -> ActAnswer:
    """It may have been carried out, or was not begun: in both cases the next step is to look."""
    return _all(intent, Outcome.UNKNOWN, why, code)


def _all(intent: CloseIntent, outcome: Outcome, why: str, code: str) -> ActAnswer:
    payment, *others = (
        Answer(external_id, outcome, code=code, message=why)
        for external_id in (intent.payment.external_id, *record_ids(intent))
    )
    return ActAnswer(intent.act_id, payment, tuple(others))


# ---- What is sent ----


def built(
    mapping: IntacctMapping,
    intent: CloseIntent,
    ground: Ground,
    statuses: Iterable[ArStatus] = (),
) -> Act:
    """This act as it is sent now. Raises Unpayable: the ground has changed."""
    post, records = intent.payment, Records(mapping)
    rest = _rest(post, ground) if post.erp_id else None
    parts = details(post, ground.invoices, ground.credits, rest)
    entity = entity_of(mapping, post, ground, parts)
    if parts:
        paying = records.payment(post, intent.act_id, parts, entity)
    else:
        paying = records.advance(post, intent.act_id, entity)
    shown = tuple(status for status in statuses if status.invoice_id in ground.invoices)
    flags = [records.status(status, ground.invoices[status.invoice_id].record_no) for status in shown]
    chunks = [flags[start : start + CREATE_MAX] for start in range(0, len(flags), CREATE_MAX)]
    own = own_id(post, intent.act_id)
    drafts = ground.drafts.get(own, ())
    return Act(
        intent,
        entity,
        tuple(functions.delete(control_id(f"{own}-draft"), "ARPYMT", drafts) for _ in drafts[:1]),
        tuple(functions.update(control_id(f"{own}-flags-{number}"), *chunk) for number, chunk in enumerate(chunks)),
        shown,
        accompanying(records, intent),
        functions.create(control_id(own), paying),
    )


def accompanying(records: Records, intent: CloseIntent, again: str = "") -> tuple[Function, ...]:
    """The records beside the payment, born closed, in the order of `record_ids`; `again` makes other control ids."""
    made = [(one.external_id, records.cancellation(intent.act_id, one)) for one in intent.cancellations]
    made.append((intent.receipt.external_id, records.receipt(intent)))
    return tuple(functions.create(control_id(external_id, again=again), body) for external_id, body in made)


def record_ids(intent: CloseIntent) -> list[str]:
    """External ids of the records beside the payment."""
    return [*(item.external_id for item in intent.cancellations), intent.receipt.external_id]


def invoice_ids(intent: CloseIntent) -> list[str]:
    """The invoices that an act touches, each once."""
    paid = (item.invoice_id for item in intent.payment.applications)
    return list(dict.fromkeys([*paid, *(item.invoice_id for item in intent.cancellations)]))


def credit_ids(post: PaymentToPost) -> list[str]:
    """The credits that a payment uses: memos beside it, and the rest that it pays from."""
    return [*(use.credit_id for use in post.credits), *filter(None, [post.erp_id])]


def unsayable(mapping: IntacctMapping, intent: CloseIntent) -> str:
    """Why can't this act be said to Intacct, whatever stands there now? Empty when it can."""
    odd = next((one.invoice_id for one in intent.cancellations if not _is_invoice(one.invoice_id)), "")
    return f"{odd!r} is no id of a Sage Intacct invoice" if odd else unpayable(mapping, intent.payment)


def unpayable(mapping: IntacctMapping, post: PaymentToPost) -> str:
    """Why can't this payment be said to Intacct, whatever stands there now? Empty when it can."""
    odd = next((one.invoice_id for one in post.applications if not _is_invoice(one.invoice_id)), "")
    odd = odd or next((id_ for id_ in credit_ids(post) if not _is_credit(id_)), "")
    if odd:
        return f"{odd!r} is no id of Sage Intacct's"
    if post.erp_id and post.unapplied_before is None:
        return f"nothing says what payment {post.erp_id} had left when this was decided"
    if post.erp_id and not post.applications:
        return f"payment {post.erp_id} is there already, and nothing is to be paid from it"
    if not Records(mapping).place(post):
        where = "give undeposited_account or a settlement"
        return f"mappings/intacct.yaml doesn't say where money in {post.amount.currency} is: {where}"
    if not (post.applications or mapping.advance_account or mapping.advance_label):
        return "money that pays no invoice yet needs advance_account or advance_label in mappings/intacct.yaml"
    if not mapping.facts.custom_discounts and any(one.discount for one in post.applications):
        return "facts.custom_discounts in mappings/intacct.yaml is false, so no discount goes with a payment"
    return unsayable_amount(post.amount) or _strange_to_family(mapping, post) or _misplaced(mapping, post)


def _strange_to_family(mapping: IntacctMapping, post: PaymentToPost) -> str:
    if not is_of_family(post):
        return ""
    if mapping.facts.family_payments == "none":
        return (
            f"it pays invoices of other customers than {post.customer_id}, and facts.family_payments in "
            "mappings/intacct.yaml allows no such payment: a person posts it"
        )
    if post.erp_id:
        return f"what is left of payment {post.erp_id} can pay only invoices of customer {post.customer_id}"
    left = post.amount - post.cash_applied
    return f"it pays invoices of several customers, and nothing says whose the {left} left over are" if left else ""


def _misplaced(mapping: IntacctMapping, post: PaymentToPost) -> str:
    """A receipt of one entity doesn't go onto the accounts of another (RULES 1.6).

    Only where the settlement chooses the account: our own bank account is the money's, and Intacct's to judge.
    """
    entry = mapping.settlement_of(post.amount.currency)
    if post.deposit_account or post.erp_id or entry is None or not entry.entity:
        return ""
    if post.subsidiary in ("", entry.entity):
        return ""
    return (
        f"{post.amount.currency} is settled by entity {entry.entity}, and this payment belongs to entity "
        f"{post.subsidiary}: a person must decide how it gets there"
    )


def _is_invoice(known_id: str) -> bool:
    try:
        names.parts(known_id)
    except ValueError:
        return False
    return True


def _is_credit(known_id: str) -> bool:
    is_number = known_id.isascii() and known_id.isdigit()
    return is_number or names.is_advance(known_id) or (names.is_memo(known_id) and _is_invoice(known_id[3:]))


def _rest(post: PaymentToPost, ground: Ground) -> CreditNow:
    """What is left of a payment that is there, if it is as it was when this was decided."""
    rest, before = ground.credits.get(post.erp_id), post.unapplied_before
    if rest is None:
        raise Unpayable(f"Intacct has no payment {post.erp_id} with anything left")
    if rest.customer_id != post.customer_id:
        raise Unpayable(f"payment {post.erp_id} belongs to customer {rest.customer_id}, not {post.customer_id}")
    if before is None or rest.open.currency != before.currency:
        raise Unpayable(f"payment {post.erp_id} is in {rest.open.currency}")
    if rest.open != before:
        raise Unpayable(f"payment {post.erp_id} has {rest.open} left, and had {before} when this was decided")
    return rest


def entity_of(mapping: IntacctMapping, post: PaymentToPost, ground: Ground, parts: Sequence[Detail]) -> str:
    """The one entity of all that the act pays and uses; '' is the top level."""
    paid = {ground.invoices[one.invoice_id].entity for one in post.applications}
    used = {one.credit.entity for one in parts if one.credit is not None}
    found = sorted((paid | used) - {""})
    if len(found) > 1:
        raise Unpayable(f"it touches entities {', '.join(found)}, and one payment belongs to one of them")
    if found or parts:
        return found[0] if found else ""
    return post.subsidiary if post.subsidiary in mapping.entities else ""


def waves(intents: Iterable[CloseIntent]) -> Iterator[list[CloseIntent]]:
    """The acts in order, split so that no two of a wave touch one invoice or credit: each is told on fresh ground."""
    wave: list[CloseIntent] = []
    touched: set[str] = set()
    for intent in intents:
        own = {*invoice_ids(intent), *credit_ids(intent.payment)}
        if own & touched:
            yield wave
            wave, touched = [], set()
        wave.append(intent)
        touched |= own
    if wave:
        yield wave


def batches(ready: Sequence[Act], size: int) -> Iterator[list[Act]]:
    """Acts joined into operations of at most `size`, each within one entity."""
    by_entity: dict[str, list[Act]] = {}
    for act in ready:
        by_entity.setdefault(act.entity, []).append(act)
    for same in by_entity.values():
        for start in range(0, len(same), size):
            yield same[start : start + size]


# ---- What stands there already ----


def differences(mapping: IntacctMapping, intent: CloseIntent, seen: PaymentSeen, row: Mapping[str, str]) -> list[str]:
    """In what does the payment in Intacct differ from what we would have written? What its record doesn't show is not
    compared, nor is the rate, which Intacct rounds in its own way."""
    post = intent.payment
    told = {
        f"customer {seen.customer_id} instead of {post.customer_id}": seen.customer_id != post.customer_id,
        "it is voided": seen.voided,
    }
    pairs = _meant_and_seen(post, seen)
    if post.erp_id:
        told["its applications are not ours"] = not all(_covers(theirs, ours) for ours, theirs in pairs.values())
    else:
        day, place = iso_day(row.get("RECEIPTDATE", "")), Records(mapping).place(post)
        told[f"amount {seen.amount} instead of {post.amount}"] = seen.amount != post.amount
        for word, (ours, theirs) in pairs.items():
            told[f"{word} {_said(theirs)} instead of {_said(ours)}"] = ours != theirs
        told[f"dated {day} instead of {post.received_on}"] = day not in ("", post.received_on.isoformat())
        told[f"on {_place(row)} instead of {_place(place)}"] = _is_elsewhere(row, place)
    return [text for text, is_so in told.items() if is_so]


def _meant_and_seen(post: PaymentToPost, seen: PaymentSeen) -> dict[str, tuple[Sums, Sums]]:
    """By the words for it: document -> amount as we meant it, and as it is."""
    discounts = ((one.invoice_id, one.discount) for one in post.applications if one.discount)
    return {
        "applied as": (_sums((one.invoice_id, one.amount) for one in post.applications), dict(seen.applications)),
        "with credits": (_sums((one.credit_id, one.amount) for one in post.credits), dict(seen.credits)),
        "with discounts": (_sums(discounts), dict(seen.discounts)),
    }


def _is_elsewhere(row: Mapping[str, str], place: Mapping[str, str | None]) -> bool:
    """Only where the record names a place of the same kind: a deposit moves money from the one kind to the other."""
    return any(row.get(name) and not _is_same(row[name], account or "") for name, account in place.items())


def _is_same(told: str, account: str) -> bool:
    """Intacct may show an account with its title: `1010--Cash`."""
    return told.partition("--")[0] == account


def _place(row: Mapping[str, str | None]) -> str:
    return row.get("FINANCIALENTITY") or row.get("UNDEPOSITEDACCOUNTNO") or "no account"


def _said(sums: Sums) -> str:
    return ", ".join(f"{amount} of {one}" for one, amount in sorted(sums.items())) or "nothing"


def _sums(parts: Iterable[tuple[str, Money]]) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for document, amount in parts:
        found[document] = found[document] + amount if document in found else amount
    return found


def _covers(whole: Sums, part: Sums) -> bool:
    return all(document in whole and whole[document] >= amount for document, amount in part.items())


def own_view(post: PaymentToPost, applied: PaymentSeen, left: Money) -> PaymentSeen:
    """A payment that was there before, as what this act made of it: `applied` is the payment without cash that uses it,
    `left` what it has left now."""
    credits = tuple((one, amount) for one, amount in applied.credits if names.is_memo(one))
    used = Money.total((amount for _, amount in credits), left.currency)
    lines = Money.total((amount for _, amount in applied.applications), left.currency)
    return PaymentSeen(
        erp_id=post.erp_id,
        customer_id=applied.customer_id,
        amount=left + lines - used,
        applications=applied.applications,
        voided=applied.voided,
        modified_at=applied.modified_at,
        credits=credits,
        discounts=applied.discounts,
    )
