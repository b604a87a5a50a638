"""The nouns, all immutable. Terms are the field's own; the glossary is in connector/README.md.

Ids of invoices, customers and credits are the ERP's internal ids; `number` is what people see on paper.
Days are dates in the ledger's zone, instants are aware and UTC, amounts are Money.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from connector.money import Money


class InvoiceStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    VOIDED = "voided"


class PaymentState(StrEnum):
    PROCESSING = "processing"  # seen, not received: shields reminders, is never posted
    FUNDED = "funded"  # in the processor's cash balance, paid for nothing yet: shields, is never posted (RULES 1.3)
    SUCCEEDED = "succeeded"  # received
    FAILED = "failed"
    RETURNED = "returned"  # the bank took it back after it was received: its applications are undone (RULES 3)
    DISPUTED = "disputed"  # a card dispute is open: nobody knows yet whether the money stays
    CHARGED_BACK = "charged_back"  # the card dispute was lost; what becomes of the invoice is a person's choice


class ReminderState(StrEnum):
    PLANNED = "planned"  # may leave
    HELD = "held"  # waits for a fact
    CANCELLED = "cancelled"  # never leaves, and the ERP says why
    LEAVING = "leaving"  # leased, on its way; by itself this state ends within one send
    SENT = "sent"
    UNKNOWN = "sent_unknown"  # the process died at the final dot: shown, never sent again
    MISSED = "missed"  # superseded by a later step before it could leave


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """`amount` includes the line's own tax where the ERP gives it by line; disputed lines are not asked for."""

    id: str
    description: str
    amount: Money
    kind: str = ""
    disputed: bool = False
    dispute_reason: str = ""
    disputed_on: date | None = None  # None: when it was first seen
    dispute_detail: str = ""  # what the customer said of it; empty: it is asked for
    dispute_outcome: str = ""  # of a dispute that is over: 'rejected', 'accepted', 'written_off'; '' if nobody says


class PauseKind(StrEnum):
    """Why people keep reminders back (M41-M53). Each has its reason, owner and end."""

    DISPUTE = "dispute"  # of lines; the rest of the invoice goes on
    HOLD = "hold"  # a person's own reason
    USAGE = "usage"  # what was used isn't signed off (M48)
    CREDIT_MEMO = "credit_memo"  # a credit is to come
    FORMAT_CHANGE = "format_change"  # the customer wants the invoice in another form
    PROMISE = "promise"
    PLAN = "plan"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class Instalment:
    due_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Pause:
    """Why people keep an invoice back, as one source says it. Empty owner and end: the policy's for its kind.

    `amount` is what was promised, `instalments` those of a plan, which counts once it is `approved_by` somebody.
    """

    kind: PauseKind
    reason: str
    owner: str = ""
    since: date | None = None  # None: when it was first seen
    until: date | None = None  # of a promise the promised day, of a conversation the last day
    amount: Money | None = None
    instalments: tuple[Instalment, ...] = ()
    approved_by: str = ""


