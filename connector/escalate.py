"""Step 6's first half: who must look at which invoice, told to the ERP's saved searches, the account team and the chat.

Level-triggered like everything: once a day over all that is past due, and at once for what changed. An escalation ends
when the invoice is paid or no rule fits any more. Whoever is told has some business days to answer; silence goes to the
next one up, once (RULES 5.5). An answer is a task closed in the CRM, the ERP's own field, or a conversation that goes
on; from then on no machine writes about the invoice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from connector import notices, profiles
from connector.business_days import business_days_later
from connector.decisions import escalation
from connector.decisions.escalation import UNSEEN_DAYS_MAX, UNSEEN_RULE, EscalationVerdict
from connector.faults import Apart
from connector.parts import Parts
from connector.policy import Addressee, LadderRung, Policy, Switch
from connector.ports import Crm, Outcome
from connector.receivables import OpenInvoice, PauseKind, Profile, ReminderState
from connector.settlement import CrmAccount, CrmTask
from connector.store import Tx, book, gate, instant, pauses, relations, verdicts
from connector.store.profiles import Relation, relation
from connector.store.relations import Escalated

# Invoices decided in one commit.
AT_ONCE_MAX = 500
# Tasks that one request asks for.
TASKS_AT_ONCE = 200
# What the external id of the task for the next one up ends with.
_UP = "-up"
# Kinds of exceptions.
_AGENCY = "agency_proposed"
_UNANSWERED = "escalation_unanswered"

_RUNGS = tuple(LadderRung)
_WHAT_TO_DO = {
    LadderRung.FLAG: "please speak to the customer",
    LadderRung.CALL: "please call the customer",
    LadderRung.AGENCY: "an agency is proposed; the controller alone decides, and nothing happens by itself",
}


def escalate_invoices(parts: Parts, today: date) -> None:
    """Decide who must look at what, tell them, and see whether they do."""
    with parts.store.tx() as tx:
        decide(tx, parts, today)
    _take_answers(parts, today)
    _raise_unanswered(parts, today)
    _tell(parts, today)


# ---- who must look at what ----


def decide(tx: Tx, parts: Parts, today: date) -> None:
    """Once a day everything past due, else what is escalated or changed since its AR status was written."""
    # A start may come with another policy; standing escalations are looked at again even where no rule is left.
    under = f"{today} {parts.policy.version}"
    is_new_day = tx.get("escalated_under") != under
    rules = [rule.days_past_due_min for policy in parts.policy.everywhere for rule in policy.escalation]
    # The floor is there without any rule.
    soonest = min([*rules, parts.policy.hand_off.unseen_days_past_due, UNSEEN_DAYS_MAX - 1])
    ids = relations.to_escalate(tx, today - timedelta(days=soonest), only_changed=not is_new_day)
    for start in range(0, len(ids), AT_ONCE_MAX):
        _decide(tx, parts, ids[start : start + AT_ONCE_MAX], today)
    tx.set("escalated_under", under)


def _decide(tx: Tx, parts: Parts, ids: Sequence[str], today: date) -> None:
    rows, standing = book.invoices_by_id(tx, ids), relations.escalations(tx, ids)
    accounts = relations.accounts_by_family(tx)
    of_families = {
        family: relation(accounts.get(family, ()), today) for family in {row["family"] for row in rows.values()}
    }
    known_as = profiles.profiles(tx, today, set(of_families))
    proposed, apart = set(verdicts.open_of_kind(tx, _AGENCY)), Apart("escalate")
    for invoice_id, row in rows.items():
        invoice, known = book.invoice_of(row), standing.get(invoice_id)
        if known is not None and _is_touched(parts, known, invoice):
            _answered(tx, invoice_id, invoice.touched_on or today, "the ERP says so")
            known = relations.escalations(tx, [invoice_id])[invoice_id]
        profile, of_family = known_as.get(row["family"], Profile()), of_families[row["family"]]
        verdict = None
        with apart.one(invoice_id):
            verdict = _verdict(parts.policy.of(row["segment"]), invoice, known, profile, today)
        if verdict is None:
            continue  # what is escalated stays so; the log has the details
        if verdict and _is_news(parts, verdict, known, of_family, bool(row["in_backlog"])):
            relations.escalate(tx, _escalated(tx, parts, invoice, row, verdict, of_family, known, today))
        elif verdict and known is not None and known.rule == verdict.rule and not _is_answered(parts, known):
            if known.stops_mail != verdict.stops_mail:
                relations.stop_mail(tx, invoice_id, verdict.stops_mail)
        elif not verdict and known is not None:
            relations.end_escalation(tx, invoice_id, verdict.reason)
            verdicts.close_exceptions(tx, exception_id=f"{_UNANSWERED}:{invoice_id}", reason=verdict.reason)
        is_for_agency = verdict.rung is LadderRung.AGENCY and _is_for_people(verdict.rule, bool(row["in_backlog"]))
        if is_for_agency is not (f"{_AGENCY}:{invoice_id}" in proposed):
            _propose_agency(tx, invoice, verdict, is_for_agency)


def _verdict(
    policy: Policy, invoice: OpenInvoice, known: Escalated | None, profile: Profile, today: date
) -> EscalationVerdict:
    """What the rules say, with what we know of people at work. A floor that was answered stands until it is paid."""
    touched_on = known.touched_on if known else None
    verdict = escalation.decide(invoice, policy, today, profile=profile, touched_on=touched_on)
    if known is not None and known.rule == UNSEEN_RULE and not verdict and touched_on is not None:
        # Ended, it would begin anew tomorrow: that somebody looked would be forgotten with it.
        return escalation.decide(invoice, policy, today, profile=profile)
    return verdict


def _is_news(
    parts: Parts, verdict: EscalationVerdict, known: Escalated | None, of_family: Relation, in_backlog: bool
) -> bool:
    """Must somebody be told of this verdict who isn't told by what stands?"""
    if known is None:
        return True
    if _is_answered(parts, known):
        # Whoever is at work goes on with it until the next rung.
        return _RUNGS.index(verdict.rung) > _RUNGS.index(known.rung)
    if known.rule != verdict.rule:
        return True
    return known.task is None and not known.is_raised and _gets_task(parts, verdict.rule, of_family, in_backlog)


