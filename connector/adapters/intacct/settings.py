"""How to reach one Sage Intacct company, and how that company names the things that the connector reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connector.settlement import AccountRole, SettleThrough

DEFAULT_URL = "https://api.intacct.com/ia/xml/xmlgw.phtml"
# Limits of the gateway's generic functions: rows of a query page, values of an `in`, keys of a read, records of one
# create or update (Sage's XML reference, "Queries" and "Generic functions").
PAGE_ROWS_MAX = 2000
VALUES_MAX = 1000
READ_KEYS_MAX = 100
CREATE_MAX = 100


@dataclass(frozen=True, slots=True)
class IntacctSettings:
    """One company, its web services user and the sender id that speaks for them. Times are in seconds.

    `livemode` says whether this company's customers are real: nothing in Intacct's answers does. `write_seconds` is
    long on purpose: the gateway lets a request run for 15 minutes, and giving up earlier than that only turns an answer
    into an unknown one.
    """

    sender_id: str
    sender_password: SecretStr
    company: str
    user: str
    user_password: SecretStr
    livemode: bool
    url: str = DEFAULT_URL
    connect_seconds: float = 10.0
    read_seconds: float = 120.0
    write_seconds: float = 900.0
    # A company may run two requests at once by default, and all its integrations share them.
    requests_at_once_max: int = 2
    read_attempts_max: int = 3
    page_rows: int = PAGE_ROWS_MAX

    @property
    def account(self) -> str:
        """The company as people and the store name it."""
        return self.company.strip()

    @property
    def is_test(self) -> bool:
        return not self.livemode


# Intacct's own ids are what a person typed: letters, digits and a few signs, never a blank at either end.
RecordId = Annotated[str, Field(pattern=r"^[^\s<>&\"](?:[^<>&\"]{0,38}[^\s<>&\"])?$")]
AccountNumber = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]{0,23}$")]
# The integration name of a custom field, which Intacct keeps in capitals on its own objects.
FieldName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")]
# The name of a field that a company need not have: empty says that it isn't there, and then it is never asked for.
OptionalField = Annotated[str, Field(pattern=r"^([A-Z][A-Z0-9_]{1,39})?$")]
# Custom objects and their fields have lower-case integration names.
ObjectName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LedgerAccounts(_Part):
    """Accounts by what they are for in a deposit: ids of bank accounts for the first two, else GL account numbers."""

    bank: RecordId | None = Field(default=None, description="Where the processor pays to: a checking account's id.")
    clearing: RecordId | None = Field(
        default=None, description="Where payments wait until they are paid out: a checking account's id."
    )
    fees: AccountNumber | None = None
    refunds: AccountNumber | None = None
    disputes: AccountNumber | None = None
    adjustments: AccountNumber | None = None
    reserves: AccountNumber | None = None


class SettlementEntry(_Part):
    """Where the money of one currency waits, and how its payouts are booked (RULES 1.2)."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    through: SettleThrough = SettleThrough.CLEARING
    entity: RecordId | None = Field(default=None, description="To whom the accounts below belong.")
    accounts: LedgerAccounts = LedgerAccounts()
    journal_negative: bool = Field(default=False, description="May a payout that debits the bank become a journal?")

    @model_validator(mode="after")
    def _is_whole(self) -> SettlementEntry:
        accounts = self.accounts
        if self.through is SettleThrough.CLEARING and accounts.clearing is None:
            raise ValueError("to settle through clearing, give accounts.clearing")
        if accounts.clearing is not None and accounts.clearing == accounts.bank:
            raise ValueError("accounts.clearing and accounts.bank can't be the same")
        if self.journal_negative and accounts.bank is None:
            raise ValueError("journal_negative needs accounts.bank")
        return self

    def account_of(self, role: AccountRole) -> str:
        """The account's id (bank, clearing) or number (the others), '' where none is given."""
        return getattr(self.accounts, role, None) or ""

    @property
    def roles(self) -> dict[AccountRole, str]:
        """Role -> account, of those that are given."""
        return {role: account for role in AccountRole if (account := self.account_of(role))}


class Dimensions(_Part):
    """What the lines that we write carry where the company asks for it; the location of an entity is the entity."""

    location: RecordId | None = None
    department: RecordId | None = None


class NativeDunning(_Part):
    """Intacct's own dunning notices, printed or mailed by people in Accounts Receivable."""

    pause_field: OptionalField = Field(
        default="", description="A checkbox of your own on the invoice that keeps it out of them; empty: there is none."
    )


def is_day(name: str) -> bool:
    """Is a field of this name a day?"""
    return name.endswith(("_on", "_since", "_until"))