@dataclass(frozen=True, slots=True)
class EarlyDiscount:
    """What may be kept back if the whole invoice is settled by this day (RULES 2.2)."""

    amount: Money
    until: date


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice as one read of the ERP showed it; `balance` is what is still owed, `amount` what was billed."""

    id: str
    number: str
    customer_id: str
    amount: Money
    balance: Money
    issued_on: date
    due_on: date
    status: InvoiceStatus = InvoiceStatus.OPEN
    terms: str = ""
    po_number: str = ""
    subsidiary: str = ""
    hold_reason: str = ""  # a person's hold in the ERP; empty means none
    lines: tuple[InvoiceLine, ...] = ()
    pay_url: str = ""
    ar_account: str = ""  # the ledger account of what is owed; '' where the ERP doesn't tell
    delivered_on: date | None = None  # evidence that the customer got it; None: there is none
    is_native_dunning_paused: bool | None = None  # None: the ERP has no dunning of its own
    discount: EarlyDiscount | None = None  # offered by the invoice's own terms
    pauses: tuple[Pause, ...] = ()  # what people entered in the ERP, other than disputed lines
    touched_on: date | None = None  # when a person last worked on it, by the ERP's own field

    @property
    def disputed(self) -> Money:
        """What of the balance is disputed; never more than the balance."""
        disputed = Money.total((line.amount for line in self.lines if line.disputed), self.balance.currency)
        return min(disputed, self.balance)

    @property
    def askable(self) -> Money:
        """Balance less the disputed open amount, never below zero (RULES 1.5)."""
        return max(self.balance - self.disputed, Money.zero(self.balance.currency))

    @property
    def withheld_because(self) -> str:
        """Why no money is applied to it by itself: a person's hold, or use that isn't signed off (M48, M60)."""
        usage = (one.reason or "usage is not signed off" for one in self.pauses if one.kind is PauseKind.USAGE)
        return self.hold_reason or next(usage, "")

    def days_past_due(self, on: date) -> int:
        """Calendar days from the due date; the due day is 0, before it is negative (RULES 5.1)."""
        return (on - self.due_on).days


@dataclass(frozen=True, slots=True)
class Traits:
    """What one system says of a customer as such; '' or None where it doesn't say. Words as they stand there."""

    tier: str = ""
    contract_type: str = ""
    billing_model: str = ""
    relationship: str = ""
    arr: Money | None = None
    country: str = ""  # ISO 3166, two letters
    time_zone: str = ""  # IANA

    def or_else(self, other: Traits) -> Traits:
        """What isn't said here is taken from there."""
        return Traits(
            self.tier or other.tier,
            self.contract_type or other.contract_type,
            self.billing_model or other.billing_model,
            self.relationship or other.relationship,
            self.arr if self.arr is not None else other.arr,
            self.country or other.country,
            self.time_zone or other.time_zone,
        )


NO_TRAITS = Traits()


class Trend(StrEnum):
    BETTER = "better"
    STEADY = "steady"
    WORSE = "worse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PaymentHistory:
    """How a customer has paid, from the ERP's own past (paying.py says how each figure is made).

    Late is settled after the due date. Days late count below zero where it was paid early. `quarter` is the last 90
    days, `year` the last 365, by the day of settling; of disputes by the day of issue.
    """

    settled_count: int = 0  # in the year
    average_days_late: Decimal | None = None  # of the year's settled invoices, to one decimal; None without any
    late_last_quarter: int = 0
    late_last_year: int = 0
    trend: Trend = Trend.UNKNOWN
    disputes_last_year: int = 0
    first_invoiced_on: date | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Who a customer is to collections: the ERP's word first, then the CRM's; of a family as a whole."""

    traits: Traits = NO_TRAITS
    history: PaymentHistory = PaymentHistory()
    is_strategic: bool = False
    renews_on: date | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """How somebody is reached other than by e-mail; without the day of their consent they are not (RULES 5.7)."""

    channel: str
    address: str
    consent_on: date | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    id: str
    name: str
    email: str = ""  # the ERP billing contact; empty means nobody may be mailed
    parent_id: str = ""
    is_excluded: bool = False  # inactive, intercompany, do-not-contact or test: see exclusion
    exclusion: str = ""
    autopay: bool = False  # the ERP says that this customer's invoices are collected by themselves
    traits: Traits = NO_TRAITS
    cc: tuple[str, ...] = ()  # who is listed in the ERP to get a copy
    contacts: tuple[Contact, ...] = ()
    mails_parent: bool = False  # its reminders go to its parent's billing contact

    @property
    def family(self) -> str:
        """The id under which this customer's money and invoices are decided together."""
        return self.parent_id or self.id


