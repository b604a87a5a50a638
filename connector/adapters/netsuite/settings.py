"""How to reach one NetSuite account, and how that account names the things that the connector reads and writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connector.settlement import AccountRole, SettleThrough

# Limits of one synchronous SOAP request (NetSuite help section_N3418637).
ADD_LIST_MAX = 200
UPDATE_LIST_MAX = 100  # of updateList and upsertList
GET_LIST_MAX = 1000
# Limit of one SuiteQL page (NetSuite help section_157909186990).
PAGE_ROWS_MAX = 1000

_TEST_ACCOUNT = re.compile(r"^TSTDRV|_(SB|RP)\d+$")


@dataclass(frozen=True, slots=True)
class NetSuiteSettings:
    """One account and its token. Times are in seconds.

    `write_seconds` is long on purpose: NetSuite lets a request run for 15 minutes, and giving up earlier than that
    only turns an answer into an unknown one.
    """

    account: str
    consumer_key: SecretStr
    consumer_secret: SecretStr
    token_id: SecretStr
    token_secret: SecretStr
    base_url: str = ""
    soap_version: str = "2025_2"
    connect_seconds: float = 10.0
    read_seconds: float = 120.0
    write_seconds: float = 900.0
    page_rows: int = PAGE_ROWS_MAX
    acts_per_request_max: int = 25
    # Every integration of the account shares its request limit, which starts at 5 (NetSuite help, concurrency).
    requests_at_once_max: int = 4
    read_attempts_max: int = 3

    @property
    def account_id(self) -> str:
        """The account as tokens name it: 1234567_SB1."""
        return self.account.strip().upper().replace("-", "_")

    @property
    def is_test(self) -> bool:
        """Sandbox, release preview and test drive accounts hold copies of real people's addresses."""
        return bool(_TEST_ACCOUNT.search(self.account_id))

    @property
    def root_url(self) -> str:
        """Where both services are: the account's own host, written 1234567-sb1, unless `base_url` says otherwise."""
        host = self.account_id.lower().replace("_", "-")
        return self.base_url.rstrip("/") or f"https://{host}.suitetalk.api.netsuite.com"

    @property
    def rest_url(self) -> str:
        return f"{self.root_url}/services/rest"

    @property
    def soap_url(self) -> str:
        return f"{self.root_url}/services/NetSuitePort_{self.soap_version}"


ScriptId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
NumericId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
# The name of a field that an account need not have: empty says that it isn't there, and then it is never asked for.
OptionalId = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{1,39})?$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LedgerAccounts(_Part):
    """Internal ids of ledger accounts, by what they are for in a deposit."""

    bank: NumericId | None = Field(default=None, description="Where the processor pays to.")
    clearing: NumericId | None = Field(default=None, description="Where payments wait until they are paid out.")
    fees: NumericId | None = None
    refunds: NumericId | None = None
    disputes: NumericId | None = None
    adjustments: NumericId | None = None
    reserves: NumericId | None = None


class SettlementEntry(_Part):
    """Where the money of one currency waits, and how its payouts are booked (RULES 1.2)."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    through: SettleThrough = SettleThrough.CLEARING
    subsidiary: NumericId | None = Field(default=None, description="To whom the accounts below belong.")
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
        """The account's internal id, '' where none is given."""
        return getattr(self.accounts, role, None) or ""

    @property
    def roles(self) -> dict[AccountRole, str]:
        """Role -> account, of those that are given."""
        return {role: account for role in AccountRole if (account := self.account_of(role))}


class NativeDunning(_Part):
    """NetSuite's own dunning (a SuiteApp), where the account has it."""

    pause_field: OptionalId = Field(
        default="", description="The checkbox on the invoice that pauses it; empty where it isn't installed."
    )


class EarlyDiscount(_Part):
    """Where an invoice says what may be kept back by its terms, and until when.

    SOAP calls the two discountAmount and discountDate; that SuiteQL has them under these names is not in the help.
    """

    amount: OptionalId = "discountamount"
    until: OptionalId = "discountdate"

    @model_validator(mode="after")
    def _is_both_or_none(self) -> EarlyDiscount:
        if bool(self.amount) != bool(self.until):
            raise ValueError("give both amount and until, or leave both empty")
        return self

    @property
    def is_read(self) -> bool:
        return bool(self.amount)


def is_day(name: str) -> bool:
    """Is a field of this name a day?"""
    return name.endswith(("_on", "_since", "_until"))