def _gets_task(parts: Parts, rule: str, of_family: Relation, in_backlog: bool) -> bool:
    return parts.crm is not None and of_family.crm_account is not None and _is_for_people(rule, in_backlog)


def _is_for_people(rule: str, in_backlog: bool) -> bool:
    """In an old book nobody is sent to every customer at once: people look at the backlog first (RULES 4.5).

    But for what must not stay unseen.
    """
    return not in_backlog or rule == UNSEEN_RULE


def _escalated(
    tx: Tx,
    parts: Parts,
    invoice: OpenInvoice,
    row: Any,
    verdict: EscalationVerdict,
    of_family: Relation,
    known: Escalated | None,
    today: date,
) -> Escalated:
    account, policy = of_family.crm_account, parts.policy
    owner, owner_id = _addressee(policy, verdict.to, account)
    task = None
    if account is not None and _gets_task(parts, verdict.rule, of_family, bool(row["in_backlog"])):
        open_amount = invoice.balance if verdict.rule == UNSEEN_RULE else invoice.askable
        task = CrmTask(
            external_id=_task_id(tx, parts, invoice, verdict.rule),
            account_id=account.id,
            owner_id=owner_id,
            subject=f"Invoice {invoice.number}: {open_amount} open, {invoice.days_past_due(today)} days past due",
            text=_text(tx, invoice, verdict, owner),
            due_on=_answer_by(policy, today),
        )
    is_at_work = known is not None and _is_answered(parts, known)
    return Escalated(
        invoice_id=invoice.id,
        rule=verdict.rule,
        reason=verdict.reason,
        stops_mail=verdict.stops_mail or is_at_work,
        owner=owner,
        task=task,
        rung=verdict.rung,
        since=tx.at,
        touched_on=known.touched_on if known else None,
    )


