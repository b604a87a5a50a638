"""Step 6's first half: who must look at which invoice, told to the ERP's saved searches and to the account team.

Level-triggered like everything: once a day over all that is past due, and at once for what changed. An escalation ends
when the invoice is paid or no rule fits any more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from connector.decisions import escalation
from connector.decisions.escalation import EscalationVerdict
from connector.parts import Parts
from connector.policy import Switch
from connector.ports import Outcome
from connector.receivables import OpenInvoice
from connector.settlement import CrmAccount, CrmTask
from connector.store import Tx, book, orders, relations, verdicts
from connector.store.relations import Escalated

# A hand-off is answered within this (RULES 5.5); the task in the CRM is due then.
ANSWER_WITHIN = timedelta(days=2)
# Invoices decided in one commit.
AT_ONCE_MAX = 500


@dataclass(frozen=True, slots=True)
class Relation:
    """What the CRM says of a family: all its accounts together, the nearest renewal to come, the first owner."""

    is_strategic: bool = False
    do_not_contact: bool = False
    renews_on: date | None = None
    crm_account: CrmAccount | None = None


def relation(accounts: Sequence[CrmAccount], today: date) -> Relation:
    """One word for a family: strategic or not to be contacted if any account is; the nearest renewal from today on."""
    if not accounts:
        return Relation()
    renewals = sorted(one.renews_on for one in accounts if one.renews_on)
    coming = [day for day in renewals if day >= today]
    return Relation(
        any(one.is_strategic for one in accounts),
        any(one.do_not_contact for one in accounts),
        coming[0] if coming else renewals[-1] if renewals else None,
        next((one for one in accounts if one.owner_id), accounts[0]),
    )


def escalate_invoices(parts: Parts, today: date) -> None:
    """Decide who must look at what, and tell the account team."""
    with parts.store.tx() as tx:
        decide(tx, parts, today)
    _tell(parts)


def decide(tx: Tx, parts: Parts, today: date) -> None:
    """Once a day everything past due, else what is escalated or changed since its AR status was written."""
    # A start may come with another policy; standing escalations are looked at again even where no rule is left.
    under = f"{today} {parts.policy.version}"
    is_new_day = tx.get("escalated_under") != under
    rules = parts.policy.escalation
    soonest = min((rule.days_past_due_min for rule in rules), default=None)
    due_by = today - timedelta(days=soonest) if soonest is not None else None
    ids = relations.to_escalate(tx, due_by, only_changed=not is_new_day)
    for start in range(0, len(ids), AT_ONCE_MAX):
        _decide(tx, parts, ids[start : start + AT_ONCE_MAX], today)
    tx.set("escalated_under", under)


def _decide(tx: Tx, parts: Parts, ids: Sequence[str], today: date) -> None:
    rows, standing = book.invoices_by_id(tx, ids), relations.escalations(tx, ids)
    accounts = relations.accounts_by_family(tx)
    for invoice_id, row in rows.items():
        invoice, known = book.invoice_of(row), standing.get(invoice_id)
        of_family = relation(accounts.get(row["family"], ()), today)
        verdict = escalation.decide(
            invoice, parts.policy, today, is_strategic=of_family.is_strategic, renews_on=of_family.renews_on
        )
        is_news = known is None or known.rule != verdict.rule
        # In an old book nobody is sent to every customer at once: people look at the backlog first (RULES 4.5).
        is_out = known is not None and known.task is None and not row["in_backlog"] and _can_tell(parts, of_family)
        if verdict and (is_news or is_out):
            relations.escalate(tx, _escalated(parts, invoice, row, verdict, of_family, today))
        elif not verdict and known is not None:
            relations.end_escalation(tx, invoice_id, verdict.reason)


def _can_tell(parts: Parts, of_family: Relation) -> bool:
    return parts.crm is not None and of_family.crm_account is not None


def _escalated(
    parts: Parts, invoice: OpenInvoice, row: Any, verdict: EscalationVerdict, of_family: Relation, today: date
) -> Escalated:
    account = of_family.crm_account
    task = None
    if account is not None and _can_tell(parts, of_family) and not row["in_backlog"]:
        rule = re.sub(r"[^A-Za-z0-9]+", "-", verdict.rule).strip("-")
        task = CrmTask(
            external_id=f"arc-{parts.installation}-esc-{invoice.id}-{rule}",
            account_id=account.id,
            owner_id=account.owner_id,
            subject=f"Invoice {invoice.number}: {invoice.askable} open, {invoice.days_past_due(today)} days past due",
            text=f"{verdict.reason}. "
            + ("Automatic reminders have stopped; please speak to the customer." if verdict.stops_mail else ""),
            due_on=today + ANSWER_WITHIN,
        )
    owner = (account.owner or account.owner_email) if account else ""
    return Escalated(
        invoice.id, verdict.rule, verdict.reason, verdict.stops_mail, owner or "finance", task, is_told=task is None
    )


def _tell(parts: Parts) -> None:
    """One task an invoice and rule in the CRM, made once by its external id; only while we also send."""
    if parts.crm is None or parts.policy.send is not Switch.AUTO:
        return
    with parts.store.read() as tx:
        if orders.stopped(tx, "send") or tx.get("alarm"):
            return
        waiting = {
            one.task.external_id: one for one in relations.escalations(tx).values() if one.task and not one.is_told
        }
    if not waiting:
        return
    parts.verify_installation()
    answers = parts.crm.write_tasks([one.task for one in waiting.values() if one.task])
    with parts.store.tx() as tx:
        rows = book.invoices_by_id(tx, [one.invoice_id for one in waiting.values()])
        for answer in answers:
            one = waiting[answer.external_id]
            if answer.outcome in (Outcome.CREATED, Outcome.EXISTS):
                relations.told(tx, [one.invoice_id])
                tx.journal("account_team_told", invoice=one.invoice_id, rule=one.rule, owner=one.owner)
            elif answer.outcome is Outcome.REFUSED:
                # Not asked again until another rule fits: each try costs the CRM's quota.
                relations.told(tx, [one.invoice_id])
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
