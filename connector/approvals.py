"""The approval queue: what people ask for is checked when they ask, and checked again when the daemon acts on it.

Nothing is posted in a person's name but the split that this person saw or wrote. Role, payment and facts are looked at
as they are at that moment: who was taken off the list meanwhile has asked for nothing, and what changed meanwhile is
told instead of done. The connector answers nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256

from connector import cash
from connector.decisions import approval, dividing
from connector.decisions.dividing import DividingRefusal, Ground, Split
from connector.decisions.payer import AliasKind
from connector.errors import InvariantBroken
from connector.money import Money, MoneyError
from connector.parts import Parts
from connector.policy import Deed, Policy, Switch, strictest
from connector.ports import PaymentSeen
from connector.receivables import CreditUse, Match, Payment, PaymentApplication, Rung
from connector.reports import Asked, Asking
from connector.store import Tx, approving, book, closing, credits, history, learning, policies
from connector.store.approving import Answer, Queued, Request, Wanted
from connector.store.closing import ActState

_SHADOW = (
    "posting is in shadow, so nothing is posted whoever approves it; with `post: suggest` in policy.yaml what people "
    "approve is posted"
)
_OTHERS_POST = "somebody else posts payments in {currency} (`posting_owner` in policy.yaml)"
_CHANGED = "it has changed since you looked; look again. Now it says: {now}"

_Refusal = tuple[Answer, str]


# ---- asking ----


def ask(tx: Tx, policy: Policy, asking: Asking, who: str) -> Asked:
    """A person asks. What can be seen to be wrong is refused at once; the rest is the daemon's to act on."""
    one = next(iter(approving.queued(tx, asking.payment)), None)
    if one is None:
        return Asked(asking.payment, None, False, _why_not_waiting(tx, asking.payment))
    if one.request:
        text = f"{approving.people_asked([one.request])}; the daemon acts on that at its next pass"
        return Asked(asking.payment, one.left, False, text)
    deed = Deed(asking.deed)
    wanted = _wanted(tx, one, deed, asking)
    if isinstance(wanted, str):
        return Asked(asking.payment, one.left, False, wanted)
    found = _checked(tx, policy, one, deed, wanted, who)
    if not isinstance(found, Match):
        return Asked(asking.payment, one.left, False, found[1])
    role = approval.decide(policies.counting(tx, policy), who, deed, one.left, one.kind).role
    approving.put_request(tx, one.payment.id, deed, wanted, who, role, asking.reason)
    return Asked(asking.payment, one.left, True, found.equation)


def token(one: Queued, split: Split) -> str:
    """What a person saw, in short: it changes whenever what stands there does."""
    parts = sorted(f"{part.invoice_id} {part.amount} {part.settles}" for part in split.applications)
    parts += sorted(f"{use.credit_id} {use.amount}" for use in split.credits)
    return sha256("\n".join([one.kind, str(one.left), str(split.unapplied or ""), *parts]).encode()).hexdigest()[:12]


def _wanted(tx: Tx, one: Queued, deed: Deed, asking: Asking) -> Wanted | str:
    """What is asked for, as it stands now; a sentence where that can't be."""
    choices = approving.splits(one.proposal, one.left)
    suggested = choices[0] if isinstance(one.proposal, Match) else None
    if deed is Deed.EDIT:
        try:
            split = _written(tx, one.left.currency, asking)
        except MoneyError as error:
            return str(error)
        if isinstance(split, str):
            return split
        return Wanted(one.kind, split, suggested, 0, asking.other_customer, asking.held)
    if suggested is not None:
        chosen, choice = suggested, 0
    elif deed is Deed.REJECT:
        return "nothing is suggested for it that could be rejected"
    elif not choices:
        return f"there is nothing to choose from: {one.reason}"
    elif not 1 <= asking.choice <= len(choices):
        return f"it is an exception; choose one of its explanations: --choice 1 to {len(choices)}"
    else:
        chosen, choice = choices[asking.choice - 1], asking.choice
    if asking.seen and asking.seen != token(one, chosen):
        return _CHANGED.format(now=one.reason)
    return Wanted(one.kind, None if deed is Deed.REJECT else chosen, chosen, choice)


