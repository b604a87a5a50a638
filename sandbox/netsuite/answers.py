"""What the false NetSuite says: codes, texts and guesses, in one place.

Each row carries where it comes from: O = Oracle's help, X = the 2023.2 schema, C = seen in public code or logs,
K = our guess, never seen in a real account. A recording from a real account replaces a K row here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Source = Literal["O", "X", "C", "K"]


@dataclass(frozen=True, slots=True)
class Guesses:
    """How a real account behaves where nobody has told us (all K). Tests may turn each of them round."""

    # A payment changes an invoice's balance and its status, and not its last modified date.
    payment_moves_invoice_date: bool = False
    # A parent's payment may be applied to the invoices of its sub-customers.
    parent_pays_children: bool = True
    # A parent's payment may use up the credit memos of its sub-customers.
    parent_uses_childrens_credits: bool = False
    # Voiding without reversing journals sets the total to zero. The postings are gone either way.
    void_zeroes_total: bool = True
    # A closed period refuses any change of an invoice in it, even of a custom field.
    closed_period_locks_invoice: bool = False
    # The zone in which a dateTime becomes a day, and in which instants are shown.
    zone: str = "UTC"
    # Using a credit memo changes its balance and its last modified date too.
    payment_moves_memo_date: bool = True
    # Read back, a line of a payment's apply list has the credits in it; else only the payment's own money.
    apply_lines_show_credits: bool = True
    # Read back, both lists also have what could be applied, with apply=false.
    lists_show_what_is_open: bool = False
    # A new line that says nothing of a discount takes what is offered, as on the screen.
    discount_taken_unsaid: bool = False
    # SuiteQL has the discount of an invoice itself, not only that of its terms.
    query_shows_discount: bool = True
    # How SuiteQL shows a date that was not put through TO_CHAR.
    date_format: str = "MM/DD/YYYY"


@dataclass(frozen=True, slots=True)
class Text:
    code: str
    message: str
    source: Source


# Statuses of single records.
REFUSALS: dict[str, Text] = {
    "exists": Text("DUP_RCRD", "This record already exists", "C"),
    "absent": Text("RCRD_DSNT_EXIST", "That record does not exist.", "C"),
    "wants_external_id": Text("USER_ERROR", "This operation requies a value for externalId.", "O"),
    "wants_no_internal_id": Text("USER_ERROR", "You cannot set internalId with upsert.", "O"),
    "wants_value": Text("USER_ERROR", "Please enter value(s) for: {field}", "C"),
    "no_apply_line": Text(
        "USER_ERROR",
        "Unable to find a matching line for sub-list apply with key: [doc,line] and value: [{doc},{line}].",
        "C",
    ),
    # The text of the apply list (C), with the name of the credits' list: K.
    "no_credit_line": Text(
        "USER_ERROR",
        "Unable to find a matching line for sub-list credit with key: [doc,line] and value: [{doc},{line}].",
        "K",
    ),
    "over_applied": Text(
        "CANT_APPLY_PMT",
        "The amounts applied come to {applied}, more than the {payment} of the payment and its credits.",
        "K",
    ),
    "over_credited": Text(
        "CANT_APPLY_PMT", "The credits used come to {credits}, more than the {applied} that is applied.", "K"
    ),
    # Users report that the screen offers a discount until its last day, to be changed at will. That more is refused: K.
    "over_discount": Text(
        "DISCOUNT_DISALLWD", "A discount of {discount} of document {doc}: {offered} is offered on {day}.", "K"
    ),
    "over_due": Text("CANT_APPLY_PMT", "{amount} can't be applied to document {doc}: {due} is due.", "K"),
    "bad_amount": Text("INVALID_TRANS_AMT", "{field}: {amount} is not an amount in {currency}.", "K"),
    "bad_reference": Text("INVALID_KEY_OR_REF", "Invalid {field} reference key {key}.", "C"),
    "bad_subsidiary_reference": Text(
        "INVALID_KEY_OR_REF", "Invalid {field} reference key {key} for subsidiary {subsidiary}.", "C"
    ),
    "no_such_field": Text("INVALID_KEY_OR_REF", "Invalid custom field reference {field}.", "K"),
    "wrong_field_type": Text("INVALID_KEY_OR_REF", "Custom field {field} is a {kind}, not a {sent}.", "K"),
    "period_closed": Text("TRAN_PERIOD_CLOSED", "The posting period {period} is closed.", "K"),
    "period_locked": Text("TRAN_PERIOD_CLOSED", "The posting period {period} is locked for receivables.", "K"),
    "bad_rate": Text("INVALID_CRNCY_EXCH_RATE", "{rate} is not an exchange rate.", "K"),
    "account_currency": Text(
        "TRANS_FORGN_CRNCY_MISMATCH", "Account {account} is kept in {own} and can't take {currency}.", "K"
    ),
    "payment_currency": Text(
        "TRANS_FORGN_CRNCY_MISMATCH", "Payment {payment} is in {currency}, the account of the deposit in {own}.", "K"
    ),
    # The text of the apply list (C), with the name of the deposit's list: K.
    "no_payment_line": Text(
        "USER_ERROR", "Unable to find a matching line for sub-list payment with key: [id] and value: [{payment}].", "K"
    ),
    "deposit_total": Text("USER_ERROR", "The total of a deposit must be above zero, not {total}.", "K"),
    "in_deposit": Text("CANT_EDIT_CUST_PMT", "This payment is in deposit {deposit}: remove it there first.", "K"),
    "unbalanced": Text("JE_AMOUNTS_MUST_BALANCE", "Debits come to {debits}, credits to {credits}.", "K"),
    "journal_line": Text("USER_ERROR", "Line {line}: give either a debit or a credit above zero.", "K"),
    "no_one_world": Text("INVALID_KEY_OR_REF", "Invalid subsidiary reference key {key}.", "K"),
    "over_refund": Text("CANT_APPLY_PMT", "{amount} can't be refunded from document {doc}: {left} is unapplied.", "K"),
    "changed": Text("RCRD_HAS_BEEN_CHANGED", "Record has been changed", "C"),
    "after_submit": Text("UNEXPECTED_ERROR", "An afterSubmit script failed; the record was saved.", "O"),
    "permission": Text("INSUFFICIENT_PERMISSION", "Permission Violation: the role lacks {permission}.", "C"),
    "voided": Text("CANT_EDIT_TRAN", "A voided record can't be changed.", "K"),
    "linked": Text("CANT_EDIT_TRAN", "Document {doc} can't be deleted: others are applied to it.", "K"),
    "not_played": Text("USER_ERROR", "The sandbox does not play {what}.", "K"),
    "refused": Text("USER_ERROR", "The record was refused.", "K"),
}


class Refusal(Exception):
    """One record was refused; the others of its list are not touched by that."""

    def __init__(self, which: str, *, code: str = "", **values: object) -> None:
        text = REFUSALS[which]
        self.code = code or text.code
        self.message = text.message.format(**values)
        super().__init__(f"{self.code}: {self.message}")


@dataclass(frozen=True, slots=True)
class FaultText:
    element: str  # in the faults namespace
    code: str
    message: str
    source: Source


# Faults: nothing of the request was carried out.
FAULTS: dict[str, FaultText] = {
    "too_many": FaultText(
        "exceededConcurrentRequestLimitFault",
        "WS_REQUEST_BLOCKED",
        "SuiteTalk concurrent request limit exceeded. Request blocked.",
        "C",
    ),
    "login": FaultText("invalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS", "Invalid login attempt.", "K"),
    "no_passport": FaultText("invalidCredentialsFault", "WS_LOG_IN_REQD", "A tokenPassport is required.", "K"),
    "ambiguous": FaultText("unexpectedErrorFault", "USER_ERROR", "Ambiguous authentication", "O"),
    "account": FaultText("invalidAccountFault", "INVALID_ACCT", "The account is not known here.", "K"),
    "permission": FaultText(
        "insufficientPermissionFault", "WS_PERMISSION_REQD", "The role lacks the permission {permission}.", "K"
    ),
    "too_many_records": FaultText(
        "exceededRecordCountFault", "MAX_RCRDS_EXCEEDED", "{operation} takes {limit} records, {count} were sent.", "O"
    ),
    "too_large": FaultText("exceededRequestSizeFault", "USER_ERROR", "The request is larger than 100 MB.", "K"),
    "same_external_id": FaultText(
        "unexpectedErrorFault", "USER_ERROR", "Two records of the request have the external id {external_id}.", "O"
    ),
    "version": FaultText("invalidVersionFault", "UNSUPPORTED_WS_VERSION", "This endpoint speaks {version}.", "O"),
    "unexpected": FaultText("unexpectedErrorFault", "UNEXPECTED_ERROR", "An unexpected error occurred.", "C"),
    "bad_page": FaultText("unexpectedErrorFault", "INVALID_PAGE_INDEX", "There is no such page or search.", "K"),
}

# Records per synchronous request (Oracle help, section_N3418637).
LIMITS = {"addList": 200, "updateList": 100, "upsertList": 100, "getList": 1000}
REQUEST_BYTES_MAX = 100 * 1024 * 1024
SEARCH_PAGE_MIN, SEARCH_PAGE_MAX = 5, 1000

# What the role may lack, wholly or from some level on, and what then happens (K, but each symptom has been reported by
# users).
LOGIN_PERMISSION = "ADMI_LOGIN_OAUTH"  # nobody gets in: credentials fault, 401
SOAP_PERMISSION = "ADMI_WEBSERVICES"  # fault insufficientPermission
REST_PERMISSION = "ADMI_RESTWEBSERVICES"  # 403
QUERY_PERMISSION = "REPO_ANALYTICS"  # every SuiteQL table is "not found"
# A SOAP record of this kind is refused, and a SuiteQL query silently has fewer rows.
RECORD_PERMISSIONS = {
    "invoice": "TRAN_CUSTINVC",
    "customerPayment": "TRAN_CUSTPYMT",
    "creditMemo": "TRAN_CUSTCRED",
    "customer": "LIST_CUSTJOB",
    "customerRefund": "TRAN_CUSTRFND",
    "deposit": "TRAN_DEPOSIT",
    "journalEntry": "TRAN_JOURNAL",
}
TYPE_PERMISSIONS = {
    "CustInvc": "TRAN_CUSTINVC",
    "CustPymt": "TRAN_CUSTPYMT",
    "CustCred": "TRAN_CUSTCRED",
    "CustRfnd": "TRAN_CUSTRFND",
    "Deposit": "TRAN_DEPOSIT",
    "Journal": "TRAN_JOURNAL",
}
# A SuiteQL table is "not found"; custom record types ask for the permission named like themselves.
TABLE_PERMISSIONS = {
    "transaction": "TRAN_FIND",
    "transactionline": "TRAN_FIND",
    "transactionaccountingline": "TRAN_FIND",
    "customer": "LIST_CUSTJOB",
    "customeraddressbook": "LIST_CUSTJOB",
    "customeraddressbookentityaddress": "LIST_CUSTJOB",
    "account": "LIST_ACCOUNT",
    "currency": "LIST_CURRENCY",
    "subsidiary": "LIST_SUBSIDIARY",
    "accountingperiod": "ADMI_ACCTPERIODS",
    "message": "LIST_MESSAGE_UNRESTRICTED",
}


class Level(IntEnum):
    """How far a permission goes. No help page lets a role ask for its own: it learns by what is refused (K)."""

    VIEW = 1
    CREATE = 2
    EDIT = 3
    FULL = 4


# What the integration's role has to begin with where that is not all: refunds are a person's.
ROLE_LIMITS = {"TRAN_CUSTRFND": Level.VIEW}


@dataclass(frozen=True, slots=True)
class Signs:
    """How a kind of record shows its positive amount: in transaction.foreigntotal, on the main line, on other lines."""

    total: int
    main: int
    other: int


# Receivables are debited by an invoice: its main line is positive, its revenue and tax lines are credits. A payment's
# main line is the bank, a credit memo's is receivables. transaction.foreigntotal follows the main line (K).
# So does a refund's, which is the account that pays it, and a deposit's, which is the bank.
SIGNS = {
    "CustInvc": Signs(1, 1, -1),
    "CustCred": Signs(-1, -1, 1),
    "CustPymt": Signs(1, 1, -1),
    "CustRfnd": Signs(-1, -1, 1),
    "Deposit": Signs(1, 1, -1),
    "Journal": Signs(1, 1, 1),
}

# (record kind, letter in SuiteQL) -> the words of SOAP and BUILTIN.DF. The letters of invoices are C, the rest K.
STATUS_WORDS = {
    ("CustInvc", "A"): "Open",
    ("CustInvc", "B"): "Paid In Full",
    ("CustInvc", "D"): "Pending Approval",
    ("CustInvc", "E"): "Rejected",
    ("CustInvc", "V"): "Voided",
    ("CustPymt", "B"): "Not Deposited",
    ("CustPymt", "C"): "Deposited",
    ("CustPymt", "V"): "Voided",
    ("CustCred", "A"): "Open",
    ("CustCred", "B"): "Fully Applied",
    ("CustCred", "V"): "Voided",
    ("CustRfnd", "B"): "Fully Applied",
    ("CustRfnd", "V"): "Voided",
    ("Deposit", "Y"): "Undefined",
    ("Deposit", "V"): "Voided",
    ("Journal", "B"): "Approved for Posting",
    ("Journal", "V"): "Voided",
}
TYPE_WORDS = {
    "CustInvc": "Invoice",
    "CustPymt": "Customer Payment",
    "CustCred": "Credit Memo",
    "CustRfnd": "Customer Refund",
    "Deposit": "Deposit",
    "Journal": "Journal",
}
# How nexttransactionlinelink calls what it links: an application, and a payment that lies in a deposit.
# A credit memo that was made from an invoice is linked to it by CREDITED (C), whether it is applied to it or not.
APPLIED, DEPOSITED, CREDITED = "Payment", "PymtDep", "SaleRet"  # the second: K
APPROVAL = {"pending": 1, "approved": 2, "rejected": 3}


@dataclass(frozen=True, slots=True)
class RestText:
    http: int
    title: str
    code: str
    detail: str
    source: Source


REST_ERRORS: dict[str, RestText] = {
    "login": RestText(401, "Unauthorized", "INVALID_LOGIN", "Invalid login attempt.", "O"),
    "permission": RestText(
        403, "Forbidden", "INSUFFICIENT_PERMISSION", "Permission Violation: the role lacks {permission}.", "O"
    ),
    "no_prefer": RestText(
        400, "Bad Request", "INVALID_HEADER", "The header Prefer must be given with the value transient.", "K"
    ),
    "content": RestText(400, "Bad Request", "INVALID_CONTENT", "{detail}", "O"),
    "query": RestText(
        400, "Bad Request", "INVALID_PARAMETER", "Invalid search query. Detailed unprocessed description: {detail}", "K"
    ),
    "page": RestText(400, "Bad Request", "INVALID_PARAMETER", "{detail}", "K"),
    "too_many": RestText(
        429,
        "Bad Request",
        "CONCURRENCY_LIMIT_EXCEEDED",
        "Concurrent request limit exceeded. Request blocked.",
        "O",
    ),
    "unexpected": RestText(500, "Internal Server Error", "UNEXPECTED_ERROR", "An unexpected error occurred.", "O"),
}
# In the 429 answer a second code stands beside the title (Oracle help section_156570709583).
TOO_MANY_TOP_CODE = "USER_ERROR"
REST_ERROR_TYPE = "application/vnd.oracle.resource+json; type=error"  # K

MAINTENANCE_PAGE = (
    "<!DOCTYPE html><html><head><title>Scheduled maintenance</title></head>"
    "<body><h1>We are down for maintenance</h1><p>Please come back later.</p></body></html>"
)
