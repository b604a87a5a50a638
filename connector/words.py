"""The journal and the exceptions in plain words, for people who read a report."""

from __future__ import annotations

from connector.receivables import ExceptionKind
from connector.store.activity import Line

# Placeholders are the fields of the line; what a line doesn't have is left out.
_SENTENCES = {
    "invoice_changed": "the ERP showed it changed; {balance} was owed then",
    "invoice_matched": "{amount} of payment {payment} pays it",
    "invoice_closed": "the ERP shows nothing left to pay after payment {payment}",
    "invoice_in_backlog": "a person must choose what happens: {reason}",
    "loop_closed": "ERP, cash and reminders agree after payment {payment}",
    "payment_seen": "payment {payment} of {amount} was seen, {state}",
    "payment_changed": "payment {payment} is now {state}",
    "payer_found": "payment {payment} was found to be customer {customer}'s",
    "payment_matched": "payment {payment} was matched by {rung}: {equation}",
    "payment_adopted": "payment {payment} stands in the ERP as {erp_id}, posted by others; it is not posted again",
    "match_suggested": "payment {payment} was matched, but waits, {why}: {equation}",
    "match_decided_again": "the facts moved while payment {payment} was being matched; it is decided again",
    "act_intended": "to be written into the ERP: {problem}",
    "act_attempted": "a write into the ERP began",
    "erp_answered": "the ERP answered: {outcome} {code}",
    "act_written": "the payment stands in the ERP: {problem}",
    "act_confirmed": "read back: the ERP's balances agree: {problem}",
    "act_refused": "the ERP refused: {problem}",
    "act_closed": "the accompanying records are closed in the ERP",
    "act_withdrawn": "the accompanying records are withdrawn: {problem}",
    "act_different": "the ERP differs, a person must look: {problem}",
    "customer_merged": "the ERP merged customer {old} into {new}",
    "reversal_intended": "it came back; what it pays in the ERP is to be taken back",
    "reversal_attempted": "the ERP is asked to take it back: {problem}",
    "reversal_written": "the ERP says that it pays nothing any more",
    "reversal_closed": "read back: it pays nothing in the ERP any more",
    "reversal_refused": "the ERP refused to take it back: {problem}",
    "reversal_withdrawn": "it isn't taken back as decided: {problem}",
    "reversal_different": "the ERP differs from what was to be taken back, a person must look: {problem}",
    "application_undone": "it does not pay the invoice any more",
    "reminder_planned": "{step} may leave: {reason}{detail}",
    "reminder_held": "{step}{steps} held: {reason}",
    "reminder_cancelled": "{steps} cancelled: {reason}",
    "reminder_missed": "{step} is left out: {reason}",
    "reminder_sent": "{step} left: {detail}",
    "reminder_sent_unknown": "nobody knows whether {step} left, so it is not sent again: {detail}",
    "invoice_escalated": "{owner} must look, by the rule {rule}: {reason}",
    "account_team_told": "the CRM shows {owner} what to do, by the rule {rule}",
    "escalation_answered": "a person is at work on it: {how}",
    "escalation_unanswered": "{owner} has not answered in time; {to} was told",
    "escalation_ended": "nobody has to look any more: {reason}",
    "pause_started": "kept back ({kind}) until {until}: {reason}",
    "pause_changed": "still kept back ({kind}) until {until}: {reason}",
    "pause_owner_told": "{owner} was told that the {kind} is past its end",
    "pause_ended": "not kept back any more ({kind}, {outcome}): {reason}",
    "reminder_leaving": "the mail was at its final dot",
    "mail_leased": "a mail was prepared",
    "mail_dropped": "a mail was dropped before it began: {reason}",
    "message_sent": "the mail server took the mail: {detail}",
    "message_not_sent": "the mail surely did not leave: {detail}",
    "message_sent_unknown": "the mail's fate is not known: {detail}",
    "message_came_back": "the mail came back: {detail}",
    "channel_fell_back": "the message goes by {by}, since {instead_of} surely failed: {detail}",
    "replies_settled": "{who} has dealt with the customer's answer: {reason}",
    "reply_taken": "the customer's answer was taken as {kind}: {reason}",
    "verdict": "{decision} decided {outcome}: {reason}",
    "request_made": "{who} ({role}) asked to {deed} payment {payment}: {why}",
    "request_answered": "what {who} ({role}) asked for, to {deed} payment {payment}, is {answer}: {text}",
    "sample_signed": "{who} judged it {outcome}: {why}",
    "day_proved": "the books of {day} were proved: {outcome}",
    "day_drifts": "the books of {day} contradict each other: {drifts} drifts, {unfinished} unfinished acts",
    "exception_opened": "a person must look ({kind}): {reason}",
    "exception_closed": "nobody needs to look any more: {reason}",
}