class CreditKind(StrEnum):
    CREDIT_MEMO = "credit_memo"
    UNAPPLIED_PAYMENT = "unapplied_payment"
    CUSTOMER_DEPOSIT = "customer_deposit"  # money before an invoice: a person moves it to that order's (RULES 1.8)


@dataclass(frozen=True, slots=True)
class CreditMemo:
    """Something in the ERP that already reduces what the customer owes: an open memo or an unapplied payment."""

    id: str
    number: str
    customer_id: str
    open_amount: Money
    kind: CreditKind = CreditKind.CREDIT_MEMO
    external_id: str = ""
    memo: str = ""
    received_on: date | None = None  # of a memo the day it was issued
    created_from: str = ""  # the invoice that a memo was made from
    subsidiary: str = ""
    ar_account: str = ""
    reference: str = ""  # of a payment the check number, or what the bank calls it


@dataclass(frozen=True, slots=True)
class Remittance:
    """What the payer says the money is for: a claim, not proof. Empty strings match nothing."""

    invoice_ids: tuple[str, ...] = ()  # ERP internal ids named in metadata
    invoice_numbers: tuple[str, ...] = ()  # numbers named in metadata or by Stripe's own invoice link
    linked_numbers: tuple[str, ...] = ()  # numbers of Stripe invoices that Stripe itself says this payment pays
    text: str = ""  # description, statement text, bank reference


@dataclass(frozen=True, slots=True)
class CameBack:
    """Money that the bank took back after it was received: since when, and how much of it.

    `by_dispute`: a debit that came back so late that its processor books it as a dispute, not as a failed payment.
    """

    on: date
    amount: Money
    by_dispute: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """Money a customer gave, gross, before processor fees. `received_on` is the day it counts as received."""

    id: str
    amount: Money
    state: PaymentState
    received_at: datetime
    received_on: date
    customer_id: str = ""  # the ERP customer; empty means unidentified cash
    payer: str = ""  # the source's own customer id
    remittance: Remittance = field(default_factory=Remittance)
    refunded: Money | None = None  # given back later; None means nothing
    source: str = "stripe"
    livemode: bool = False
    root_id: str = ""  # the money in the processor's cash balance that this was drawn from (RULES 1.3)
    exchange_rate: str = ""  # a decimal number, where the processor converted: settlement currency per unit of ours
    method: str = ""  # 'wire', 'ach', 'check', 'card', 'cash'; empty where the source doesn't tell
    payer_name: str = ""  # as the bank wrote it
    payer_bank: str = ""  # a fingerprint of the payer's bank account; never the number itself
    payer_email: str = ""
    deposit_account: str = ""  # the ERP ledger account that it reached; empty: as `settlement` says
    erp_id: str = ""  # where the ERP holds it already, unapplied: it is applied there and never posted again
    came_back: CameBack | None = None  # of a returned one, where its source says when

    @property
    def available(self) -> Money:
        """What can be applied: received less refunded."""
        return self.amount - self.refunded if self.refunded else self.amount


@dataclass(frozen=True, slots=True)
class LineShare:
    """What of an application is meant for one line of the invoice; the ERP may know only the whole (RULES 1.5)."""

    line_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class PaymentApplication:
    """Part of one payment, with the credits used beside it, applied to one invoice.

    `discount` is what the customer may keep back by the invoice's own terms: it settles the invoice and is no money.
    """

    invoice_id: str
    amount: Money
    lines: tuple[LineShare, ...] = ()
    discount: Money | None = None

    @property
    def settles(self) -> Money:
        """By how much the invoice's balance falls."""
        return self.amount + self.discount if self.discount else self.amount


@dataclass(frozen=True, slots=True)
class CreditUse:
    """Part of an existing credit memo, used up together with a payment."""

    credit_id: str
    amount: Money