class Fields(_Part):
    """Script ids of the custom fields on NetSuite's own records."""

    invoice_hold: ScriptId = "custbody_arc_hold"
    invoice_hold_reason: ScriptId = "custbody_arc_hold_reason"
    invoice_hold_kind: OptionalId = "custbody_arc_hold_kind"
    invoice_hold_owner: OptionalId = "custbody_arc_hold_owner"
    invoice_hold_since: OptionalId = "custbody_arc_hold_since"
    invoice_hold_until: OptionalId = "custbody_arc_hold_until"
    invoice_promise_on: OptionalId = "custbody_arc_promise_on"
    invoice_promise_amount: OptionalId = "custbody_arc_promise_amount"
    invoice_promise_by: OptionalId = "custbody_arc_promise_by"
    invoice_promise_recorded_by: OptionalId = "custbody_arc_promise_recorded_by"
    invoice_plan: OptionalId = "custbody_arc_plan"
    invoice_plan_approved_by: OptionalId = "custbody_arc_plan_approved_by"
    invoice_conversation_until: OptionalId = "custbody_arc_conversation_until"
    invoice_dispute_owner: OptionalId = "custbody_arc_dispute_owner"
    invoice_dispute_until: OptionalId = "custbody_arc_dispute_until"
    invoice_touched_on: OptionalId = "custbody_arc_touched_on"
    invoice_pay_url: ScriptId = "custbody_arc_pay_url"
    invoice_delivered_on: ScriptId = "custbody_arc_delivered_on"
    line_dispute: ScriptId = "custcol_arc_dispute"
    line_dispute_reason: ScriptId = "custcol_arc_dispute_reason"
    line_disputed_on: OptionalId = "custcol_arc_disputed_on"
    line_dispute_detail: OptionalId = "custcol_arc_dispute_detail"
    line_dispute_outcome: OptionalId = "custcol_arc_dispute_outcome"
    line_kind: ScriptId = "custcol_arc_line_kind"
    customer_do_not_contact: ScriptId = "custentity_arc_do_not_contact"
    customer_exclude: ScriptId = "custentity_arc_exclude"
    customer_autopay: ScriptId = "custentity_arc_autopay"
    customer_tier: OptionalId = "custentity_arc_tier"
    customer_contract_type: OptionalId = "custentity_arc_contract_type"
    customer_billing_model: OptionalId = "custentity_arc_billing_model"
    customer_relationship: OptionalId = "custentity_arc_relationship"
    customer_arr: OptionalId = "custentity_arc_arr"
    customer_arr_currency: OptionalId = "custentity_arc_arr_currency"
    customer_country: OptionalId = "custentity_arc_country"
    customer_time_zone: OptionalId = "custentity_arc_time_zone"
    customer_cc: OptionalId = "custentity_arc_cc"
    customer_mails_parent: OptionalId = "custentity_arc_mails_parent"
    customer_sms: OptionalId = "custentity_arc_sms"
    customer_sms_consent_on: OptionalId = "custentity_arc_sms_consent_on"
    customer_chat: OptionalId = "custentity_arc_chat"
    customer_chat_consent_on: OptionalId = "custentity_arc_chat_consent_on"
    payment_act: ScriptId = "custbody_arc_act"
    payment_received_on: ScriptId = "custbody_arc_received_on"

    @property
    def not_there(self) -> tuple[str, ...]:
        """The keys whose fields this account doesn't have."""
        return tuple(key for key, script_id in self.model_dump().items() if not script_id)


class _RecordNames(_Part):
    type: ScriptId


class CancellationRecord(_RecordNames):
    """The record that says which reminders of an invoice were cancelled, and why."""

    type: ScriptId = "customrecord_arc_cancellation"
    act: ScriptId = "custrecord_arc_can_act"
    invoice: ScriptId = "custrecord_arc_can_invoice"
    steps: ScriptId = "custrecord_arc_can_steps"
    reason: ScriptId = "custrecord_arc_can_reason"
    cancelled_at: ScriptId = "custrecord_arc_can_at"
    state: ScriptId = "custrecord_arc_can_state"


class ReceiptRecord(_RecordNames):
    """The record that tells the story of one payment: what it paid, and which reminders it cancelled."""

    type: ScriptId = "customrecord_arc_receipt"
    act: ScriptId = "custrecord_arc_rec_act"
    payment: ScriptId = "custrecord_arc_rec_payment"
    text: ScriptId = "custrecord_arc_rec_text"
    state: ScriptId = "custrecord_arc_rec_state"


class StatusRecord(_RecordNames):
    """The record that saved searches join: where one invoice stands in collections."""

    type: ScriptId = "customrecord_arc_status"
    invoice: ScriptId = "custrecord_arc_st_invoice"
    state: ScriptId = "custrecord_arc_st_state"
    reason: ScriptId = "custrecord_arc_st_reason"
    step: ScriptId = "custrecord_arc_st_step"
    next_on: ScriptId = "custrecord_arc_st_next_on"
    owner: ScriptId = "custrecord_arc_st_owner"
    segment: ScriptId = "custrecord_arc_st_segment"
    card: ScriptId = "custrecord_arc_st_card"