class Fields(_Part):
    """Integration names of the custom fields on Intacct's own objects."""

    invoice_hold: FieldName = "ARC_HOLD"
    invoice_hold_reason: FieldName = "ARC_HOLD_REASON"
    invoice_hold_kind: OptionalField = "ARC_HOLD_KIND"
    invoice_hold_owner: OptionalField = "ARC_HOLD_OWNER"
    invoice_hold_since: OptionalField = "ARC_HOLD_SINCE"
    invoice_hold_until: OptionalField = "ARC_HOLD_UNTIL"
    invoice_promise_on: OptionalField = "ARC_PROMISE_ON"
    invoice_promise_amount: OptionalField = "ARC_PROMISE_AMOUNT"
    invoice_promise_by: OptionalField = "ARC_PROMISE_BY"
    invoice_promise_recorded_by: OptionalField = "ARC_PROMISE_RECORDED_BY"
    invoice_plan: OptionalField = "ARC_PLAN"
    invoice_plan_approved_by: OptionalField = "ARC_PLAN_APPROVED_BY"
    invoice_conversation_until: OptionalField = "ARC_CONVERSATION_UNTIL"
    invoice_dispute_owner: OptionalField = "ARC_DISPUTE_OWNER"
    invoice_dispute_until: OptionalField = "ARC_DISPUTE_UNTIL"
    invoice_touched_on: OptionalField = "ARC_TOUCHED_ON"
    invoice_pay_url: FieldName = "ARC_PAY_URL"
    invoice_delivered_on: FieldName = "ARC_DELIVERED_ON"
    line_dispute: FieldName = "ARC_DISPUTE"
    line_dispute_reason: FieldName = "ARC_DISPUTE_REASON"
    line_disputed_on: OptionalField = "ARC_DISPUTED_ON"
    line_dispute_detail: OptionalField = "ARC_DISPUTE_DETAIL"
    line_dispute_outcome: OptionalField = "ARC_DISPUTE_OUTCOME"
    line_kind: FieldName = "ARC_LINE_KIND"
    customer_do_not_contact: FieldName = "ARC_DO_NOT_CONTACT"
    customer_exclude: FieldName = "ARC_EXCLUDE"
    customer_autopay: FieldName = "ARC_AUTOPAY"
    customer_tier: OptionalField = "ARC_TIER"
    customer_contract_type: OptionalField = "ARC_CONTRACT_TYPE"
    customer_billing_model: OptionalField = "ARC_BILLING_MODEL"
    customer_relationship: OptionalField = "ARC_RELATIONSHIP"
    customer_arr: OptionalField = "ARC_ARR"
    customer_arr_currency: OptionalField = "ARC_ARR_CURRENCY"
    customer_country: OptionalField = "ARC_COUNTRY"
    customer_time_zone: OptionalField = "ARC_TIME_ZONE"
    customer_cc: OptionalField = "ARC_CC"
    customer_mails_parent: OptionalField = "ARC_MAILS_PARENT"
    customer_sms: OptionalField = "ARC_SMS"
    customer_sms_consent_on: OptionalField = "ARC_SMS_CONSENT_ON"
    customer_chat: OptionalField = "ARC_CHAT"
    customer_chat_consent_on: OptionalField = "ARC_CHAT_CONSENT_ON"
    payment_external_id: FieldName = "ARC_EXTERNAL_ID"  # on payments and on advances, as the next two
    payment_act: FieldName = "ARC_ACT"
    payment_received_on: FieldName = "ARC_RECEIVED_ON"

    @property
    def not_there(self) -> tuple[str, ...]:
        """The keys whose fields this company doesn't have."""
        return tuple(key for key, name in self.model_dump().items() if not name)


class Status(_Part):
    """The fields on the invoice that views and reports show: where it stands in collections."""

    state: FieldName = "ARC_STATE"
    reason: FieldName = "ARC_REASON"
    next_step: FieldName = "ARC_NEXT_STEP"
    next_on: FieldName = "ARC_NEXT_ON"
    owner: FieldName = "ARC_OWNER"
    segment: FieldName = "ARC_SEGMENT"
    card: FieldName = "ARC_CARD"


class _ObjectNames(_Part):
    """A custom object: `type` is its name, the rest are its fields; its `name` holds our external id."""

    type: ObjectName


class CancellationObject(_ObjectNames):
    """The record that says which reminders of an invoice were cancelled, and why."""

    type: ObjectName = "arc_cancellation"
    act: ObjectName = "arc_act"
    invoice: ObjectName = "arc_invoice"
    invoice_number: ObjectName = "arc_invoice_number"
    customer: ObjectName = "arc_customer"
    steps: ObjectName = "arc_steps"
    reason: ObjectName = "arc_reason"
    cancelled_at: ObjectName = "arc_cancelled_at"
    state: ObjectName = "arc_state"


