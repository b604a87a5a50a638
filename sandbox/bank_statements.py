"""Our own bank in the false world: accounts, what is booked on them, and the statement files that the bank delivers.

The bank writes real files (camt.053, MT940, BAI2, CSV) into a folder, by its own reading of the formats: nothing here
knows how the connector reads them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.amounts import minor, plain
from sandbox.bank_formats import FORMATS, Booking, Sheet, file_name
from sandbox.stripe_store import NotPossible

if TYPE_CHECKING:
    from sandbox.world import World

Json = dict[str, Any]
OWN_BANK = "NORTUS33"
KINDS = frozenset({"wire", "ach", "check", "payout", "interest", "transfer", "fee"})


class UnknownAccount(LookupError):
    """The bank has no account or booking of that name."""


@dataclass(slots=True)
class _Account:
    number: str
    currency: str
    opened_with: int
    statements: int = 0
    booked: list[Booking] = field(default_factory=list)  # since the last statement
    announced: list[Booking] = field(default_factory=list)

    @property
    def balance(self) -> int:
        return self.opened_with + sum(one.amount for one in self.booked)


class Bank:
    """Every account that we have with one bank."""

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int]) -> None:
        self._clock, self._sequence = clock, sequence
        self._accounts: dict[str, _Account] = {}
        self._all: dict[str, tuple[str, Booking]] = {}  # reference -> account and booking
        self._pays: dict[str, list[Json]] = {}
        self._folder: Path | None = None
        self._lock = threading.RLock()

    def deliver_to(self, folder: str) -> Json:
        """From now on statements are written there."""
        path = Path(folder)
        if not path.is_dir():
            raise NotPossible(f"{folder} is no folder")
        self._folder = path
        return {"folder": folder}

    def open_account(self, number: str, currency: str = "USD", balance: str = "0") -> Json:
        if number in self._accounts:
            raise NotPossible(f"there is an account {number} already")
        self._accounts[number] = _Account(number, currency.upper(), minor(balance, currency))
        return {"account": number}

    def book(
        self,
        account: str,
        amount: str,
        kind: str = "wire",
        on: str | None = None,
        value_on: str | None = None,
        payer: str = "",
        payer_account: str = "",
        payer_bank: str = "",
        text: str = "",
        end_to_end: str = "",
        reference: str | None = None,
        announced: bool = False,
        pays: Sequence[Json] = (),
    ) -> Json:
        """Money comes, or goes if the amount is below zero. `reference` "" is a bank that gives none."""
        with self._lock:
            found = self._account(account)
            if kind not in KINDS:
                raise ValueError(f"{kind!r} is no kind of booking; known: {', '.join(sorted(KINDS))}")
            day = date.fromisoformat(on) if on else self._clock().date()
            number = self._sequence(f"bank.{kind} {amount} {found.currency}")
            booking = Booking(
                key=f"BK{number:08d}",
                reference=f"BK{number:08d}" if reference is None else reference,
                on=day,
                value_on=date.fromisoformat(value_on) if value_on else day,
                amount=minor(amount, found.currency),
                kind=kind,
                payer=payer,
                payer_account=payer_account,
                payer_bank=payer_bank,
                text=text,
                end_to_end=end_to_end,
            )
            (found.announced if announced else found.booked).append(booking)
            self._remember(account, booking, pays)
            return {"booking": booking.key}

    def book_batch(
        self, account: str, payments: Sequence[Json], on: str | None = None, total: str | None = None
    ) -> Json:
        """Several payments booked as one line; `total` is what the bank books if its own sum is wrong."""
        with self._lock:
            found = self._account(account)
            keys = [self.book(account, on=on, **one)["booking"] for one in payments]
            parts = tuple(self._all[key][1] for key in keys)
            found.booked = [one for one in found.booked if one.key not in keys]
            amount = minor(total, found.currency) if total else sum(one.amount for one in parts)
            number = self._sequence(f"bank.batch of {len(parts)}")
            reference = f"BK{number:08d}"
            whole = replace(
                parts[0], key=reference, reference=reference, amount=amount, parts=parts, payer="", payer_account="",
                payer_bank="", text="", end_to_end="",
            )  # fmt: skip
            found.booked.append(whole)
            self._all[reference] = account, whole
            return {"booking": reference, "payments": keys}

    def book_announced(self, booking: str, value_on: str | None = None) -> Json:
        """What was announced arrives, today."""
        with self._lock:
            account, found = self._booking(booking)
            of = self._account(account)
            if found not in of.announced:
                raise NotPossible(f"{booking} is not announced")
            of.announced.remove(found)
            day = self._clock().date()
            arrived = replace(found, on=day, value_on=date.fromisoformat(value_on) if value_on else found.value_on)
            of.booked.append(arrived)
            self._all[booking] = account, arrived
            return {"booking": booking}

    def withdraw_announced(self, booking: str) -> Json:
        """What was announced will not come."""
        with self._lock:
            account, found = self._booking(booking)
            of = self._account(account)
            if found not in of.announced:
                raise NotPossible(f"{booking} is not announced")
            of.announced.remove(found)
            return {"booking": booking}

    def give_back(self, booking: str, on: str | None = None, names: bool = True) -> Json:
        """The bank takes a receipt back; `names`: it says which, by its end-to-end id or its own reference."""
        with self._lock:
            account, found = self._booking(booking)
            number = self._sequence(f"bank.return of {booking}")
            day = date.fromisoformat(on) if on else self._clock().date()
            back = replace(
                found, key=f"BK{number:08d}", reference=f"BK{number:08d}", on=day, value_on=day, amount=-found.amount,
                kind="return", text="Return", returns=found.reference if names else "",
                end_to_end=found.end_to_end if names else "",
            )  # fmt: skip
            self._account(account).booked.append(back)
            self._all[back.key] = account, back
            return {"booking": back.key}

    def deliver(
        self,
        account: str,
        format: str = "camt",
        on: str | None = None,
        file: str | None = None,
        interim: bool = False,
        version: str = "08",
        keep: bool = False,
    ) -> Json:
        """Write the statement of a day: all that was booked since the last one.

        `interim`: a report of the day so far, which closes nothing. `keep`: as if it had not been written, so that the
        next one shows the same once more.
        """
        with self._lock:
            found = self._account(account)
            if self._folder is None:
                raise NotPossible("the bank knows no folder; deliver_to comes first")
            if format not in FORMATS:
                raise ValueError(f"{format!r} is no format; known: {', '.join(FORMATS)}")
            day = date.fromisoformat(on) if on else self._clock().date()
            sheet = Sheet(
                account=found.number,
                bank=OWN_BANK,
                currency=found.currency,
                number=found.statements + 1,
                on=day,
                opening=found.opened_with,
                closing=found.balance,
                bookings=tuple(found.booked),
                announced=tuple(found.announced),
                interim=interim,
                made_at=self._clock(),
                version=version,
            )
            name = file or file_name(sheet, format)
            _put(self._folder / name, FORMATS[format](sheet), self._clock())
            if not interim and not keep:
                found.statements, found.opened_with, found.booked = sheet.number, sheet.closing, []
            self._sequence(f"bank.statement {name}")
            return {
                "file": name,
                "opening": plain(sheet.opening, found.currency),
                "closing": plain(sheet.closing, found.currency),
            }

    def truth(self) -> list[Json]:
        """Every booking, and which invoices it pays."""
        with self._lock:
            return [
                {
                    "booking": key,
                    "account": account,
                    "currency": self._account(account).currency,
                    "amount": plain(one.amount, self._account(account).currency),
                    "kind": one.kind,
                    "on": one.on.isoformat(),
                    "value_on": one.value_on.isoformat(),
                    "payer": one.payer,
                    "parts": [part.key for part in one.parts],
                    "pays": self._pays.get(key, []),
                }
                for key, (account, one) in self._all.items()
            ]

    def _remember(self, account: str, booking: Booking, pays: Sequence[Json]) -> None:
        self._all[booking.key] = account, booking
        self._pays[booking.key] = list(pays)

    def _account(self, number: str) -> _Account:
        if number not in self._accounts:
            raise UnknownAccount(f"the bank has no account {number!r}")
        return self._accounts[number]

    def _booking(self, key: str) -> tuple[str, Booking]:
        if key not in self._all:
            raise UnknownAccount(f"the bank has no booking {key!r}")
        return self._all[key]


def _put(path: Path, content: bytes, at: datetime) -> None:
    """As banks deliver: under another name first. The file's time is the world's, long enough ago to be settled."""
    growing = path.with_name(f".{path.name}.part")
    growing.write_bytes(content)
    os.utime(growing, (at.timestamp() - 3600, at.timestamp() - 3600))
    growing.replace(path)


BANK_DEEDS = frozenset(
    {
        "book",
        "book_announced",
        "book_batch",
        "deliver",
        "deliver_to",
        "give_back",
        "open_account",
        "withdraw_announced",
    }
)


def bank_deed(world: World, deed: str, body: Json) -> Json:
    """Do it; LookupError for a deed or a name that nobody knows. The invoices that a booking pays are the truth's."""
    if deed not in BANK_DEEDS:
        raise LookupError(f"nobody does {deed!r} at the bank; known: {', '.join(sorted(BANK_DEEDS))}")
    for one in (body, *body.get("payments", ())):
        if "pays" in one:
            one["pays"] = [{"invoice": world.invoice_id(str(p["invoice"])), "amount": p["amount"]} for p in one["pays"]]
    answer: Json = getattr(world.bank, deed)(**body)
    return answer
