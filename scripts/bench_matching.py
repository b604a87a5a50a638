"""The matching bench: a folder of books, played day by day through the `decide` that the daemon uses.

A folder holds customers, invoices, payments and ledger, each a file of JSON lines, and perhaps the truth. On each day
the book is what the ERP showed that morning: nothing issued later, no balance of a later day. All payments of one
family and one day are decided in one call, as the daemon decides what waits in one tick. The verdicts are written
beside the books as predictions.jsonl; with the truth there, they are scored (bench_matching_score.py).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from datetime import time as clock_time
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from bench_matching_score import BY, Call, Judged, Measured, Truth, as_json, scores, show
from rich.console import Console

from connector.decisions import payer
from connector.decisions.matching import FamilyBook, Match, MatchException, Waiting, decide, mentioned
from connector.decisions.payer import Directory
from connector.money import Money
from connector.policy import MatchingLimits
from connector.receivables import (
    CreditMemo,
    Customer,
    InvoiceStatus,
    OpenInvoice,
    PayerEvidence,
    Payment,
    PaymentState,
    Remittance,
)

BASELINES = Path(__file__).resolve().parent.parent / ".." / "shared" / "bench" / "matching"
PREDICTIONS = "predictions.jsonl"
TABLE_CHARACTERS = 120
LINES_AT_ONCE = 1000
# A deposit is matched at what it may have been before the processor's published fee: its method -> gross -> fee.
FEES: dict[str, Callable[[int], int]] = {
    "stripe_card": lambda gross: _part(gross, 29) + 30,  # 2.9 % + 30
    "stripe_ach": lambda gross: min(_part(gross, 8), 500),  # 0.8 %, at most 500
}
METHODS = {"stripe_card": "card", "stripe_ach": "ach"}

# An unknown payer's book holds this many open invoices of just its amount, as in the daemon.
SAME_AMOUNT_MAX = 5

Verdict: TypeAlias = Match | MatchException
T = TypeVar("T")


def _part(amount: int, per_mille: int) -> int:
    """This part of an amount, halves rounded up."""
    return (amount * per_mille + 500) // 1000


def grosses(deposit: int, fee: Callable[[int], int]) -> tuple[int, ...]:
    """Every amount that leaves this deposit after the fee. What is left never falls with the gross."""
    low, high = deposit, 2 * deposit + 1000
    while low < high:
        middle = (low + high) // 2
        if middle - fee(middle) < deposit:
            low = middle + 1
        else:
            high = middle
    found = []
    while low - fee(low) == deposit:
        found.append(low)
        low += 1
    return tuple(found)


# ---- reading ----


@dataclass(frozen=True, slots=True)
class Change:
    """What the ERP showed of one record from a day on; 0 closes it."""

    effective: date
    record_id: str
    open_minor: int


@dataclass(frozen=True, slots=True)
class Books:
    """All that a folder holds, before any day is played."""

    families: Mapping[str, str]  # customer -> family
    invoices: Sequence[OpenInvoice]  # as they were issued
    credits: Sequence[CreditMemo]
    changes: Sequence[Change]
    waiting: Sequence[Waiting]


def read_books(folder: Path) -> Books:
    customers = _read(
        folder / "customers.jsonl", lambda row: Customer(row["id"], row["name"], parent_id=row["parent"] or "")
    )
    directory = Directory(tuple(customers))
    receivables = _read(folder / "invoices.jsonl", _receivable)
    return Books(
        families={customer.id: customer.family for customer in customers},
        invoices=[one for one in receivables if isinstance(one, OpenInvoice)],
        credits=[one for one in receivables if isinstance(one, CreditMemo)],
        changes=_read(folder / "ledger.jsonl", _change),
        waiting=_read(folder / "payments.jsonl", lambda row: _waiting(row, directory)),
    )


def _read(path: Path, make: Callable[[dict[str, Any]], T]) -> list[T]:
    """What each line stands for. Parsed many lines at a time, which is quicker; one by one to say which is at fault."""
    made: list[T] = []
    try:
        with path.open(encoding="utf-8") as file:
            while some := list(islice(file, LINES_AT_ONCE)):
                full = [line for line in some if not line.isspace()]
                made += [make(_object(row)) for row in json.loads(f"[{','.join(full)}]")]
    except OSError as error:
        raise SystemExit(f"Could not read {path}: {error.strerror}. Nothing was decided.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SystemExit(f"{path}{_fault(path, make) or f': {error}'}. Nothing was decided.") from None
    return made


def _fault(path: Path, make: Callable[[dict[str, Any]], T]) -> str:
    """Where the first fault of a file is, and what it is; '' if no line alone has one."""
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            if line.strip():
                make(_object(json.loads(line)))
        except KeyError as error:
            return f", line {number}: {error.args[0]!r} is missing"
        except (ValueError, TypeError, AttributeError) as error:
            return f", line {number}: {error}"
    return ""


def _object(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise TypeError("this is no object")
    return row


def _minor(amount: Any) -> int:
    if type(amount) is not int:
        raise TypeError(f"{amount!r} is no whole number of cents")
    return amount


def _receivable(row: dict[str, Any]) -> OpenInvoice | CreditMemo:
    currency, left = sys.intern(row["currency"]), _minor(row["open_cents"])
    issued_on, customer_id = _day(row["issued"]), sys.intern(row["customer"])
    if row["kind"] == "credit_memo":
        left_of_it = Money(-left, currency)
        return CreditMemo(row["id"], row["number"], customer_id, left_of_it, received_on=issued_on)
    balance = Money(left, currency)
    return OpenInvoice(
        id=row["id"],
        number=row["number"],
        customer_id=customer_id,
        amount=balance if row["amount_cents"] == left else Money(_minor(row["amount_cents"]), currency),
        balance=balance,
        issued_on=issued_on,
        due_on=_day(row["due"]),
        hold_reason="on hold" if row["hold"] else "",
    )


def _change(row: dict[str, Any]) -> Change:
    return Change(_day(row["effective"]), row["invoice_id"], _minor(row["open_cents"]))


def _waiting(row: dict[str, Any], directory: Directory) -> Waiting:
    """The customer is whom the source names; else whom the payer's name does, as the daemon finds it."""
    received_on, money, method = _day(row["date"]), Money(_minor(row["amount_cents"]), row["currency"]), row["method"]
    payment = Payment(
        id=row["id"],
        amount=money,
        state=PaymentState.SUCCEEDED,
        received_at=datetime.combine(received_on, clock_time(), UTC),
        received_on=received_on,
        customer_id=row["customer"] or "",
        remittance=Remittance(text=row["remittance_text"]),
        method=METHODS.get(method, method),
        payer_name=row["payer_name"] or "",
    )
    payer_by = PayerEvidence.ID
    if not payment.customer_id:
        found = payer.decide(payment, directory)
        payment, payer_by = replace(payment, customer_id=found.customer_id), found.by
    before_fee = grosses(money.minor, FEES[method]) if method in FEES else ()
    return Waiting(payment, money, payer_by, tuple(Money(gross, money.currency) for gross in before_fee))