class ReceiptObject(_ObjectNames):
    """The record that tells the story of one payment: what it paid, and which reminders it cancelled."""

    type: ObjectName = "arc_receipt"
    act: ObjectName = "arc_act"
    payment: ObjectName = "arc_payment"
    text: ObjectName = "arc_text"
    state: ObjectName = "arc_state"


class ExceptionObject(_ObjectNames):
    """The record of something that waits for a person's decision."""

    type: ObjectName = "arc_exception"
    kind: ObjectName = "arc_kind"
    reason: ObjectName = "arc_reason"
    amount: ObjectName = "arc_amount"
    owner: ObjectName = "arc_owner"
    opened_on: ObjectName = "arc_opened_on"
    closed_on: ObjectName = "arc_closed_on"
    payment: ObjectName = "arc_payment"
    invoice: ObjectName = "arc_invoice"
    invoice_number: ObjectName = "arc_invoice_number"
    deadline: ObjectName = "arc_deadline"
    outcome: ObjectName = "arc_outcome"


class ProofObject(_ObjectNames):
    """The record of one day's three-way proof."""

    type: ObjectName = "arc_proof"
    day: ObjectName = "arc_day"
    outcome: ObjectName = "arc_outcome"
    drifts: ObjectName = "arc_drifts"
    unfinished: ObjectName = "arc_unfinished"
    text: ObjectName = "arc_text"
    made_at: ObjectName = "arc_made_at"


class InstallationObject(_ObjectNames):
    """The one record that says which connector may write to this company."""

    type: ObjectName = "arc_installation"
    id: ObjectName = "arc_installation_id"
    epoch: ObjectName = "arc_epoch"
    seen_at: ObjectName = "arc_seen_at"


class Objects(_Part):
    cancellation: CancellationObject = CancellationObject()
    receipt: ReceiptObject = ReceiptObject()
    exception: ExceptionObject = ExceptionObject()
    proof: ProofObject = ProofObject()
    installation: InstallationObject = InstallationObject()

    @property
    def all(self) -> tuple[_ObjectNames, ...]:
        return (self.cancellation, self.receipt, self.exception, self.proof, self.installation)


class Facts(_Part):
    """What Sage's reference does not say and a company may do differently; `connector check` looks at each it can."""

    invoice_number_field: FieldName = Field(default="RECORDID", description="Where an invoice has its number.")
    total_due_counts_selected: bool = Field(
        default=True, description="Does TOTALDUE still hold what a draft payment has selected?"
    )
    reference_max: int = Field(default=21, ge=8, le=45, description="Characters of a payment's document number.")
    name_max: int = Field(default=100, ge=40, le=255, description="Characters of a custom object's name.")
    answers_within_minutes: int = Field(
        default=20, ge=0, le=1440, description="So long a write whose answer was lost may still be carried out."
    )
    failed_control_ids_are_free: bool = Field(
        default=True, description="May a function that failed be sent again under the same controlid?"
    )
    duplicate_errors: tuple[str, ...] = Field(
        default=(), description="Numbers by which this company refuses a controlid that was used before."
    )
    negative_receipts: bool = Field(
        default=True, description="May an other receipt be negative, as a fee in undeposited funds is?"
    )
    deposit_receipt_field: FieldName = Field(
        default="RECEIPTKEY", description="Where a line of a deposit (DEPOSITENTRY) names the receipt in it."
    )
    custom_discounts: bool = Field(
        default=True, description="Is a discount of any amount allowed (TRX_TOTALDISCOUNTTOAPPLY)?"
    )
    reversals_keep_memo: bool = Field(
        default=True,
        description="Does the reversal of a receipt show the memo that it was given, by which ours is known?",
    )
    family_payments: Literal["none", "payer_name"] = Field(
        default="none", description="How a parent's payment pays the invoices of its sub-customers; none: it may not."
    )
    group_from: int = Field(default=15, ge=2, le=1000, description="From how many waiting acts on they are grouped.")
    group_max: int = Field(default=5, ge=1, le=50, description="How many acts one operation holds then.")
    periods_closed_by: Literal["summaries", "none"] = Field(
        default="summaries", description="What tells that a period is closed for receivables; none: only a refusal."
    )
    modified_overlap_minutes: int = Field(
        default=15, ge=1, le=2880, description="How far a read of changes reaches back before the last one."
    )


