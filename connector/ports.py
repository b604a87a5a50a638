"""Everything that can fail, on one page: what the connector needs from the outside, and what may come back.

Errors at this edge are of three families (errors.py): Transient, Terminal, OutcomeUnknown. Reads raise the first
two. Writes answer per record and raise Transient or Terminal only for what was surely not carried out as a whole;
an answer that was not read is the answer UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from connector.money import Money
from connector.policy import EMAIL

# PaymentSeen and ActSeen are values that decisions compare; adapters find them here with the rest of the page.
from connector.receivables import ActSeen as ActSeen
from connector.receivables import (
    ArStatus,
    CloseIntent,
    CreditMemo,
    Customer,
    CustomerTotal,
    ExceptionRecord,
    OpenInvoice,
    Parked,
    Payment,
    PaymentToPost,
    ProofRecord,
    RecordState,
)
from connector.receivables import PaymentSeen as PaymentSeen
from connector.settlement import (
    AccountBalance,
    ArDocument,
    Autopay,
    BalanceTransaction,
    CrmAccount,
    CrmTask,
    DepositIntent,
    DepositSeen,
    Payout,
    Period,
    ReversalIntent,
    ReversalSeen,
    Settlement,
)


class Outcome(StrEnum):
    """What became of one write, in the order in which they are decided."""

    CREATED = "created"
    EXISTS = "exists"  # it was there already and agrees in all that we would have written
    EXISTS_DIFFERENT = "exists_different"
    REFUSED = "refused"  # surely not written
    UNKNOWN = "unknown"  # may have been written: read back before anything else


@dataclass(frozen=True, slots=True)
class Answer:
    external_id: str
    outcome: Outcome
    erp_id: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ActAnswer:
    """`statuses`: AR statuses that went with the act; there are none where they are written at its end."""

    act_id: str
    payment: Answer
    records: tuple[Answer, ...]
    statuses: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Set one accompanying record of an act to its end state."""

    external_id: str
    state: RecordState
    text: str = ""