class ExceptionRecord(_RecordNames):
    """The record of something that waits for a person's decision."""

    type: ScriptId = "customrecord_arc_exception"
    kind: ScriptId = "custrecord_arc_exc_kind"
    reason: ScriptId = "custrecord_arc_exc_reason"
    amount: ScriptId = "custrecord_arc_exc_amount"
    owner: ScriptId = "custrecord_arc_exc_owner"
    opened_on: ScriptId = "custrecord_arc_exc_opened"
    closed_on: ScriptId = "custrecord_arc_exc_closed"
    payment: ScriptId = "custrecord_arc_exc_payment"
    invoice: ScriptId = "custrecord_arc_exc_invoice"
    deadline: ScriptId = "custrecord_arc_exc_deadline"
    outcome: ScriptId = "custrecord_arc_exc_outcome"


class ProofRecord(_RecordNames):
    """The record of one day's three-way proof."""

    type: ScriptId = "customrecord_arc_proof"
    day: ScriptId = "custrecord_arc_prf_day"
    outcome: ScriptId = "custrecord_arc_prf_outcome"
    drifts: ScriptId = "custrecord_arc_prf_drifts"
    unfinished: ScriptId = "custrecord_arc_prf_unfinished"
    text: ScriptId = "custrecord_arc_prf_text"
    made_at: ScriptId = "custrecord_arc_prf_made_at"


class InstallationRecord(_RecordNames):
    """The one record that says which connector may write to this account."""

    type: ScriptId = "customrecord_arc_installation"
    id: ScriptId = "custrecord_arc_in_id"
    epoch: ScriptId = "custrecord_arc_in_epoch"
    seen_at: ScriptId = "custrecord_arc_in_seen_at"


class Records(_Part):
    cancellation: CancellationRecord = CancellationRecord()
    receipt: ReceiptRecord = ReceiptRecord()
    status: StatusRecord = StatusRecord()
    exception: ExceptionRecord = ExceptionRecord()
    proof: ProofRecord = ProofRecord()
    installation: InstallationRecord = InstallationRecord()

    @property
    def all(self) -> tuple[_RecordNames, ...]:
        return (self.cancellation, self.receipt, self.status, self.exception, self.proof, self.installation)

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(record.type for record in self.all)


class Facts(_Part):
    """What NetSuite's help does not say and an account may do differently; `connector check` looks at each."""

    line_amount_sign: Literal["minus", "plus"] = Field(
        default="minus", description="How SuiteQL gives the amounts of an invoice's lines."
    )
    has_subsidiaries: bool = Field(default=True, description="false for an account without OneWorld.")
    consolidated_payments: bool = Field(
        default=False, description="May a parent's payment pay the invoices of its sub-customers?"
    )
    modified_overlap_minutes: int = Field(
        default=15, ge=1, le=2880, description="How far a read of changes reaches back before the last one."
    )


class NetSuiteMapping(_Part):
    """mappings/netsuite.yaml."""

    account_time_zone: str = Field(description="Time zone of Setup > Company > Company Information.")
    settlement: tuple[SettlementEntry, ...] = Field(
        default=(), description="A currency without an entry: payments to Undeposited Funds, payouts only shown."
    )
    delivery: Literal["field", "email_log", "none"] = Field(
        default="field", description="What proves that a customer got an invoice."
    )
    country: Literal["billing_address", "field", "none"] = Field(
        default="billing_address", description="What says in which country a customer is."
    )
    native_dunning: NativeDunning = NativeDunning()
    early_discount: EarlyDiscount = Field(
        default=EarlyDiscount(), description="Both names empty: no discount of an invoice's own terms is known."
    )
    bad_debt_accounts: tuple[NumericId, ...] = Field(
        default=(), description="A credit memo or journal against one of these is a write-off."
    )
    fields: Fields = Fields()
    records: Records = Records()
    record_type_ids: dict[ScriptId, NumericId] = Field(
        default={}, description="Script id of a record type -> its numeric id; only where they can't be looked up."
    )
    facts: Facts = Facts()

    @field_validator("account_time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be an IANA time zone such as America/New_York or Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _country_is_somewhere(self) -> NetSuiteMapping:
        if self.country == "field" and not self.fields.customer_country:
            raise ValueError("country is in a field: name it under fields.customer_country, or choose another source")
        return self

    @field_validator("settlement")
    @classmethod
    def _is_once(cls, entries: tuple[SettlementEntry, ...]) -> tuple[SettlementEntry, ...]:
        named = [entry.currency for entry in entries]
        twice = sorted({currency for currency in named if named.count(currency) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is there twice; each currency is settled in one way")
        return entries

    def columns(self, record: Literal["invoice", "line", "customer"]) -> dict[str, str]:
        """Our name -> script id of each field on this record that is there and read; see `is_day`.

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
        """How this currency is settled; None: its payments go to Undeposited Funds."""
        return next((entry for entry in self.settlement if entry.currency == currency), None)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which NetSuite's days begin and end, and in which SuiteQL shows instants."""
        return ZoneInfo(self.account_time_zone)