class IntacctMapping(_Part):
    """mappings/intacct.yaml."""

    account_time_zone: str = Field(description="Time zone in which the company's days begin and end.")
    transactions_per_month: int = Field(
        default=100_000, ge=0, description="How many the company's performance tier holds; 0: nobody counts them."
    )
    entities: dict[RecordId, Dimensions] = Field(
        default={}, description="The entities whose invoices are ours; empty: the company has only one."
    )
    dimensions: Dimensions = Dimensions()
    payment_method: Literal["Printed Check", "Cash", "EFT", "Credit Card", "Online Charge Card", "Online ACH Debit"] = (
        "EFT"
    )
    suggest_as_draft: bool = Field(
        default=False, description="Where the policy only suggests: is each payment put down as a draft?"
    )
    journal: RecordId = Field(default="GJ", description="Symbol of the journal in which payouts are booked.")
    undeposited_account: AccountNumber | None = Field(
        default=None, description="GL account of undeposited funds; payments without a settlement wait there."
    )
    advance_account: AccountNumber | None = Field(
        default=None, description="GL account of customers' advances; money without an invoice is posted there."
    )
    advance_label: RecordId | None = Field(
        default=None, description="The account label of advances, in a company that works with labels."
    )
    receivable_accounts: tuple[AccountNumber, ...] = Field(
        default=(), description="GL accounts of receivables: their balances are proved against the open invoices."
    )
    bad_debt_accounts: tuple[AccountNumber, ...] = Field(
        default=(), description="An adjustment or journal against one of these is a write-off."
    )
    settlement: tuple[SettlementEntry, ...] = Field(
        default=(), description="A currency without an entry: payments to undeposited funds, payouts only shown."
    )
    delivery: Literal["field", "none"] = Field(
        default="field", description="What proves that a customer got an invoice."
    )
    country: Literal["billing_address", "field", "none"] = Field(
        default="billing_address", description="What says in which country a customer is."
    )
    early_discount: Literal["terms", "none"] = Field(
        default="terms", description="What says how much a customer may keep back for paying early."
    )
    native_dunning: NativeDunning = NativeDunning()
    fields: Fields = Fields()
    status: Status = Status()
    objects: Objects = Objects()
    facts: Facts = Facts()

    @field_validator("account_time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be an IANA time zone such as America/New_York or Europe/Berlin") from None
        return value

    @field_validator("settlement")
    @classmethod
    def _is_once(cls, entries: tuple[SettlementEntry, ...]) -> tuple[SettlementEntry, ...]:
        named = [entry.currency for entry in entries]
        twice = sorted({currency for currency in named if named.count(currency) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is there twice; each currency is settled in one way")
        return entries

    @model_validator(mode="after")
    def _fits_together(self) -> IntacctMapping:
        if self.country == "field" and not self.fields.customer_country:
            raise ValueError("country is in a field: name it under fields.customer_country, or choose another source")
        if self.advance_account and self.advance_label:
            raise ValueError("give advance_account or advance_label, not both: a company works with one of them")
        through = {entry.through for entry in self.settlement}
        if SettleThrough.UNDEPOSITED in through and self.undeposited_account is None:
            raise ValueError("to settle through undeposited funds, give undeposited_account")
        unknown = sorted({entry.entity for entry in self.settlement if entry.entity} - self.entities.keys())
        if unknown:
            raise ValueError(f"settlement names {', '.join(unknown)}, which entities doesn't have")
        return self

    def columns(self, record: Literal["invoice", "line", "customer", "payment"]) -> dict[str, str]:
        """Our name -> integration name of each field on this record that is there and read; see `is_day`.

        Where no field holds what a customer said of a dispute, its reason is taken for that.
        """
        start, given = f"{record}_", self.fields.model_dump()
        found = {key.removeprefix(start): name for key, name in given.items() if key.startswith(start) and name}
        for name, is_read in (("delivered_on", self.delivery == "field"), ("country", self.country == "field")):
            if not is_read:
                found.pop(name, None)
        if record == "line":
            found.setdefault("dispute_detail", self.fields.line_dispute_reason)
        return found

    def settlement_of(self, currency: str) -> SettlementEntry | None:
        """How this currency is settled; None: its payments go to undeposited funds."""
        return next((entry for entry in self.settlement if entry.currency == currency), None)

    def dimensions_of(self, entity: str) -> Dimensions:
        """What a line in this entity carries ('' is the top level, or the company's only one)."""
        own = self.entities.get(entity, Dimensions())
        return Dimensions(
            location=own.location or entity or self.dimensions.location,
            department=own.department or self.dimensions.department,
        )

    def is_ours(self, entity: str) -> bool:
        """Is this an entity whose invoices we look after? '' is what belongs to no entity."""
        return not entity or entity in self.entities

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the company's days begin and end."""
        return ZoneInfo(self.account_time_zone)