@cache
def _day(text: str) -> date:
    return date.fromisoformat(text)


# ---- playing ----


@dataclass(slots=True)
class Family:
    """What one family owes and is owed on the day that is being played."""

    members: frozenset[str]
    head: str
    invoices: dict[str, OpenInvoice] = field(default_factory=dict)  # the open ones, by id
    credits: dict[str, CreditMemo] = field(default_factory=dict)

    def show(self, one: OpenInvoice | CreditMemo) -> None:
        """As it stands from now on."""
        if isinstance(one, CreditMemo):
            self.credits[one.id] = one
            if not one.open_amount:
                del self.credits[one.id]
        elif one.status is InvoiceStatus.OPEN:
            self.invoices[one.id] = one
        else:
            self.invoices.pop(one.id, None)

    def book(self, named: Iterable[OpenInvoice]) -> FamilyBook:
        """With the named invoices too that aren't the family's own open ones. Built for each day on which the family
        pays, for hardly ever is it the same as before: what was paid last is closed since."""
        others = tuple(invoice for invoice in named if invoice.id not in self.invoices)
        invoices = (*self.invoices.values(), *others)
        return FamilyBook(invoices, tuple(self.credits.values()), self.members, parent_id=self.head)


class Ledger:
    """The ERP as it stands in the morning of a day; knows nothing of later days."""

    def __init__(self, books: Books) -> None:
        self._family_of = books.families
        members: dict[str, set[str]] = defaultdict(set)
        for customer_id, family in books.families.items():
            members[family].add(customer_id)
        self._families = {family: Family(frozenset(ids), family) for family, ids in members.items()}
        self._to_issue = deque(sorted(books.invoices, key=lambda invoice: invoice.issued_on))
        self._to_credit = deque(sorted(books.credits, key=lambda memo: memo.received_on or date.min))
        self._to_change = deque(sorted(books.changes, key=lambda change: change.effective))
        # Every one issued so far, as it was last seen; closed ones too, so that a reference to one is seen as such.
        self._invoices: dict[str, OpenInvoice] = {}
        self._memos: dict[str, CreditMemo] = {}
        self._numbers: dict[str, list[str]] = defaultdict(list)  # number in capitals -> ids of invoices

    def advance(self, day: date) -> None:
        """First what is issued, then the balances, as an ERP shows them that morning."""
        while self._to_issue and self._to_issue[0].issued_on <= day:
            invoice = self._to_issue.popleft()
            self._invoices[invoice.id] = invoice
            self._numbers[invoice.number.upper()].append(invoice.id)
            self.family(invoice.customer_id).show(invoice)
        while self._to_credit and (self._to_credit[0].received_on or date.min) <= day:
            memo = self._to_credit.popleft()
            self._memos[memo.id] = memo
            self.family(memo.customer_id).show(memo)
        while self._to_change and self._to_change[0].effective <= day:
            self._apply(self._to_change.popleft())

    def _apply(self, change: Change) -> None:
        """A record that is closed stays closed; one that was not issued yet has no balance."""
        if memo := self._memos.get(change.record_id):
            if memo.open_amount:
                memo = replace(memo, open_amount=Money(-change.open_minor, memo.open_amount.currency))
                self._memos[memo.id] = memo
                self.family(memo.customer_id).show(memo)
        elif (invoice := self._invoices.get(change.record_id)) and invoice.status is InvoiceStatus.OPEN:
            status = InvoiceStatus.OPEN if change.open_minor else InvoiceStatus.PAID
            balance = Money(change.open_minor, invoice.balance.currency)
            invoice = replace(invoice, balance=balance, status=status)
            self._invoices[invoice.id] = invoice
            self.family(invoice.customer_id).show(invoice)

    def family(self, customer_id: str) -> Family:
        name = self._family_of.get(customer_id, customer_id)
        if name not in self._families:
            self._families[name] = Family(frozenset({customer_id}), name)
        return self._families[name]

    def named(self, waiting: Iterable[Waiting]) -> tuple[OpenInvoice, ...]:
        """Every invoice, of whatever customer and state, that has one of the numbers that these may name."""
        numbers = {number.upper() for one in waiting for number in mentioned(one.payment.remittance)}
        ids = {invoice_id for number in numbers for invoice_id in self._numbers.get(number, ())}
        return tuple(self._invoices[invoice_id] for invoice_id in sorted(ids))

    def tables(self, waiting: Iterable[Waiting]) -> Iterator[tuple[Sequence[Waiting], FamilyBook]]:
        """What is decided together: all payments of a family, and each of an unknown payer by itself."""
        of_family: dict[str, list[Waiting]] = defaultdict(list)
        unknown: list[Waiting] = []
        for one in waiting:
            customer_id = one.payment.customer_id
            (of_family[self._family_of.get(customer_id, customer_id)] if customer_id else unknown).append(one)
        for together in of_family.values():
            yield together, self.family(together[0].payment.customer_id).book(self.named(together))
        same = self._open_of_amounts({one.left for one in unknown})
        for one in unknown:
            at_hand = {invoice.id: invoice for invoice in (*self.named((one,)), *same[one.left][:SAME_AMOUNT_MAX])}
            yield (one,), FamilyBook(tuple(at_hand.values()))

    def _open_of_amounts(self, amounts: Collection[Money]) -> Mapping[Money, Sequence[OpenInvoice]]:
        """Open invoices of anybody with just this left, by id: whose money it may be."""
        found: dict[Money, list[OpenInvoice]] = {amount: [] for amount in amounts}
        for family in self._families.values() if amounts else ():
            for invoice in family.invoices.values():
                if invoice.balance in found:
                    found[invoice.balance].append(invoice)
        return {amount: sorted(some, key=lambda invoice: invoice.id) for amount, some in found.items()}