def _written(tx: Tx, currency: str, asking: Asking) -> Split | str:
    """A person's own split, numbers and amounts as they were typed."""
    parts, used = [], []
    for number, amount in asking.parts:
        rows = history.find_invoices(tx, number)
        if len(rows) != 1:
            return _not_one("invoice", number, [row["id"] for row in rows])
        parts.append(PaymentApplication(rows[0]["id"], Money.of(amount, rows[0]["currency"])))
    for number, amount in asking.credits:
        memos = approving.find_memos(tx, number)
        if len(memos) != 1:
            return _not_one("open credit memo", number, [memo.id for memo in memos])
        used.append(CreditUse(memos[0].id, Money.of(amount, memos[0].open_amount.currency)))
    rest = Money.of(asking.unapplied, currency) if asking.unapplied else None
    return Split(tuple(parts), tuple(used), rest or None)


def _not_one(what: str, number: str, ids: Sequence[str]) -> str:
    if not ids:
        return f"there is no {what} {number}"
    return f"{len(ids)} of them have the number {number}; give one of the ERP's ids: {', '.join(ids)}"


def _why_not_waiting(tx: Tx, payment_id: str) -> str:
    standing = approving.standing_of(tx, payment_id)
    if not standing:
        return "there is no payment with this id"
    by = approving.approved_by(tx, payment_id)
    told = {
        "matched": f"it is matched{f' as {by} approved' if by else ''}",
        "adopted": "it stands in the ERP already, posted by somebody else",
        "observed": "it came before the cutover and is never posted",
        "refused": "the ERP refused it; put right what it names, and it is tried again",
        "waiting": "it is not decided yet; look again after the daemon's next pass",
    }
    return f"it does not wait for anybody: {told.get(standing, f'its standing is {standing}')}"


# ---- the same checks for asking and for acting ----


def _checked(tx: Tx, policy: Policy, one: Queued, deed: Deed, wanted: Wanted, who: str) -> Match | _Refusal:
    """What would be recorded, or for a rejection what is dropped; else why not."""
    allowed = approval.decide(policies.counting(tx, policy), who, deed, one.left, one.kind)
    if not allowed.allowed:
        return Answer.REFUSED, allowed.text
    if deed is not Deed.REJECT and all(each.post is Switch.SHADOW for each in policy.everywhere):
        return Answer.REFUSED, _SHADOW
    if deed is not Deed.REJECT and not policy.posts(one.left.currency):
        return Answer.REFUSED, _OTHERS_POST.format(currency=one.left.currency)
    if deed is not Deed.EDIT and not _stands(one, wanted):
        return Answer.CHANGED, _CHANGED.format(now=one.reason)
    if deed is not Deed.EDIT and isinstance(one.proposal, Match):
        return one.proposal if deed is Deed.REJECT else _unless_in_shadow(tx, policy, one.proposal)
    if wanted.split is None:
        raise InvariantBroken(f"{who} asked to {deed} payment {one.payment.id}, and no split was kept with it.")
    found = dividing.decide(
        one.payment,
        one.left,
        wanted.split,
        _ground(tx, one.payment, wanted.split),
        f"{who} ({allowed.role})",
        other_customer=wanted.other_customer,
        held=wanted.held,
    )
    return (Answer.REFUSED, found.text) if isinstance(found, DividingRefusal) else _unless_in_shadow(tx, policy, found)


def _unless_in_shadow(tx: Tx, policy: Policy, match: Match) -> Match | _Refusal:
    """An act takes the strictest of its invoices' segments."""
    segments = book.segments_of(tx, match.invoice_ids) or {""}
    post = strictest(policy.of(segment).post for segment in segments)
    return (Answer.REFUSED, _SHADOW) if post is Switch.SHADOW else match


def _stands(one: Queued, wanted: Wanted) -> bool:
    """Does still stand there what the person saw?"""
    choices = approving.splits(one.proposal, one.left)
    place = wanted.choice - 1 if wanted.choice else 0
    if isinstance(one.proposal, Match) == bool(wanted.choice) or one.kind != wanted.of or place >= len(choices):
        return False
    return wanted.seen is not None and choices[place].same(wanted.seen)


def _ground(tx: Tx, payment: Payment, split: Split) -> Ground:
    rows = book.invoices_by_id(tx, [one.invoice_id for one in split.applications])
    invoices = {invoice_id: book.invoice_of(row) for invoice_id, row in rows.items()}
    memos = credits.credits_by_id(tx, [one.credit_id for one in split.credits])
    customers = {payment.customer_id, *(invoice.customer_id for invoice in invoices.values())}
    customers |= {memo.customer_id for memo in memos.values()}
    return Ground(invoices, memos, book.families_of(tx, customers - {""}))


# ---- acting ----


