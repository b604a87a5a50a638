"""What the processor holds and pays out, and the deposit that a payout becomes in the ERP: values only.

A payment belongs to a customer (receivables.py); a payout is the processor's transfer to our bank, of many payments
less fees, refunds and disputes. The payout governs the deposit, never the match (RULES 1.1). Amounts are signed: what
comes to us is positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from connector.money import Money
from connector.receivables import NO_TRAITS, Traits


class Category(StrEnum):
    """What one balance transaction means to the ledger. The adapter maps the processor's open-ended words to these."""

    CHARGE = "charge"
    CHARGE_FAILURE = "charge_failure"  # a debit that the bank took back: minus a charge
    REFUND = "refund"
    REFUND_FAILURE = "refund_failure"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    RESERVE = "reserve"
    PAYOUT = "payout"  # the payout's own line: minus its amount
    PAYOUT_REVERSAL = "payout_reversal"  # a payout that failed or was cancelled: the money is back
    UNKNOWN = "unknown"  # parked: a payout that holds one is held


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """One movement of the processor's balance, in its settlement currency; `net` = `amount` - `fee`."""

    id: str
    category: Category
    amount: Money
    fee: Money
    net: Money
    created_at: datetime
    created_on: date  # in the ledger's zone
    source_id: str = ""  # the charge, refund, dispute ... behind it
    payment_id: str = ""  # the payment (charge) that it is about; '' if none
    words: str = ""  # the processor's own type and category, for people


class PayoutState(StrEnum):
    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"  # not final: within 5 business days it may still become failed
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Payout:
    """One transfer to our bank; negative when the processor debits us.

    `members` are its balance transactions without its own line. They are known only for automatic payouts, and only
    once these are reconciled; a manual payout's contents are ours to explain.
    """

    id: str
    amount: Money
    state: PayoutState
    is_automatic: bool
    is_reconciled: bool
    created_at: datetime
    arrives_on: date
    members: tuple[BalanceTransaction, ...] = ()


class SettleThrough(StrEnum):
    """Where the money of a payment waits in the ledger until its payout (RULES 1.2)."""

    CLEARING = "clearing"  # a ledger account of the processor's own: charges in gross, everything else out
    UNDEPOSITED = "undeposited"  # the ERP's Undeposited Funds, as beside Stripe's own connector


class AccountRole(StrEnum):
    """What a ledger account is for in a deposit; which account that is, is the ERP adapter's own mapping."""

    BANK = "bank"
    CLEARING = "clearing"
    FEES = "fees"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    ADJUSTMENTS = "adjustments"
    RESERVES = "reserves"
    RECEIVABLE = "receivable"  # the AR control account


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one currency is settled: through what, for which subsidiary, and for which roles an account is given.

    Without a bank account payouts of this currency are shown and never posted. `negative_payouts`: may a payout that
    debits our bank be posted as a journal? A NetSuite deposit can't be negative.
    """

    currency: str
    through: SettleThrough
    subsidiary: str = ""
    roles: frozenset[AccountRole] = frozenset()
    journal_negative: bool = False


@dataclass(frozen=True, slots=True)
class DepositLine:
    """Part of a deposit that is no payment: positive comes out of that account into the bank, negative goes to it."""

    role: AccountRole
    amount: Money
    memo: str


class DepositKind(StrEnum):
    DEPOSIT = "deposit"
    JOURNAL = "journal"  # only for a negative payout


@dataclass(frozen=True, slots=True)
class DepositIntent:
    """The ERP record that one payout becomes: payments + lines = amount = what reaches the bank, to the minor unit.

    `payments` are payments in Undeposited Funds, ERP id and amount; there are none when settling through clearing.
    """

    act_id: str
    external_id: str
    payout_id: str
    kind: DepositKind
    amount: Money
    posted_on: date
    payments: tuple[tuple[str, Money], ...]
    lines: tuple[DepositLine, ...]
    memo: str
    subsidiary: str = ""
    arrived_on: date | None = None  # the real day, where a closed period made `posted_on` another


@dataclass(frozen=True, slots=True)
class DepositSeen:
    """A deposit (or journal) as the ERP holds it now. `by_role`: its lines added up by role; unknown accounts: ''."""

    erp_id: str
    amount: Money
    payments: tuple[str, ...]
    by_role: tuple[tuple[str, Money], ...]
    voided: bool = False
    posted_on: date | None = None


@dataclass(frozen=True, slots=True)
class ReversalIntent:
    """Money that came back: the payment keeps standing in the ERP and pays its invoices no longer (RULES 3).

    How is the ERP's own way. NetSuite gets a journal, receivables of the customer against the account of `role`, to
    which the payment is applied in place of `applied`; Intacct reverses the receipt. Nothing is deleted or edited away.
    `payment_external_id`, `payment_erp_id`: of the payment as it was posted; `applied`: invoice id -> all that it pays
    there now, which all comes off. `amount`: the whole payment.
    """

    act_id: str
    external_id: str  # arc-<installation>-rev-<payment id>-<generation>
    payment_id: str
    payment_external_id: str
    payment_erp_id: str
    customer_id: str
    amount: Money
    applied: tuple[tuple[str, Money], ...]
    role: AccountRole  # the account that the return hit: clearing, or the bank
    returned_on: date
    posted_on: date  # the return day, or the first open one after it
    memo: str
    subsidiary: str = ""
    ar_account: str = ""


@dataclass(frozen=True, slots=True)
class ReversalSeen:
    """What the ERP holds of a reversal now. `applied`: what the payment still pays; nothing once it is whole."""

    erp_id: str
    amount: Money
    posted_on: date
    applied: tuple[tuple[str, Money], ...] = ()
    voided: bool = False


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What stands on one ledger account at the end of a day, in the account's own currency."""

    role: AccountRole
    currency: str
    subsidiary: str
    amount: Money
    on: date


