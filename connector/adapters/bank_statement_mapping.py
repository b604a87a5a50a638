"""mappings/bank_statement.yaml: which accounts are ours, which lines are no customer's money, how a CSV is read."""

from __future__ import annotations

import fnmatch
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from connector.adapters.bank_statement_values import Entry, Format, fingerprint, normal
from connector.mapping import Part, like
from connector.money import MoneyError, exponent

Word = Annotated[str, StringConstraints(min_length=1, max_length=140)]
Name = Annotated[str, like(r"[A-Za-z0-9 _-]{1,40}", "a name of letters, digits, blanks, _ and -")]


def _number(value: str) -> str:
    if not 4 <= len(normal(value)) <= 34:
        raise ValueError("must be an account number as the statements write it, of 4 to 34 letters and digits")
    return value


def _currency(value: str) -> str:
    try:
        exponent(value)
    except MoneyError as error:
        raise ValueError(str(error)) from None
    return value


def _pattern(value: str) -> str:
    if not value.strip("*? "):
        raise ValueError("must hold more than signs that stand for anything")
    return value


Number = Annotated[str, AfterValidator(_number)]
Currency = Annotated[str, AfterValidator(_currency)]
Pattern = Annotated[Word, AfterValidator(_pattern)]


class OwnAccount(Part):
    """One of our bank accounts."""

    number: Number
    other_numbers: tuple[Number, ...] = ()
    currency: Currency
    ledger_account: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    cutover_on: date
    subsidiary: str = ""
    format: Format | None = None
    csv_profile: str = ""
    csv_files: str = ""
    gaps_accepted_on: tuple[date, ...] = ()

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(normal(one) for one in (self.number, *self.other_numbers))


class NoReceiptKind(StrEnum):
    """Why money that came is no customer's."""

    PAYOUT = "payout"  # of a processor: its charges are the receipts (RULES 1.1)
    OWN_TRANSFER = "own_transfer"
    INTEREST = "interest"
    OTHER = "other"


class NoReceipt(Part):
    """Lines that are no customer's payment: all that is given must fit; * stands for any text, case doesn't matter."""

    kind: NoReceiptKind
    payer_name: Pattern | None = None
    text: Pattern | None = None
    code: Pattern | None = None

    @model_validator(mode="after")
    def _says_something(self) -> NoReceipt:
        if not (self.payer_name or self.text or self.code):
            raise ValueError("needs at least one of payer_name, text and code")
        return self

    def fits(self, entry: Entry) -> bool:
        given = ((self.payer_name, entry.payer_name), (self.text, entry.text), (self.code, entry.code))
        return all(_like(pattern, value) for pattern, value in given if pattern)


def _like(pattern: str, value: str) -> bool:
    return fnmatch.fnmatchcase(" ".join(value.split()).casefold(), pattern.replace("[", "[[]").casefold())


class CsvColumns(Part):
    """Headings of the columns, as they stand in the file. Either `amount` or both `credit` and `debit`."""

    id: tuple[Word, ...] = ()
    account: Word | None = None
    booked_on: Word
    value_on: Word | None = None
    amount: Word | None = None
    direction: Word | None = None
    credit: Word | None = None
    debit: Word | None = None
    currency: Word | None = None
    balance: Word | None = None
    payer_name: Word | None = None
    payer_account: Word | None = None
    payer_bank: Word | None = None
    text: tuple[Word, ...] = ()
    end_to_end: Word | None = None
    code: Word | None = None
    state: Word | None = None

    @model_validator(mode="after")
    def _has_amounts(self) -> CsvColumns:
        if bool(self.amount) == bool(self.credit and self.debit) or bool(self.credit) != bool(self.debit):
            raise ValueError("needs either amount, or credit and debit")
        if self.direction and not self.amount:
            raise ValueError("direction says whether an amount is a credit: it needs amount")
        return self

    @property
    def headings(self) -> tuple[str, ...]:
        """Every heading that must be in the file."""
        given = (getattr(self, name) for name in CsvColumns.model_fields)
        return tuple(word for one in given if one for word in ((one,) if isinstance(one, str) else one))