def answer_requests(parts: Parts, today: date) -> None:
    """Act on everything that was asked for, in the order in which it was asked.

    After matching has decided on today's facts: so it is seen where something else stands there now. What somebody has
    asked about is not posted by itself meanwhile.
    """
    with parts.store.read() as tx:
        requests = approving.open_requests(tx)
        paying = {request.payment_id for request in requests if request.deed is not Deed.REJECT}
        waiting = [one for one in (approving.queued(tx) if paying else ()) if one.payment.id in paying]
    if not requests:
        return
    posted = _posted_by_others(parts, [one.payment for one in waiting])
    for request in requests:
        _act_on(parts, request, posted, today)


def _posted_by_others(parts: Parts, payments: Iterable[Payment]) -> Mapping[str, PaymentSeen]:
    """A person may have posted by hand what another one approves here: then it is there already (RULES 1.9)."""
    asked = [payment.id for payment in payments if not payment.erp_id]
    seen = parts.erp.find_payments(asked) if asked else {}
    return {payment_id: one for payment_id, one in seen.items() if not one.voided}


def _act_on(parts: Parts, request: Request, posted: Mapping[str, PaymentSeen], today: date) -> None:
    with parts.store.tx() as tx:
        if act_id := approving.act_of(tx, request):
            return _finish(tx, request, act_id)  # it was recorded, and the process died before it said so
        one = next(iter(approving.queued(tx, request.payment_id)), None)
        if one is None:
            return approving.answer_request(tx, request, Answer.REFUSED, _why_not_waiting(tx, request.payment_id))
        found = _checked(tx, parts.policy, one, request.deed, request.wanted, request.who)
        if not isinstance(found, Match):
            return approving.answer_request(tx, request, *found)
        if request.deed is Deed.REJECT:
            return _reject(tx, one, found, request)
        if there := posted.get(request.payment_id):
            text = f"the ERP has it already as payment {there.erp_id}, posted by somebody else"
            return approving.answer_request(tx, request, Answer.REFUSED, text)
        if parts.posting_forbidden(tx, approved=True, invoice_ids=found.invoice_ids):
            return None  # a stop, a freeze or an alarm: it waits with everything else that is to be posted
    recorded = cash.record_match(parts, one.payment, one.left, found, today, request.by)
    with parts.store.tx() as tx:
        if recorded:
            _finish(tx, request, approving.act_of(tx, request))
        elif held := approving.held_because(tx, request.payment_id):
            approving.answer_request(tx, request, Answer.REFUSED, held)
        # Else the facts moved, or a mail was just leaving: it is looked at again in the next pass.
    return None


def _reject(tx: Tx, one: Queued, match: Match, request: Request) -> None:
    """The suggestion goes; the payment stays with people, and its invoices stay shielded, until something else fits."""
    cash.except_payment(tx, one.payment, one.left, approving.rejection(match, request))
    _count(tx, request, Rung(request.wanted.of), "wrong", f"rejected{f': {request.reason}' if request.reason else ''}")
    approving.answer_request(tx, request, Answer.DONE, f"rejected: {match.equation}")


def _finish(tx: Tx, request: Request, act_id: str) -> None:
    """The match is recorded: say so, and keep what it teaches."""
    acts = closing.acts(tx, ActState, [act_id])
    if not acts or request.wanted.split is None:
        raise InvariantBroken(f"The match that {request.by} asked for was recorded as act {act_id!r} and isn't there.")
    if request.wanted.seen and not request.wanted.choice:
        is_right = request.wanted.split.same(request.wanted.seen)
        detail = "approved as suggested" if is_right else "divided otherwise than suggested"
        _count(tx, request, Rung(request.wanted.of), "right" if is_right else "wrong", detail)
    _learn_payer(tx, request, acts[0].intent.payment.customer_id)
    approving.answer_request(tx, request, Answer.DONE, f"recorded as act {act_id}, and posted next")


def _count(tx: Tx, request: Request, rung: Rung, outcome: str, detail: str) -> None:
    learning.put_evidence(tx, request.payment_id, learning.PERSON, rung, outcome, detail, request.who)


def _learn_payer(tx: Tx, request: Request, customer_id: str) -> None:
    """Money whose payer nobody knew was this customer's: what it says of its payer is remembered."""
    payment = approving.payment_of(tx, request.payment_id)
    if payment.customer_id:
        return
    told = {
        AliasKind.BANK_ACCOUNT: payment.payer_bank,
        AliasKind.EMAIL: payment.payer_email,
        AliasKind.NAME: payment.payer_name,
    }
    for kind, key in told.items():
        if key:
            learning.put_alias(tx, kind, key, customer_id, payment.id, request.who)