class ResidualReason(StrEnum):
    """Why something stays open on an invoice that was paid (RULES 2.2)."""

    SHORT_PAY = "short_pay"  # no reason is known: it is asked for as before
    BANK_FEE = "bank_fee"  # within what the policy allows a wire to lose on its way: proposed for write-off
    TOLERANCE = "tolerance"  # within the policy's tolerance: proposed for write-off
    DEDUCTION = "deduction"  # what the payer said it kept back: a person asks why
    DISPUTED = "disputed"  # the disputed lines were left out
    LATE_DISCOUNT = "late_discount"  # a discount taken after its day


@dataclass(frozen=True, slots=True)
class Residual:
    invoice_id: str
    amount: Money
    reason: ResidualReason


@dataclass(frozen=True, slots=True)
class Reminder:
    """One step of one invoice's cadence; `step` is the policy's name for it, such as '+7'."""

    invoice_id: str
    step: str
    due_on: date
    state: ReminderState
    reason: str = ""

    @property
    def id(self) -> str:
        return f"{self.invoice_id}:{self.step}"


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that was not understood: named, shown, left alone. No reminder for it, no posting of its money."""

    source: str
    record: str
    field: str
    reason: str
    customer_id: str = ""


@dataclass(frozen=True, slots=True)
class CustomerTotal:
    """Count and sum of the open invoices of one customer in one currency, as the ERP adds them up."""

    customer_id: str
    currency: str
    count: int
    open_amount: Money


# ---- What matching says about one payment ----


class Rung(StrEnum):
    """The evidence class of a match, strictest first. Precision is measured, and posting allowed, class by class.

    PRINTED: numbers that stand in the text as they are. NOISY: numbers that are one slip away from an invoice of the
    payer's family. In both, `_AMOUNTS` are split as the text says, `_PART` is one invoice paid in part, `_OVER` leaves
    a rest on account, `_CREDIT` nets existing memos, `_COMPLETED` adds the only invoices that make up the sum.
    """

    STRIPE_LINK = "stripe_link"
    METADATA = "metadata"
    PRINTED_REFERENCE = "printed_reference"  # the balances add up to the payment
    PRINTED_LINES = "printed_lines"  # the undisputed lines do
    PRINTED_AMOUNTS = "printed_amounts"
    PRINTED_CREDIT = "printed_credit"
    PRINTED_PART = "printed_part"
    PRINTED_OVER = "printed_over"
    PRINTED_COMPLETED = "printed_completed"
    PAYER_BY_REFERENCE = "payer_by_reference"  # the payer isn't known; all numbers are one family's and add up
    NOISY_REFERENCE = "noisy_reference"
    NOISY_AMOUNTS = "noisy_amounts"
    NOISY_CREDIT = "noisy_credit"
    NOISY_PART = "noisy_part"
    NOISY_OVER = "noisy_over"
    NOISY_COMPLETED = "noisy_completed"
    NET_OF_FEE = "net_of_fee"  # any of these, where a processor kept a fee that it didn't state
    EXACT_BALANCE = "exact_balance"
    WHOLE_BALANCE = "whole_balance"
    DUE_BUCKET = "due_bucket"  # all that is due up to a day
    EXACT_LINES = "exact_lines"  # the undisputed lines of one invoice
    EXACT_CREDIT = "exact_credit"  # invoices less memos, in the only way that fits
    EXACT_SUBSET = "exact_subset"
    BY_PERSON = "by_person"  # a person's own split


class PayerEvidence(StrEnum):
    """How the customer of a payment is known, strictest first."""

    ID = "id"  # the source names the ERP customer
    BANK_ACCOUNT = "bank_account"  # learned, and confirmed by a second person
    EMAIL = "email"  # learned
    NAME = "name"  # learned, or exactly one customer's own
    REFERENCE = "reference"  # only by the invoices that it names
    NONE = "none"


class ExceptionKind(StrEnum):
    """Why a payment needs a person, in the order in which it is decided."""

    NOT_RECEIVED = "not_received"  # the money is still on its way, failed or came back
    NOTHING_TO_APPLY = "nothing_to_apply"
    PAYER_IN_DOUBT = "payer_in_doubt"  # it names an invoice of another family
    REFERENCE_NOT_OPEN = "reference_not_open"  # it names an invoice that is not open: perhaps paid twice
    CURRENCY = "currency"
    PERHAPS_POSTED = "perhaps_posted"  # somebody else may have posted this money: decided where the ERP can be asked
    AMBIGUOUS = "ambiguous"  # two explanations fit equally well
    HELD_INVOICE_NAMED = "held_invoice_named"
    SHORT_OVER_SEVERAL = "short_over_several"  # less than the named invoices, and nobody said how to split it
    UNEXPLAINED_REFERENCE = "unexplained_reference"  # the text holds something like a number that we don't know
    UNIDENTIFIED = "unidentified"  # the customer is not known
    NOT_UNDERSTOOD = "not_understood"  # a record of the family is parked, so the book may be incomplete
    TOO_MANY_CANDIDATES = "too_many_candidates"  # amount alone proves nothing among so many
    INELIGIBLE_ONLY = "ineligible_only"  # the only explanation needs a held, disputed, later or relative's invoice
    RIVAL_PAYMENT = "rival_payment"  # another undecided payment could pay the same invoices
    ACCIDENTAL_FIT = "accidental_fit"  # one subset fits, and chance alone might have made it
    FEE_NOT_STATED = "fee_not_stated"  # it fits net of a fee, which only a person may book
    WORK_SPENT = "work_spent"  # the search was given up within its bounds
    NO_EXPLANATION = "no_explanation"
    REJECTED = "rejected"  # a person rejected what was suggested: nothing is suggested again until the facts change


@dataclass(frozen=True, slots=True)
class Explanation:
    """One way to read a payment, shown to a person; `text` is the equation in plain amounts."""

    applications: tuple[PaymentApplication, ...]
    text: str
    credits: tuple[CreditUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Our verdict about one payment: what it pays, by which evidence.

    applied + unapplied = available + credits used + fee, to the minor unit. `withheld` are invoices that the payer
    named and that are on hold: their part stays unapplied. `decided_on` holds every balance that the verdict rests on,
    `credits_decided_on` every open credit; it stands only while they are unchanged. `customer_id` is the customer
    whose invoices are paid, the payer's own id if there are several. `fee` is what a processor kept and did not state.
    `considered` says what else was looked at and why it lost.
    """

    payment_id: str
    rung: Rung
    applications: tuple[PaymentApplication, ...]
    unapplied: Money
    withheld: tuple[str, ...]
    equation: str
    reason: str
    decided_on: tuple[tuple[str, Money], ...]
    customer_id: str = ""
    credits: tuple[CreditUse, ...] = ()
    credits_decided_on: tuple[tuple[str, Money], ...] = ()
    residuals: tuple[Residual, ...] = ()
    fee: Money | None = None
    payer_by: PayerEvidence = PayerEvidence.ID
    considered: tuple[str, ...] = ()

    @property
    def invoice_ids(self) -> tuple[str, ...]:
        return tuple(one.invoice_id for one in self.applications)

    @property
    def cash(self) -> Money:
        """What of the payment itself is applied: the applications less credits and fee."""
        applied = Money.total((one.amount for one in self.applications), self.unapplied.currency)
        used = Money.total((one.amount for one in self.credits), self.unapplied.currency)
        return applied - used - (self.fee or Money.zero(self.unapplied.currency))


