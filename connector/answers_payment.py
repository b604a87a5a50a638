"""A question to the store: why does this payment pay what it pays, or why does it wait?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from connector import words
from connector.answers import MATCHED_BY, act_row, exception_rows, named
from connector.cash import trusted
from connector.log import redact
from connector.money import Money
from connector.policy import Policy
from connector.receivables import PayerEvidence, Payment, Rung
from connector.reports import JournalRow, PartRow, PaymentExplanation
from connector.store import Tx, book, closing, history, parse_instant, verdicts


def explain_payment(tx: Tx, name: str, now: datetime, policy: Policy | None) -> PaymentExplanation | None:
    """Everything about the payment with this id of its source or of the ERP; None if there is none.

    `policy` None: the policy file can't be read, so nothing is said of which class may post by itself.
    """
    row = history.find_payment(tx, name)
    if row is None:
        return None
    id, payment = row["id"], book.from_json(Payment, row["facts"])
    currency = row["currency"]
    parts = [PartRow(number, amount, state) for number, amount, state in history.parts_of(tx, id)]
    suggested = closing.suggestion(tx, id)
    numbers = {one: found["number"] for one, found in book.invoices_by_id(tx, sorted(suggested)).items()}
    parts += [PartRow(numbers.get(one, one), amount, "suggested") for one, amount in sorted(suggested.items())]
    open_ones = [one for one in verdicts.open_exceptions(tx) if one.payment_id == id]
    explanation = PaymentExplanation(
        as_of=now,
        payment=id,
        source=row["source"],
        customer=row["customer_id"],
        payer_by=PayerEvidence.ID.value if payment.customer_id else PayerEvidence.NONE.value,
        amount=Money(row["amount"], currency),
        left=book.left_of(tx, id),
        received_on=date.fromisoformat(row["received_on"]),
        state=row["state"],
        standing=row["standing"],
        remittance=redact(_remittance(payment)),
        waits=redact(str(history.suggested_because(tx, id).get("why", ""))) if suggested else "",
        parts=tuple(parts),
        acts=tuple(act_row(one) for one in history.acts_of(tx, id)),
        exceptions=named(tx, exception_rows(open_ones)),
        timeline=tuple(
            JournalRow(line.at, line.event, redact(words.sentence(line))) for line in history.story_of_payment(tx, id)
        ),
    )
    customer = book.customers_by_id(tx, [row["customer_id"]]).get(row["customer_id"])
    if customer:
        explanation = replace(explanation, customer=redact(f"{customer.name} ({customer.id})"))
    return _with_verdict(tx, explanation, policy)


def _with_verdict(tx: Tx, explanation: PaymentExplanation, policy: Policy | None) -> PaymentExplanation:
    """What matching says of it, on what, and how often that class of evidence was right."""
    subject = f"payment:{explanation.payment}"
    row = next((one for one in history.standing_verdicts(tx, [subject]) if one["decision"] == "matching"), None)
    if row is None:
        return explanation
    inputs: dict[str, Any] = json.loads(row["inputs"])
    rung = row["outcome"].removeprefix(MATCHED_BY)
    trust = ""
    if policy is not None and rung in set(Rung):
        evidence = trusted(tx, policy)[Rung(rung)]
        trust = evidence.reason
    return replace(
        explanation,
        payer_by=str(inputs.get("payer_by", explanation.payer_by)),
        verdict=row["outcome"],
        reason=redact(row["reason"]),
        equation=str(inputs.get("equation", "")),
        since=parse_instant(row["since"]),
        policy_version=row["policy_version"],
        trust=trust,
        considered=tuple(redact(str(one)) for one in inputs.get("considered", ())),
    )


def _remittance(payment: Payment) -> str:
    """What the payer, the merchant and the processor say it is for, in one text."""
    said = payment.remittance
    parts = [
        *(f"linked to {number}" for number in said.linked_numbers),
        *(f"metadata names {number}" for number in (*said.invoice_numbers, *said.invoice_ids)),
        *([said.text] if said.text else []),
    ]
    return "; ".join(parts)