@dataclass(frozen=True, slots=True)
class ErpRead:
    """One read. `requested_at` is when it was asked for: an older read never overwrites a newer one."""

    requested_at: datetime
    invoices: tuple[OpenInvoice, ...] = ()
    customers: tuple[Customer, ...] = ()
    credits: tuple[CreditMemo, ...] = ()
    parked: tuple[Parked, ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """The one record in the ERP that says which connector may write there."""

    id: str
    epoch: int
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of `connector check`: what was looked at, whether it is in order, and what to do if not."""

    area: str
    ok: bool
    what: str
    remedy: str = ""
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class OtherSender:
    """Somebody else who also reminds these customers, found switched on; `name` is what a person acknowledges."""

    name: str  # such as netsuite_dunning
    what: str


@dataclass(frozen=True, slots=True)
class PastPayment:
    """A customer payment that people applied: what they applied it to, and when they did.

    `applied`: invoice id, amount, the day of the application. `credits`: memo id -> amount used with it.
    """

    erp_id: str
    customer_id: str
    amount: Money
    received_on: date
    text: str  # memo, check number and whatever else the payment says of itself
    external_id: str
    applied: tuple[tuple[str, Money, date], ...]
    credits: tuple[tuple[str, Money], ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What was billed, credited and paid between two days, with all that was open on the first.

    `invoices` show what was billed (`balance` = `amount`), whatever is left of them now; `closed_on` of those that were
    settled by something else than `payments` (memo, journal, write-off): id, amount, day.
    """

    invoices: tuple[OpenInvoice, ...]
    credits: tuple[CreditMemo, ...]
    payments: tuple[PastPayment, ...]
    settled_otherwise: tuple[tuple[str, Money, date], ...]
    customers: tuple[Customer, ...]
    parked: tuple[Parked, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """Transactions that the ERP's vendor counts and may bill: of reads a page is one, of writes a record."""

    reads: int = 0
    writes: int = 0


class Erp(Protocol):
    """The system of record.

    `is_atomic`: one act is written whole or not at all, its records born closed and its AR statuses with it. Else its
    records are born intended, and are marked once the act was read back.
    """

    name: str  # as people call it: NetSuite
    mapping: str  # the file in which its names stand: mappings/netsuite.yaml
    is_atomic: bool
    settles_within: timedelta  # so long a write whose answer was lost may still be carried out, and not be seen
    takes_drafts: bool  # is what waits for approval shown as draft payments, which people may post there?
    counted_max: int  # how many transactions a month are paid for; 0: nobody counts them
    account: str
    is_test: bool
    settlements: tuple[Settlement, ...]
    pays_for_family: bool  # may a parent's payment pay the invoices of its children (RULES 1.6)?

    def read_totals(self) -> tuple[CustomerTotal, ...]: ...
    def read_changed(self, since: datetime) -> ErpRead:
        """Open or just closed invoices, credits and customers modified since; a hint, never a proof of absence."""

    def read_open(self, customer_ids: Sequence[str] | None = None) -> ErpRead:
        """All open invoices and credits, of the whole ledger or of some customers."""

    def read_open_by_part(self) -> Iterator[ErpRead]:
        """As read_open of the whole ledger, part by part in bounded memory: customers come before their invoices."""

    def read_invoices(self, ids: Sequence[str]) -> ErpRead:
        """These invoices in whatever status; an id that is not returned proves nothing."""

    def read_credits(self, ids: Sequence[str]) -> ErpRead:
        """These credits with what they have left, perhaps nothing; an id that is not returned proves nothing."""

    def find_payments(self, source_ids: Sequence[str]) -> dict[str, PaymentSeen]:
        """Payments made by anybody that carry one of these source ids (external id or memo)."""

    def find_similar(
        self, customer_ids: Sequence[str], amount: Money, first_on: date, last_on: date
    ) -> tuple[PaymentSeen, ...]:
        """Payments of these customers of just this amount with a date between: perhaps the same money."""

    def write_acts(self, intents: Sequence[CloseIntent], statuses: Sequence[ArStatus] = ()) -> tuple[ActAnswer, ...]:
        """`statuses`: what is to be seen of the acts' invoices once all of them stand; only an atomic ERP takes them.

        A status that was refused blocks nothing (RULES 7): the act is then written without it.
        """

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]: ...
    def write_drafts(self, payments: Sequence[PaymentToPost]) -> tuple[Answer, ...]:
        """Show these as draft payments, which post nothing; a draft of ours that reads otherwise is replaced.

        EXISTS_DIFFERENT: a payment with this id was posted meanwhile. A draft is no payment to any read of this port,
        what it selects of an invoice is open, and `write_acts` of its payment removes it.
        """

    def delete_drafts(self, external_ids: Sequence[str]) -> tuple[Answer, ...]:
        """Take these drafts of ours back; EXISTS where there is none (any more)."""

    def write_records(self, intents: Sequence[CloseIntent]) -> tuple[ActAnswer, ...]:
        """Only the accompanying records again, for acts whose payment stands but a record was refused or lost."""

    def write_marks(self, marks: Sequence[Mark], statuses: Sequence[ArStatus]) -> tuple[Answer, ...]: ...
    def write_exceptions(self, records: Sequence[ExceptionRecord]) -> tuple[Answer, ...]:
        """What saved searches see of the exceptions; last write wins."""

    def write_proofs(self, records: Sequence[ProofRecord]) -> tuple[Answer, ...]:
        """What saved searches see of the daily proofs; last write wins."""

    def write_deposit(self, intent: DepositIntent) -> Answer:
        """Create the deposit (or journal) of one payout; EXISTS only if what is there agrees in all."""

    def read_deposit(self, intent: DepositIntent) -> DepositSeen | None: ...
    def find_deposits(self, payout_ids: Sequence[str]) -> dict[str, DepositSeen]:
        """Deposits and journals made by anybody that carry one of these payout ids (external id or memo)."""

    def write_reversal(self, intent: ReversalIntent) -> Answer:
        """Take back what a payment that came back paid; may run twice. CREATED, EXISTS: all of it stands.

        Written in part, or not known: UNKNOWN, and `read_reversal` says how far it came; the next write goes on there.
        EXISTS_DIFFERENT: something stands there that isn't this, or a person changed the payment meanwhile.
        """

    def read_reversal(self, intent: ReversalIntent) -> ReversalSeen | None:
        """None: no part of it is there. With `applied` the payment still pays: it is not whole yet."""

    def why_irreversible(self, intent: ReversalIntent) -> str:
        """Why must a person take it back, by the ERP's own rules (deposited, closed period)? '' if it may be."""

    def find_cleared(self, source_ids: Sequence[str]) -> dict[str, Money]:
        """What refunds and journals that carry one of these source ids put onto clearing accounts; minus is less."""

    def read_periods(self) -> tuple[Period, ...]:
        """Accounting periods of the last two years, oldest first, months only."""

    def read_balances(self, on: date) -> tuple[AccountBalance, ...]:
        """The clearing accounts of `settlements` and the AR control accounts at the end of this day."""

    def read_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        """What was posted to receivables between two days, and what is still open from before."""

    def read_past_documents(self, first_on: date, last_on: date) -> tuple[ArDocument, ...]:
        """As read_documents, without what can't be read: one bad document must not hide how everybody else paid."""

    def read_history(self, first_on: date, last_on: date) -> History:
        """How people applied payments between these days; what is not understood is parked and left out."""

    def pause_dunning(self, invoice_ids: Sequence[str]) -> tuple[Answer, ...]:
        """Set the pause of the ERP's own dunning on these invoices. Nothing ever clears it: clearing may send mail."""

    def take_counted(self) -> Counted:
        """What was counted since this was last asked."""

    def other_senders(self) -> tuple[OtherSender, ...]: ...
    def read_installation(self) -> Installation | None: ...
    def write_installation(self, installation: Installation) -> Answer: ...
    def check(self) -> tuple[Finding, ...]: ...


def on_its_way_until(attempted_at: datetime | None, erp: Erp, now: datetime) -> datetime | None:
    """Until when may a write that was begun then, and isn't seen, still come true? None: it won't any more."""
    until = attempted_at + erp.settles_within if attempted_at else now
    return until if until > now else None


@dataclass(frozen=True, slots=True)
class PaymentRead:
    """`fresh_as_of` is the instant the source vouches for; `cursor` is where the next read goes on, a hint.

    `is_whole`: `parked` names everything that the source does not understand now; what isn't named any more is settled.
    """

    requested_at: datetime
    fresh_as_of: datetime
    cursor: str
    payments: tuple[Payment, ...]
    parked: tuple[Parked, ...] = ()
    before_cutover: frozenset[str] = frozenset()  # payments that shield and are never posted (RULES 1.11)
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class PayoutRead:
    """Payouts touched since the cursor, each with its members where they are known."""

    requested_at: datetime
    cursor: str
    payouts: tuple[Payout, ...]
    parked: tuple[Parked, ...] = ()


@dataclass(frozen=True, slots=True)
class BalanceRead:
    """What the processor holds for us now, one amount a currency, with all movements since an instant."""

    requested_at: datetime
    balances: tuple[Money, ...]
    movements: tuple[BalanceTransaction, ...]
    parked: tuple[Parked, ...] = ()


class PaymentSource(Protocol):
    """Where money is seen: a processor, or statements of our bank."""

    name: str
    is_test: bool

    def read_changed(self, cursor: str, now: datetime) -> PaymentRead:
        """All payments touched since the cursor, each fetched again; '' starts at the source's cutover day."""

    def check(self) -> tuple[Finding, ...]: ...


class Processor(PaymentSource, Protocol):
    """A source that keeps the money for a while and pays it out to our bank."""

    def read_payouts(self, cursor: str, now: datetime) -> PayoutRead:
        """Payouts created since the cursor or still open, fetched again; '' starts at the source's cutover day."""

    def read_balance(self, since: datetime) -> BalanceRead: ...
    def read_autopay(self) -> tuple[Autopay, ...]:
        """Open invoices that the processor collects by itself."""

    def other_senders(self) -> tuple[OtherSender, ...]: ...


@dataclass(frozen=True, slots=True)
class CrmRead:
    """Accounts changed since the cursor. `is_whole`: all of them were read, so one that is missing is gone."""

    requested_at: datetime
    fresh_as_of: datetime
    cursor: str
    accounts: tuple[CrmAccount, ...]
    parked: tuple[Parked, ...] = ()
    is_whole: bool = False


class Crm(Protocol):
    """Renewal dates, strategic customers, who looks after whom."""

    name: str
    is_test: bool

    def read_changed(self, cursor: str, now: datetime) -> CrmRead:
        """Accounts that carry an ERP customer id. Transient on a spent quota: the last known facts stay."""

    def write_tasks(self, tasks: Sequence[CrmTask]) -> tuple[Answer, ...]: ...
    def read_done(self, external_ids: Sequence[str]) -> frozenset[str]:
        """Which of these tasks a person has closed; one that isn't found is not done."""

    def check(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True)
class MailItem:
    """One invoice in a reminder mail, as the lease commit saw it."""

    number: str
    due_on: date
    days_past_due: int
    askable: Money
    balance: Money
    step: str
    pay_url: str = ""
    po_number: str = ""
    disputed: Money | None = None
    disputed_lines: tuple[str, ...] = ()  # as the customer knows them


@dataclass(frozen=True, slots=True)
class ReminderMail:
    """One message to one customer. `to` is what the channel reaches somebody by: an address, a number.

    With a `note` it is a preview for one of our own people: the note stands above all, and `to` is theirs.
    """

    message_id: str
    customer_name: str
    to: str
    sender: str
    reply_to: str
    template: str
    on: date
    items: tuple[MailItem, ...]
    credits: tuple[Money, ...] = ()  # what the customer has open in credits, one a currency; less than is asked for
    channel: str = EMAIL
    cc: tuple[str, ...] = ()
    bcc: str = ""
    instead_of: str = ""  # the message of another channel that surely did not arrive
    note: str = ""


class SendOutcome(StrEnum):
    SENT = "sent"
    NOT_SENT = "not_sent"  # surely not accepted: refused, unreachable, or called off before the final dot
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SendResult:
    outcome: SendOutcome
    detail: str = ""
    address_refused: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as its reader would see it; with `trouble` it can't be made, and nothing else is there.

    `left_out`: pay links that were not used, since they don't lead over https to a domain on the list.
    """

    subject: str = ""
    text: str = ""
    html: str = ""
    left_out: tuple[str, ...] = ()
    trouble: str = ""


class Channel(Protocol):
    name: str
    redirect_all_to: str

    def send(self, mail: ReminderMail, may_leave: Callable[[], bool]) -> SendResult:
        """`may_leave` is asked between the message body and the final dot; if it says no the message is called off."""

    def preview(self, mail: ReminderMail) -> Letter:
        """What would be sent; nothing is."""

    def check(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that our own people are told, once; nothing that a customer may not see stands in `id`."""

    id: str
    text: str


class Chat(Protocol):
    """Where our own people are told what can't wait for them to look."""

    name: str

    def post(self, notice: Notice) -> SendResult: ...
    def check(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A message in the reply-to mailbox. `answers`: Message-IDs that it names, the nearest first."""

    id: str
    answers: tuple[str, ...]
    sender: str  # the bare address
    received_at: datetime
    subject: str
    text: str  # the plain text, without what it quotes, bounded
    is_automatic: bool = False  # says of itself that no person wrote it
    seems_automatic: bool = False  # carries signs that ticket systems put onto people's words too
    failed_with: str = ""  # of a delivery report the enhanced status code, such as 5.1.1
    failed_to: str = ""  # of a delivery report the address that it is about


@dataclass(frozen=True, slots=True)
class MailboxRead:
    """`is_whole`: nothing had come since but what was read; else the next read goes on at the cursor."""

    requested_at: datetime
    cursor: str
    replies: tuple[Reply, ...]
    parked: tuple[Parked, ...] = ()
    is_whole: bool = True


class Mailbox(Protocol):
    """Where customers' answers to reminders arrive. Reading marks and moves nothing."""

    name: str

    def read_since(self, cursor: str, now: datetime) -> MailboxRead:
        """All messages since the cursor; '' begins with those of today."""

    def check(self) -> tuple[Finding, ...]: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""