def _task_id(tx: Tx, parts: Parts, invoice: OpenInvoice, rule: str) -> str:
    """One task for each time that the rule calls a person: of an earlier time it may be closed long since."""
    before = relations.times_escalated(tx, invoice.id, rule)
    again = f"-{before + 1}" if before else ""
    return f"arc-{parts.installation}-esc-{invoice.id}-{_slug(rule)}{again}"


def _slug(rule: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", rule).strip("-")


def _notice_id(kind: str, one: Escalated) -> str:
    return f"{kind}:{one.invoice_id}:{_slug(one.rule)}:{one.since:%Y-%m-%d}"


def _text(tx: Tx, invoice: OpenInvoice, verdict: EscalationVerdict, owner: str) -> str:
    """What the person needs to know: why, what has been said to the customer, what to do."""
    sent = [one.step for one in gate.reminders(tx, [invoice.id])[invoice.id] if one.state is ReminderState.SENT]
    history = f"Reminders sent so far: {', '.join(sent)}." if sent else "No reminder was sent so far."
    if verdict.rule == UNSEEN_RULE:
        what = "Please look at it, and note in the ERP that you did."
    elif verdict.stops_mail:
        what = f"Automatic reminders have stopped; {_WHAT_TO_DO[verdict.rung]}."
    else:
        what = f"{_WHAT_TO_DO[verdict.rung].capitalize()}."
    return f"For {owner}. {verdict.reason}. {history} {what}"


def _addressee(policy: Policy, to: Addressee, account: CrmAccount | None) -> tuple[str, str]:
    """Whom it goes to, as people read it, and their id in the CRM; '' where the CRM doesn't know them.

    An owner who is missing or inactive falls back to collections, every role that nobody is named for to finance.
    """
    if to is Addressee.ACCOUNT_MANAGER:
        if account is not None and account.owner_id:
            return account.owner or account.owner_email, account.owner_id
        to = Addressee.COLLECTIONS
    people = dict(policy.hand_off.people)
    name = people.get(to) or people.get(Addressee.FINANCE) or Addressee.FINANCE.value
    # Their task hangs on the account, where its owner sees it too.
    return name, account.owner_id if account else ""


def _answer_by(policy: Policy, told_on: date) -> date:
    return business_days_later(told_on, policy.hand_off.answer_within_business_days, policy.calendar)


def _propose_agency(tx: Tx, invoice: OpenInvoice, verdict: EscalationVerdict, is_for_agency: bool) -> None:
    """Only the controller hands over to an agency, and by their own hand (RULES 5.5)."""
    if not is_for_agency:
        verdicts.close_exceptions(tx, exception_id=f"{_AGENCY}:{invoice.id}", reason=verdict.reason)
        return
    verdicts.open_exception(
        tx,
        _AGENCY,
        invoice.id,
        f"invoice {invoice.number} is proposed for an agency by the rule {verdict.rule!r}: {verdict.reason}. If the "
        "controller agrees, hand it over and mark the customer as with an agency in the ERP; nothing happens by itself",
        amount=invoice.balance,
        customer_id=invoice.customer_id,
    )


# ---- telling them ----


def _tell(parts: Parts, today: date) -> None:
    """One task an invoice and rule in the CRM, made once by its external id, and one notice; only while we also send.

    The chat is told first, so that a CRM which can't answer keeps nobody from hearing of it.
    """
    with parts.store.tx() as tx:
        waiting = _may_be_told(tx, parts)
        rows = book.invoices_by_id(tx, list(waiting))
        names = book.customers_by_id(tx, {row["customer_id"] for row in rows.values()})
        for one in waiting.values():
            row = rows[one.invoice_id]
            customer = names.get(row["customer_id"])
            if not one.is_raised:
                notices.put(tx, _notice_id("escalation", one), _notice(one, row, customer))
            if one.task is None:
                relations.told(tx, one.invoice_id, _answer_by(parts.policy, today))
    tasks = {one.task.external_id: one for one in waiting.values() if one.task}
    if parts.crm is not None and tasks:
        parts.verify_installation()
        _write_tasks(parts, parts.crm, tasks, rows, today)


def _may_be_told(tx: Tx, parts: Parts) -> dict[str, Escalated]:
    """What nobody was told of yet and may be told now, by invoice."""
    if not parts.sends or parts.blocked(tx) or gate.sending_forbidden(tx):
        return {}
    segments = {one for one in relations.untold_segments(tx) if parts.policy.of(one).send is Switch.AUTO}
    return {one.invoice_id: one for one in relations.untold(tx, segments, even_in_backlog=UNSEEN_RULE)}


def _notice(one: Escalated, row: Any, customer: Any) -> str:
    name = f" of {customer.name}" if customer else ""
    what = "please look at it" if one.rule == UNSEEN_RULE else _WHAT_TO_DO[one.rung]
    return f"Invoice {row['number']}{name} needs a person. {one.reason}. {one.owner}: {what}."


def _write_tasks(parts: Parts, crm: Crm, tasks: Mapping[str, Escalated], rows: Mapping[str, Any], today: date) -> None:
    answer_by = _answer_by(parts.policy, today)
    # Who is told late has as long to answer as everybody else.
    wanted = [replace(one.task, due_on=answer_by) for one in tasks.values() if one.task]
    answers = crm.write_tasks(wanted)
    with parts.store.tx() as tx:
        for answer in answers:
            one = tasks[answer.external_id]
            if answer.outcome in (Outcome.CREATED, Outcome.EXISTS):
                relations.told(tx, one.invoice_id, answer_by)
                tx.journal("account_team_told", invoice=one.invoice_id, rule=one.rule, owner=one.owner)
            elif answer.outcome is not Outcome.UNKNOWN:
                # Not asked again until another rule fits: each try costs the CRM's quota.
                relations.told(tx, one.invoice_id, answer_by)
                _tell_finance(tx, one, rows[one.invoice_id], answer.message or answer.code)


def _tell_finance(tx: Tx, one: Escalated, row: Any, why: str) -> None:
    verdicts.open_exception(
        tx,
        "task_refused",
        one.invoice_id,
        f"the CRM took no task about invoice {row['number']} for {one.owner}: {why}. {one.reason}; tell them yourself",
        amount=book.invoice_of(row).balance,
        customer_id=row["customer_id"],
    )


# ---- whether they answer ----


def _is_answered(parts: Parts, one: Escalated) -> bool:
    return one.touched_on is not None and one.touched_on >= parts.today(one.since)


def _is_touched(parts: Parts, one: Escalated, invoice: OpenInvoice) -> bool:
    """Does the ERP show a person at work on it since, whom we don't know of yet?"""
    touched_on = invoice.touched_on
    return touched_on is not None and touched_on >= parts.today(one.since) and not _is_answered(parts, one)


def _take_answers(parts: Parts, today: date) -> None:
    """Whose task is done, and with whom somebody talks. The CRM is asked no oftener than its accounts are read."""
    with parts.store.read() as tx:
        waiting = {one.invoice_id: one for one in relations.unanswered(tx) if not _is_answered(parts, one)}
        talking = _in_conversation(tx) & waiting.keys() if waiting else frozenset()
        fresh_as_of = book.source_state(tx, parts.crm.name)[1] if parts.crm else None
        is_asked = fresh_as_of is None or tx.get("tasks_asked_as_of") == instant(fresh_as_of)
    if not waiting:
        return
    done: frozenset[str] = frozenset()
    if parts.crm is not None and not is_asked:
        done = _done(parts.crm, list(waiting.values()))
    with parts.store.tx() as tx:
        if fresh_as_of is not None:
            tx.set("tasks_asked_as_of", instant(fresh_as_of))
        for invoice_id in sorted(done):
            _answered(tx, invoice_id, today, "their task in the CRM is done")
        for invoice_id in sorted(talking - done):
            _answered(tx, invoice_id, today, "somebody talks with the customer")


def _answered(tx: Tx, invoice_id: str, on: date, how: str) -> None:
    relations.answer(tx, invoice_id, on, how)
    reason = f"a person is at work on it: {how}"
    verdicts.close_exceptions(tx, exception_id=f"{_UNANSWERED}:{invoice_id}", reason=reason)


def _in_conversation(tx: Tx) -> frozenset[str]:
    """Invoices about which, or with whose customer, somebody talks."""
    talks = [one for one in pauses.standing(tx) if one.known.entry.kind is PauseKind.CONVERSATION]
    of_customers = pauses.open_invoices_of(tx, [one.customer_id for one in talks if not one.invoice_id])
    return frozenset(
        id for one in talks for id in ([one.invoice_id] if one.invoice_id else of_customers.get(one.customer_id, ()))
    )


def _done(crm: Crm, waiting: Sequence[Escalated]) -> frozenset[str]:
    """Invoices of which somebody closed the task, or the one for whoever was told in their place."""
    of_invoice: dict[str, str] = {}
    for one in waiting:
        if one.task is not None:
            of_invoice |= {id: one.invoice_id for id in {one.task.external_id, one.task.external_id.removesuffix(_UP)}}
    ids = sorted(of_invoice)
    found: set[str] = set()
    for start in range(0, len(ids), TASKS_AT_ONCE):
        found |= crm.read_done(ids[start : start + TASKS_AT_ONCE])
    return frozenset(of_invoice[one] for one in found)


def _raise_unanswered(parts: Parts, today: date) -> None:
    """Silence past the day by which an answer was due goes to the next one up, once (RULES 5.5)."""
    with parts.store.tx() as tx:
        silent = [
            one
            for one in relations.unanswered(tx)
            if one.answer_by is not None
            and one.answer_by < today
            and not one.is_raised
            and not _is_answered(parts, one)
        ]
        if not silent or not parts.sends or parts.blocked(tx) or gate.sending_forbidden(tx):
            return
        rows = book.invoices_by_id(tx, [one.invoice_id for one in silent])
        accounts = relations.accounts_by_family(tx)
        for one in silent:
            row = rows[one.invoice_id]
            of_family = relation(accounts.get(row["family"], ()), today)
            _raise(tx, parts, one, row, of_family.crm_account, today)


def _raise(tx: Tx, parts: Parts, one: Escalated, row: Any, account: CrmAccount | None, today: date) -> None:
    up, up_id = _next_up(parts.policy, one, account)
    why = f"{one.owner} was to answer by {one.answer_by} and has not. {one.reason}"
    task = None
    if one.task is not None and up_id:
        task = replace(
            one.task,
            external_id=f"{one.task.external_id}{_UP}",
            owner_id=up_id,
            text=f"For {up}. {why}.",
            due_on=_answer_by(parts.policy, today),
        )
    relations.raise_up(tx, one, up, task)
    notices.put(tx, _notice_id("unanswered", one), f"Invoice {row['number']}, {up}: {why}.")
    verdicts.open_exception(
        tx,
        _UNANSWERED,
        one.invoice_id,
        f"nobody has looked at invoice {row['number']}: {why}; {up} was told",
        amount=book.invoice_of(row).balance,
        customer_id=row["customer_id"],
    )


def _next_up(policy: Policy, one: Escalated, account: CrmAccount | None) -> tuple[str, str]:
    """Whom the silent one reports to in the CRM; else leadership, else finance. With their id in the CRM, if any."""
    is_theirs = account is not None and one.owner in (account.owner, account.owner_email)
    if account is not None and is_theirs and account.manager_id:
        return account.manager or account.manager_email, account.manager_id
    above = [_addressee(policy, to, None) for to in (Addressee.LEADERSHIP, Addressee.FINANCE)]
    return next((name for name in above if name[0] != one.owner), above[-1])