def play(books: Books, limits: MatchingLimits) -> tuple[dict[str, Verdict], list[Call]]:
    """Every payment decided on its day; the verdicts by payment."""
    ledger, verdicts, calls = Ledger(books), dict[str, Verdict](), list[Call]()
    days: dict[date, list[Waiting]] = defaultdict(list)
    for one in books.waiting:
        days[one.payment.received_on].append(one)
    for day in sorted(days):
        ledger.advance(day)
        for together, book in ledger.tables(days[day]):
            started = time.perf_counter()
            decided = decide(together, book, limits)
            calls.append(Call(time.perf_counter() - started, tuple(decided)))
            verdicts |= decided
    return verdicts, calls


def allocations(verdict: Verdict) -> dict[str, int]:
    """What each record's balance moves by: invoices fall by what is paid, memos by what is used of them."""
    if isinstance(verdict, MatchException):
        return {}
    paid = {one.invoice_id: one.settles.minor for one in verdict.applications}
    return paid | {one.credit_id: -one.amount.minor for one in verdict.credits}


def write_predictions(path: Path, verdicts: Mapping[str, Verdict]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for payment_id, verdict in verdicts.items():
            lines = [{"invoice_id": record, "cents": minor} for record, minor in allocations(verdict).items()]
            row = {"payment_id": payment_id, "status": "applied" if lines else "exception", "allocations": lines}
            file.write(json.dumps(row) + "\n")


# ---- measuring ----


def measure(folder: Path) -> tuple[Measured, Books, Mapping[str, Verdict]]:
    """Plays the folder and writes the predictions. Seconds are of reading and deciding, without the writing."""
    started = time.perf_counter()
    books = read_books(folder)
    read_at = time.perf_counter()
    verdicts, calls = play(books, MatchingLimits())
    decided_at = time.perf_counter()
    write_predictions(folder / PREDICTIONS, verdicts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = max(calls, key=lambda call: call.seconds, default=Call(0.0, ()))
    found = Measured(
        folder=folder.name,
        payments=len(books.waiting),
        invoices=len(books.invoices),
        reading_seconds=read_at - started,
        deciding_seconds=decided_at - read_at,
        slowest=slowest,
        slowest_kinds=tuple(sorted({_evidence(verdicts[payment_id]) for payment_id in slowest.payment_ids})),
        peak_mb=peak / (2**20 if sys.platform == "darwin" else 2**10),
        matches=Counter(_evidence(one) for one in verdicts.values() if isinstance(one, Match)),
        exceptions=Counter(_evidence(one) for one in verdicts.values() if isinstance(one, MatchException)),
    )
    return found, books, verdicts


def _evidence(verdict: Verdict) -> str:
    return verdict.rung.value if isinstance(verdict, Match) else verdict.kind.value


def seconds_of(baseline: str, folder: Path) -> float:
    """How long one of the shared baselines takes on the same books, reading included, in a process of its own."""
    if not (BASELINES / "baselines.py").is_file():
        raise SystemExit("The baselines lie in ../shared/bench/matching, which is not here: leave out --against.")
    program = "import sys, baselines; print(baselines.run(*sys.argv[1:])[1])"
    command = [sys.executable, "-B", "-c", program, baseline, str(folder.resolve())]
    ran = subprocess.run(command, cwd=BASELINES, stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        raise SystemExit(f"The baseline {baseline} did not run; its own words are above.")
    return float(ran.stdout)


# ---- against the truth ----


def judge(folder: Path, verdicts: Mapping[str, Verdict]) -> list[Judged]:
    """Each verdict beside what really happened; none where nobody knows."""
    path = folder / "truth.jsonl"
    return _read(path, lambda row: _judged(row, verdicts)) if path.exists() else []


def _judged(row: dict[str, Any], verdicts: Mapping[str, Verdict]) -> Judged:
    moved: Counter[str] = Counter()
    for line in row["allocations"]:
        moved[line["invoice_id"]] += line["cents"]
    truth = Truth(
        row["payment_id"], {id: cents for id, cents in moved.items() if cents}, not row["must_be_exception"], row
    )
    verdict = verdicts[truth.payment_id]
    return Judged(truth, allocations(verdict), _evidence(verdict))


def write_misses(path: Path, judged: Sequence[Judged], books: Books, verdicts: Mapping[str, Verdict]) -> None:
    """Each payment that was applied wrongly, then each that may be applied and wasn't, as JSON lines."""
    payments = {one.payment.id: one.payment for one in books.waiting}
    chosen = [one for one in judged if one.is_wrong] + [one for one in judged if one.is_missed]
    with path.open("w", encoding="utf-8") as file:
        for one in chosen:
            payment, verdict = payments[one.truth.payment_id], verdicts[one.truth.payment_id]
            row = {
                "what": "wrong" if one.is_wrong else "missed",
                "payment": payment.id,
                "day": str(payment.received_on),
                "customer": payment.customer_id,
                "amount": str(payment.amount),
                "method": payment.method,
                "text": payment.remittance.text,
                "verdict": told(verdict),
                "ours": one.moved,
                "truth": one.truth.moved,
            }
            facts = {
                name: value for name, value in one.truth.facts.items() if name not in ("payment_id", "allocations")
            }
            file.write(json.dumps(row | facts) + "\n")


def told(verdict: Verdict) -> str:
    """A verdict in one line."""
    if isinstance(verdict, Match):
        return f"{verdict.rung}: {verdict.equation}. {verdict.reason}"
    shown = f" Perhaps {verdict.explanations[0].text}." if verdict.explanations else ""
    return f"{verdict.kind}: {verdict.reason}{shown}"


def main() -> int:
    options = _options()
    gc.disable()  # values make no cycles: the collector would look through the whole book and find nothing
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }
    found, books, verdicts = measure(options.folder)
    if options.against:
        found = replace(found, against=options.against, against_seconds=seconds_of(options.against, options.folder))
    judged = judge(options.folder, verdicts)
    if options.misses:
        write_misses(options.misses, judged, books, verdicts)
    scored = scores(judged, options.by.split(",")) if judged else {}
    if options.json:
        print(json.dumps(as_json(found, scored, machine)))
    else:
        show(_console(), found, scored, machine)
    return 0


def _console() -> Console:
    """Wide enough for the tables where nobody looks at a terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=TABLE_CHARACTERS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench matching",
        description="Decides a folder of books day by day, writes predictions.jsonl there, and measures.",
        epilog="The folder holds customers, invoices, payments and ledger (.jsonl); with truth.jsonl they are scored.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of books")
    parser.add_argument(
        "--by", default=",".join(BY), metavar="COLUMNS", help=f"columns to score by (default {','.join(BY)})"
    )
    parser.add_argument("--misses", type=Path, metavar="FILE", help="write what is wrong or missed, as JSON lines")
    parser.add_argument(
        "--against", metavar="NAME", help="run this shared baseline too, such as B1, and show the ratio"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