@dataclass(frozen=True, slots=True)
class Period:
    """An accounting period of the ERP; `is_locked`: closed as a whole or locked for receivables."""

    name: str
    first_on: date
    last_on: date
    is_locked: bool


def first_open_on(periods: Sequence[Period], day: date, today: date = date.max) -> date | None:
    """The day itself if its period is open, else the first day of the first open period after it; never earlier.

    None: there is no such day up to `today`. A day that no period covers isn't open. Where no periods are known the
    day stands, and the ERP has the last word.
    """
    if not periods:
        return day
    later = sorted(period.first_on for period in periods if day < period.first_on <= today)
    return next((on for on in (day, *later) if _is_open(periods, on)), None)


def _is_open(periods: Sequence[Period], day: date) -> bool:
    locked = [period.is_locked for period in periods if period.first_on <= day <= period.last_on]
    return bool(locked) and not any(locked)


def why_closed(periods: Sequence[Period], day: date) -> str:
    """In a person's words, why nothing can be posted on this day: '2026-09-30 lies in Sep 2026, which is closed'."""
    names = [period.name for period in periods if period.first_on <= day <= period.last_on and period.is_locked]
    return f"{day} lies in {names[0]}, which is closed" if names else f"no accounting period of the ERP covers {day}"


class DocumentKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_MEMO = "credit_memo"
    PAYMENT = "payment"
    WRITE_OFF = "write_off"  # a credit memo or journal against the accounts that the mapping calls bad debt
    OTHER = "other"  # journals and whatever else moves receivables


@dataclass(frozen=True, slots=True)
class ArDocument:
    """One posted document that moved receivables, for the measures. `amount` is signed: an invoice positive."""

    id: str
    number: str
    kind: DocumentKind
    customer_id: str
    subsidiary: str
    on: date
    amount: Money
    due_on: date | None = None
    closed_on: date | None = None  # when nothing was left of it; None: still open, or not known
    open_amount: Money | None = None  # what is left of it today: of an invoice owed, of a credit or payment unapplied
    was_disputed: bool = False
    is_intercompany: bool = False


# ---- What the CRM says of a customer ----


@dataclass(frozen=True, slots=True)
class CrmAccount:
    """A customer in the CRM, found by the ERP's id there, never by name."""

    id: str
    customer_id: str  # the ERP's
    name: str
    renews_on: date | None = None
    is_strategic: bool = False
    do_not_contact: bool = False
    owner_id: str = ""
    owner: str = ""  # who looks after the customer there, as people read it
    owner_email: str = ""
    notes: tuple[str, ...] = ()  # for display only; nothing is decided by free text
    traits: Traits = NO_TRAITS
    manager: str = ""  # whom the owner reports to, told where the owner stays silent
    manager_id: str = ""
    manager_email: str = ""
    talked_on: date | None = None  # a customer's mail or a person's activity there: an active conversation (RULES 5.6)


@dataclass(frozen=True, slots=True)
class CrmTask:
    """Something that a person of the account team is asked to do; `external_id` makes it once."""

    external_id: str
    account_id: str
    owner_id: str
    subject: str
    text: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Autopay:
    """A processor's invoice that it collects by itself. `invoice_number` is the ERP's number as printed there too."""

    invoice_number: str
    payer: str
    next_attempt_on: date | None  # None: no attempt is set
    has_failed: bool  # the last attempt failed