class CsvProfile(Part):
    """How one bank writes its CSV."""

    name: Name
    encoding: Literal["utf-8", "latin-1", "windows-1252", "utf-16"] = "utf-8"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", "'", " "] = ""
    date_format: Annotated[
        str, like(r"(?=.*%d)(?=.*%[mbB])(?=.*%[yY])[^\n]{6,20}", "day, month and year: %d.%m.%Y")
    ] = "%Y-%m-%d"
    skip_rows: int = Field(default=0, ge=0, le=100)
    footer_rows: int = Field(default=0, ge=0, le=100)
    columns: CsvColumns
    credit_words: tuple[Word, ...] = ("C", "CR", "CREDIT")
    debit_words: tuple[Word, ...] = ("D", "DR", "DEBIT")
    pending_words: tuple[Word, ...] = ()
    return_codes: tuple[Pattern, ...] = ()
    methods: dict[Word, Literal["wire", "ach", "check"]] = Field(default={})

    @model_validator(mode="after")
    def _signs_differ(self) -> CsvProfile:
        if self.thousands == self.decimal:
            raise ValueError("decimal and thousands must not be the same sign")
        if self.pending_words and not self.columns.state:
            raise ValueError("pending_words are looked for in the column state, which is not given")
        if (self.return_codes or self.methods) and not self.columns.code:
            raise ValueError("return_codes and methods are looked for in the column code, which is not given")
        return self

    def is_return(self, code: str) -> bool:
        return any(_like(pattern, code) for pattern in self.return_codes)

    def method(self, code: str) -> str:
        return next((method for pattern, method in self.methods.items() if _like(pattern, code)), "")


class BankStatementMapping(Part):
    """Our accounts and what their lines mean."""

    accounts: tuple[OwnAccount, ...]
    not_receipts: tuple[NoReceipt, ...] = ()
    done_by_hand: tuple[Annotated[str, like(r"bank-[0-9a-f]{20}", "an id such as bank-0123456789abcdef0123")], ...] = ()
    csv_profiles: tuple[CsvProfile, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> BankStatementMapping:
        seen: dict[tuple[str, str], str] = {}
        for account in self.accounts:
            for number in account.numbers:
                if other := seen.get((number, account.currency)):
                    raise ValueError(f"the account {account.number} in {account.currency} is there twice, see {other}")
                seen[number, account.currency] = account.number
        profiles = [profile.name for profile in self.csv_profiles]
        for name in profiles:
            if profiles.count(name) > 1:
                raise ValueError(f"the CSV profile {name!r} is there twice")
        for account in self.accounts:
            if account.csv_profile and account.csv_profile not in profiles:
                raise ValueError(f"account {account.number}: there is no CSV profile {account.csv_profile!r}")
            if bool(account.csv_profile) != bool(account.csv_files):
                raise ValueError(f"account {account.number}: csv_profile and csv_files belong together")
        return self

    def own(self, number: str, currency: str) -> OwnAccount | None:
        """The account of this number. Some banks write its currency behind it."""
        found = normal(number)
        names = {found, found.removesuffix(currency)}
        return next((one for one in self.accounts if one.currency == currency and one.numbers & names), None)

    def no_receipt(self, entry: Entry) -> NoReceiptKind | None:
        """Why a credit is no customer's money; None if it may be."""
        if entry.payer_bank and entry.payer_bank in self._own_fingerprints:
            return NoReceiptKind.OWN_TRANSFER
        return next((rule.kind for rule in self.not_receipts if rule.fits(entry)), None)

    def csv_of(self, file: str) -> tuple[tuple[CsvProfile, OwnAccount], ...]:
        """By which profile a CSV file of this name is read, and for which accounts."""
        profiles = {profile.name: profile for profile in self.csv_profiles}
        return tuple(
            (profiles[one.csv_profile], one) for one in self.accounts if one.csv_files and _like(one.csv_files, file)
        )

    @cached_property
    def _own_fingerprints(self) -> frozenset[str]:
        return frozenset(fingerprint(number) for one in self.accounts for number in one.numbers)