_POST_BY_HAND = (
    "answer it with `connector queue`, or post it in the ERP with the payment's id in the memo, or refund it; the next "
    "pass takes that over"
)
_LET_WAIT = "nothing, if the money is on its way; else call the customer"
_REMEDIES = {
    ExceptionKind.NOT_RECEIVED: _LET_WAIT,
    ExceptionKind.NOTHING_TO_APPLY: "nothing, if all of it was given back; else look at the payment at its source",
    ExceptionKind.PAYER_IN_DOUBT: f"find out who paid for whom, then {_POST_BY_HAND}",
    ExceptionKind.PERHAPS_POSTED: f"look in the ERP whether this money was posted already; if not, {_POST_BY_HAND}",
    ExceptionKind.REFERENCE_NOT_OPEN: f"look whether the invoice was paid twice; then {_POST_BY_HAND}",
    ExceptionKind.CURRENCY: _POST_BY_HAND,
    ExceptionKind.AMBIGUOUS: f"choose one of the explanations, ask the customer if need be; then {_POST_BY_HAND}",
    ExceptionKind.HELD_INVOICE_NAMED: "take the hold off in the ERP, or " + _POST_BY_HAND,
    ExceptionKind.SHORT_OVER_SEVERAL: f"ask how to split it; then {_POST_BY_HAND}",
    ExceptionKind.UNEXPLAINED_REFERENCE: f"find out what the reference means; then {_POST_BY_HAND}",
    ExceptionKind.UNIDENTIFIED: "set the customer's ERP id on the payer at the payment source; it's decided again",
    ExceptionKind.NOT_UNDERSTOOD: "correct the parked record of this customer first",
    ExceptionKind.TOO_MANY_CANDIDATES: f"ask for the remittance; then {_POST_BY_HAND}",
    ExceptionKind.INELIGIBLE_ONLY: f"decide whether it is for the invoice that is shown; then {_POST_BY_HAND}",
    ExceptionKind.RIVAL_PAYMENT: f"decide which payment is for which invoice; then {_POST_BY_HAND}",
    ExceptionKind.ACCIDENTAL_FIT: f"check the explanation against the remittance; then {_POST_BY_HAND}",
    ExceptionKind.FEE_NOT_STATED: "post the payment in the ERP in gross, with the processor's fee as an expense",
    ExceptionKind.REJECTED: f"decide what it is for; then {_POST_BY_HAND}",
    ExceptionKind.WORK_SPENT: f"ask for the remittance; then {_POST_BY_HAND}",
    ExceptionKind.NO_EXPLANATION: f"ask for the remittance; then {_POST_BY_HAND}",
    "held_invoice": "take the hold off in the ERP: the rest is then applied by itself, or apply it there",
    "unapplied_rest": "apply the rest in the ERP or refund it; it is decided again when something fitting is billed",
    "residual": "write the rest off in the ERP, or apply what the customer still sends",
    "deduction": "ask the customer why; then raise the credit memo in the ERP, or ask for the rest",
    "credits_to_apply": "apply the credits to the open invoices in the ERP, or refund them",
    "posting_refused": "put right what the ERP names; it is tried again tomorrow, or when the customer changes",
    "difference": "compare the payment in the ERP with what was matched, and correct the ERP's record",
    "refund_after_application": "raise the credit memo and the customer refund in the ERP, or reopen the invoice",
    "refund_without_credit": "raise the credit memo for the invoice in the ERP; what is still owed is billed anew",
    "payment_came_back": "nothing, while we take it back; else un-apply it in the ERP by a journal or a "
    "reversal, and the invoice's reminders go on",
    "chargeback_hold": "answer the dispute at the processor; of a lost one open the invoice again in the ERP, or "
    "raise a credit memo, or write it off",
    "program_fault": "send the log's lines about it to whoever looks after this program; until it is mended, decide it "
    "by hand in the ERP",
    "customer_merged": "nothing; it ends with the day",
    "fix_contact": "correct the billing contact in the ERP",
    "agency_proposed": "the controller decides; if it is handed over, mark the customer as with an agency in the ERP",
    "escalation_unanswered": "look at the invoice, and say so: close the task in the CRM or set the ERP's field",
    "notice_failed": "correct CONNECTOR_CHAT_URL, or let the chat's owner restore the webhook",
    "fix_copy": "correct in the ERP who gets copies",
    "customer_answered": "answer the customer and enter in the ERP what was agreed; `connector answered` lets "
    "reminders go on earlier",
    "says_paid": "find the money and post it; if there is none, tell the customer and run `connector answered`",
    "asked_to_stop": "speak with the customer; then set do-not-contact in the ERP or the CRM, or run "
    "`connector answered`",
    "dispute_opened": "settle it with the customer; then take the line's tick off in the ERP and enter how it ended: "
    "rejected, accepted or written off",
    "dispute_without_reason": "enter the reason on the disputed line in the ERP, or take the tick off",
    "credit_awaited": "raise the credit memo or the write-off in the ERP and apply it to the invoice",
    "pause_overdue": "end it in the ERP, or give it a later end and an owner there; what rests on a customer's answer "
    "ends with `connector answered`",
    "promise_broken": "call the customer; the invoice goes on with its next step by itself",
    "promise_too_many": "nothing, if reminders may go on; else put the invoice on hold in the ERP",
    "plan_not_approved": "enter in the ERP who approved the plan, or empty the field",
    "plan_broken": "speak with the customer; then correct the plan in the ERP, or empty the field and reminders go on",
    "stalled": "find out what the invoice waits for; then flag it in the ERP, or enter that you worked on it",
    "clearing_unexplained": "look at the clearing account's entries that carry no Stripe id",
    "day_drifts": "look at what `connector proof --day` names, and correct the book that is wrong; the day is proved "
    "again by itself",
    "flag_refused": "give the integration role the right to write the AR status record",
    "parked": "correct the named field at its source; the next read takes it",
    "alarm": "run `connector check`",
}


class _Fields(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def sentence(line: Line) -> str:
    """What this line of the journal says; the event's own name for one that has no sentence here."""
    filled = _Fields({name: _said(value) for name, value in line.fields.items()})
    text = _SENTENCES.get(line.event, line.event.replace("_", " ")).format_map(filled)
    return text.strip().rstrip(": ")


def remedy(kind: str) -> str:
    """What a person can do about an exception of this kind."""
    return _REMEDIES.get(kind, "")


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)