@dataclass(frozen=True, slots=True)
class MatchException:
    """A payment that only a person can decide, with up to five explanations of it, the most likely first."""

    payment_id: str
    kind: ExceptionKind
    reason: str
    explanations: tuple[Explanation, ...] = ()
    considered: tuple[str, ...] = ()


# ---- What we mean to write into the ERP: values, so that they can be stored, digested and compared ----


@dataclass(frozen=True, slots=True)
class PaymentToPost:
    external_id: str
    customer_id: str
    amount: Money
    received_on: date
    applications: tuple[PaymentApplication, ...]
    memo: str
    subsidiary: str = ""
    ar_account: str = ""
    exchange_rate: str = ""
    really_received_on: date | None = None  # where a closed period made `received_on` another day (RULES 1.4)
    credits: tuple[CreditUse, ...] = ()
    deposit_account: str = ""  # the ledger account that the money reached; empty: as `settlement` says
    erp_id: str = ""  # an unapplied payment that the ERP holds already: only its applications are written
    unapplied_before: Money | None = None  # what that payment had left when this was decided; else it is left alone

    @property
    def cash_applied(self) -> Money:
        """What of this payment's own money is applied: the applications less the credits used beside it."""
        applied = Money.total((one.amount for one in self.applications), self.amount.currency)
        return applied - Money.total((one.amount for one in self.credits), self.amount.currency)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The ERP's record that pending reminders of one invoice were cancelled by one event, with the steps inside."""

    external_id: str
    invoice_id: str
    steps: tuple[str, ...]
    reason: str
    cancelled_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """Payment -> applications -> cancelled reminders, kept in the ERP beside the payment."""

    external_id: str
    payment_external_id: str
    text: str


@dataclass(frozen=True, slots=True)
class CloseIntent:
    """All ERP records of one closing act. Every record carries `act_id`; none of it changes after the first attempt."""

    act_id: str
    payment: PaymentToPost
    cancellations: tuple[Cancellation, ...]
    receipt: Receipt


class RecordState(StrEnum):
    """The life of the records that accompany a payment in the ERP."""

    INTENDED = "intended"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ArStatus:
    """What the ERP's saved searches see of one invoice; one record per invoice, written on change only."""

    external_id: str
    invoice_id: str
    state: str  # 'reminding', 'held', 'closed', 'exception', 'backlog'
    reason: str
    next_step: str = ""
    next_on: date | None = None
    owner: str = ""  # who must look at it, where somebody must
    segment: str = ""
    card: str = ""  # why, why not, what next and when: what `connector explain` says, in a few lines


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """What the ERP's saved searches see of something that waits for a person; `closed_on` None: it still waits."""

    external_id: str
    kind: str
    reason: str
    amount: Money | None
    owner: str
    opened_on: date
    closed_on: date | None = None
    payment: str = ""
    invoice_id: str = ""
    deadline: date | None = None
    outcome: str = ""  # what came of it


@dataclass(frozen=True, slots=True)
class ProofRecord:
    """What the ERP holds of one day's three-way proof. `outcome`: ties, drifts, or unproved where a book wasn't had."""

    external_id: str  # arc-<installation>-proof-<day>
    day: date
    outcome: str
    drifts: int  # how many differences
    unfinished: int  # acts that were begun and aren't over
    text: str  # by currency and entity, with a reason each
    made_at: datetime


# ---- What the ERP shows of it afterwards ----


@dataclass(frozen=True, slots=True)
class PaymentSeen:
    """A customer payment as the ERP holds it now. `applications`: invoice id -> amount."""

    erp_id: str
    customer_id: str
    amount: Money
    applications: tuple[tuple[str, Money], ...]
    voided: bool
    modified_at: datetime | None = None
    credits: tuple[tuple[str, Money], ...] = ()  # credit memo id -> what of it was used with this payment
    discounts: tuple[tuple[str, Money], ...] = ()  # invoice id -> the discount taken beside its application


@dataclass(frozen=True, slots=True)
class ActSeen:
    """What the ERP holds of one act: its payment, the state of each record by external id, its invoices."""

    act_id: str
    requested_at: datetime
    payment: PaymentSeen | None
    records: tuple[tuple[str, RecordState], ...]
    invoices: tuple[OpenInvoice, ...]  # in whatever status
