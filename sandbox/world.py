"""The false world: one clock, one order of commits, one set of faults, an ERP beside the other services, and the truth.

Which ERP keeps the books is chosen when a world is made; people do the same in either. The world carries out a plan
(from a seed or a book) as its clock advances, and single deeds that a test asks for. It knows what each Stripe payment
really pays; the services never tell, so the truth is for tests only.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any, Literal, get_args

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.amounts import minor, plain
from sandbox.bank_statements import Bank
from sandbox.book import read_book
from sandbox.chat import Chat
from sandbox.clock import Sequence as Commits
from sandbox.clock import WorldClock
from sandbox.control import routes
from sandbox.faults import Faults, Rule
from sandbox.imap import Imap
from sandbox.intacct import Intacct
from sandbox.mailbox import Mailbox
from sandbox.netsuite import NetSuite
from sandbox.plan import (
    Dated,
    Deed,
    Fail,
    Method,
    NewCredit,
    NewCustomer,
    NewInvoice,
    NewPayment,
    Part,
    PostByHand,
    Settle,
)
from sandbox.salesforce import Salesforce
from sandbox.seed import seed_plan
from sandbox.serving import Background
from sandbox.sms import SmsGateway
from sandbox.stripe import Stripe

ACCOUNT = "1000001_SB1"
CUSTOMERS = 60
Erp = NetSuite | Intacct
ErpName = Literal["netsuite", "intacct"]
ERPS: tuple[ErpName, ...] = get_args(ErpName)
# The first letters of the ERPs' operations that write; everything else reads.
_WRITES = ("act", "add", "update", "upsert", "delete", "create", "record", "reverse", "apply", "void")


class UnknownName(LookupError):
    """The world has no customer, invoice or payment of that name."""


@dataclass(frozen=True, slots=True)
class Known:
    """A customer as both sides know it: the ERP's internal id and Stripe's."""

    id: str
    stripe_id: str
    key: str
    name: str
    email: str
    terms_days: int
    currency: str
    tier: str


@dataclass(frozen=True, slots=True)
class Truth:
    """What a Stripe payment really pays: ERP invoice ids and minor units. The rest of it pays nothing."""

    payment_intent: str
    charge: str
    customer: str
    amount: int
    currency: str
    pays: tuple[tuple[str, int], ...]


class World:
    """Everything of the sandbox in one object. `start` the mail servers, serve `app`, `stop` at the end.

    `erp` is whichever keeps the books of this world, `erp_name` its name; no story needs to know which it is.

    With `now` the clock starts there and stands still; without it the clock runs with real time.
    """

    def __init__(
        self,
        *,
        erp: ErpName = "netsuite",
        seed: int = 7,
        now: datetime | None = None,
        faults: Faults | None = None,
        account: str = ACCOUNT,
        version: str = "2025_2",
        wsdl_dir: Path | None = None,
    ) -> None:
        if erp not in ERPS:
            raise ValueError(f"the sandbox has no ERP {erp!r}; it has {', '.join(ERPS)}")
        self.lock = threading.RLock()
        self.clock = WorldClock()
        if now is not None:
            self.clock.start_at(now)
        self.sequence = Commits(self.clock)
        self.faults = faults or Faults()
        self.erp_name = erp
        self.erp: Erp = (
            Intacct(self.clock, self.sequence, self.faults)
            if erp == "intacct"
            else NetSuite(self.clock, self.sequence, self.faults, account=account, version=version, wsdl_dir=wsdl_dir)
        )
        self.stripe = Stripe(self.clock, self.sequence, self.faults, seed=seed)
        self.mailbox = Mailbox(self.clock, self.sequence, self.faults)
        self.imap = Imap(self.clock, self.sequence, self.faults)
        self.sms = SmsGateway(self.clock, self.sequence, self.faults)
        self.chat = Chat(self.clock, self.sequence, self.faults)
        self.salesforce = Salesforce(self.clock, self.sequence, self.faults)
        self.bank = Bank(self.clock, self.sequence)
        self.base_url = ""
        self._plan: deque[Dated] = deque()
        self._terms: dict[int, str] = {}
        self._customers: list[Known] = []
        self._names: dict[str, Known] = {}
        self._invoices: dict[str, str] = {}  # number -> internal id
        self._numbers: dict[str, str] = {}  # internal id -> number
        self._intents: dict[str, str] = {}  # key in the plan -> PaymentIntent
        self._truths: dict[str, Truth] = {}

    @property
    def netsuite(self) -> NetSuite:
        """The ERP where it is NetSuite, with what only that has."""
        if not isinstance(self.erp, NetSuite):
            raise LookupError("this world keeps its books in Sage Intacct")
        return self.erp

    @property
    def intacct(self) -> Intacct:
        """The ERP where it is Sage Intacct, with what only that has."""
        if not isinstance(self.erp, Intacct):
            raise LookupError("this world keeps its books in NetSuite")
        return self.erp

    def start(self) -> World:
        self.mailbox.start()
        self.imap.start()
        return self

    def stop(self) -> None:
        self.imap.stop()
        self.mailbox.stop()

    def profile(self) -> dict[str, Any]:
        """Where the services are and the credentials that they take: fixed test strings."""
        return {
            self.erp_name: self.erp.profile(f"{self.base_url}/{self.erp_name}"),
            "stripe": self.stripe.profile(f"{self.base_url}/stripe"),
            "smtp": self.mailbox.profile(),
            "imap": self.imap.profile(),
            "sms": self.sms.profile(f"{self.base_url}/sms"),
            "chat": self.chat.profile(f"{self.base_url}/chat"),
            "salesforce": self.salesforce.profile(f"{self.base_url}/salesforce"),
        }

    # -- time and plan -------------------------------------------------------------------------------------------------

    def build(self, plan: Sequence[Dated], until: datetime, *, daily_payouts: bool = False) -> None:
        """Live through the plan up to an instant, with the clock at each deed's own time; the rest stays to come."""
        standing = self.clock.frozen
        with self.lock:
            self._plan = deque(plan)
            self.clock.start_at(min(plan[0].at, until) if plan else until)
            self.stripe.ledger.payouts.schedule(daily_payouts)
            self.advance_to(until)
        if not standing:
            self.clock.run()

    def advance_to(self, instant: datetime) -> int:
        """Everything planned up to then happens, in order and each at its own time; returns how much happened.

        So does what Stripe does by itself, as far as it was told to (payouts); of the same instant it comes last.
        """
        happened = 0
        with self.lock:
            if instant < self.clock():
                raise ValueError(f"the world's clock is at {self.clock().isoformat()} and can't go back")
            while (at := self._next_at()) is not None and at <= instant:
                if at > self.clock():
                    self.clock.move_to(at)
                if self._plan and self._plan[0].at <= at:
                    self._carry_out(self._plan.popleft().deed)
                    happened += 1
                else:
                    happened += self.stripe.ledger.payouts.carry_out()
            self.clock.move_to(max(instant, self.clock()))
        return happened

    def _next_at(self) -> datetime | None:
        instants = [dated.at for dated in islice(self._plan, 1)]
        by_itself = self.stripe.ledger.payouts.next_at()
        return min([*instants, by_itself] if by_itself else instants, default=None)

    def planned(self) -> int:
        """How many deeds are still to come."""
        return len(self._plan)

    def _carry_out(self, deed: Deed) -> None:
        match deed:
            case NewCustomer():
                self.add_customer(
                    deed.name, deed.email, deed.terms_days, currency=deed.currency, key=deed.key, tier=deed.tier
                )
            case NewInvoice():
                lines = [
                    {"description": line.description, "amount": line.amount, "kind": line.kind} for line in deed.lines
                ]
                self.add_invoice(
                    deed.customer, deed.number, deed.issued_on, deed.due_on, lines, po=deed.po, pay_url=deed.pay_url
                )
            case NewCredit():
                self.add_credit_memo(deed.customer, deed.number, deed.on, deed.amount, deed.created_from)
            case NewPayment():
                self._intents[deed.key] = self._planned_payment(deed)
            case Settle():
                self.stripe.ledger.settle(self._intents[deed.payment])
            case Fail():
                self.stripe.ledger.fail(self._intents[deed.payment])
            case PostByHand():
                self._post_by_hand(self._truths[self._intents[deed.payment]], deed.on)

    def _planned_payment(self, deed: NewPayment) -> str:
        numbers = ", ".join(part.invoice for part in deed.pays)
        metadata: dict[str, str] = {}
        # An invoice of Intacct has no id that a biller would keep: its record number changes when an order is edited.
        by_id = deed.reference == "metadata_id" and self.erp_name == "netsuite"
        if by_id:
            metadata = {"netsuite_invoice_id": ",".join(self.invoice_id(part.invoice) for part in deed.pays)}
        elif deed.reference in ("metadata_number", "metadata_id"):
            metadata = {"invoice_number": ",".join(part.invoice for part in deed.pays)}
        return self.pay(
            deed.customer,
            deed.amount,
            pays=deed.pays,
            method=deed.method,
            processing=deed.processing,
            description=f"Invoice {numbers}" if deed.reference == "description" else None,
            metadata=metadata,
            stripe_invoices=deed.reference == "stripe_invoice",
        )

    def _post_by_hand(self, truth: Truth, on: date) -> None:
        self.erp.pay_by_hand(
            truth.customer,
            plain(truth.amount, truth.currency),
            on,
            applications=[(invoice, plain(part, truth.currency)) for invoice, part in truth.pays],
            memo=f"Stripe {truth.charge}",
        )

    # -- deeds ---------------------------------------------------------------------------------------------------------

    def add_customer(
        self,
        name: str,
        email: str,
        terms_days: int,
        *,
        currency: str = "USD",
        key: str = "",
        tier: str = "",
        parent: str | None = None,
        in_stripe: bool = True,
    ) -> Known:
        """A customer in the ERP and, if so wanted, in Stripe with the ERP's id in its metadata; `key`: another name."""
        with self.lock:
            parent_id = self.customer(parent).id if parent else None
            id = self.erp.add_customer(
                name, email, self._terms_id(terms_days), currency=currency, parent=parent_id, external_id=key
            )
            stripe_id = ""
            if in_stripe:
                metadata = {f"{self.erp_name}_customer_id": id}
                stripe_id = self.stripe.ledger.add_customer(name, email, metadata=metadata, currency=currency)
            known = Known(id, stripe_id, key, name, email, terms_days, currency, tier)
            self._customers.append(known)
            for alias in filter(None, (name, key, stripe_id, id)):
                self._names[alias] = known
            return known

    def add_invoice(
        self,
        customer: str,
        number: str,
        issued_on: date,
        due_on: date | None,
        lines: Sequence[dict[str, str]],
        **more: Any,
    ) -> str:
        """An invoice in the ERP, in the customer's currency unless `currency` is given; returns its internal id."""
        with self.lock:
            known = self.customer(customer)
            if number in self._invoices:
                raise ValueError(f"there is an invoice {number} already")
            currency = more.pop("currency", known.currency)
            id = self.erp.add_invoice(
                known.id,
                number,
                issued_on,
                due_on,
                lines=lines,
                currency=currency,
                terms_id=self._terms_id(known.terms_days),
                **more,
            )
            self._invoices[number] = id
            self._numbers[id] = number
            return id

    def add_credit_memo(
        self, customer: str, number: str, on: date, amount: str, created_from: str | None = None
    ) -> str:
        with self.lock:
            source = self.invoice_id(created_from) if created_from else None
            return self.erp.add_credit_memo(self.customer(customer).id, number, on, amount, created_from=source)

    def pay(
        self,
        customer: str | None,
        amount: str,
        *,
        pays: Sequence[Part] = (),
        currency: str = "",
        method: Method = "card",
        processing: bool = False,
        description: str | None = None,
        metadata: dict[str, str] | None = None,
        stripe_invoices: bool = False,
    ) -> str:
        """A Stripe payment and the truth of what it pays; returns the PaymentIntent. No customer: unidentified."""
        with self.lock:
            known = self.customer(customer) if customer else None
            currency = currency or (known.currency if known else "USD")
            parts = tuple((self.invoice_id(part.invoice), minor(part.amount, currency)) for part in pays)
            units = minor(amount, currency)
            if parts and sum(part for _, part in parts) > units:
                raise ValueError("a payment can't pay more than its amount")
            numbers = [(self._numbers[id], part) for id, part in parts] if stripe_invoices else []
            intent = self.stripe.ledger.pay(
                known.stripe_id or None if known else None,
                units,
                currency,
                method=method,
                processing=processing,
                description=description,
                metadata=metadata,
                invoices=numbers,
            )
            self.record_payment(intent, known, units, currency, parts)
            return intent

    def record_payment(
        self, intent: str, known: Known | None, units: int, currency: str, pays: tuple[tuple[str, int], ...]
    ) -> None:
        """Note the truth of a Stripe payment: which ERP invoices it pays, and how much of each."""
        charge = self.stripe.ledger.get(intent)["latest_charge"]
        self._truths[intent] = Truth(intent, charge, known.id if known else "", units, currency, pays)

    def install(self, rule: Rule) -> None:
        """Put a fault in force; a kind that the service can't produce is refused."""
        kinds: dict[str, frozenset[str]] = {
            "intacct": Intacct.KINDS,
            "stripe": Stripe.KINDS,
            "smtp": Mailbox.KINDS,
            "salesforce": Salesforce.KINDS,
            "imap": Imap.KINDS,
            "sms": SmsGateway.KINDS,
            "chat": Chat.KINDS,
        }
        known = kinds.get(rule.service)
        if known is not None and rule.kind not in known:
            raise ValueError(f"{rule.service} has no fault {rule.kind!r}; it has {', '.join(sorted(known))}")
        self.faults.install(rule)

    # -- names ---------------------------------------------------------------------------------------------------------

    def customers(self) -> list[Known]:
        return list(self._customers)

    def customer(self, name: str) -> Known:
        """By ERP id, Stripe id, key or name."""
        if name not in self._names:
            raise UnknownName(f"the world has no customer {name!r}")
        return self._names[name]

    def invoice_id(self, name: str) -> str:
        """By number or ERP id."""
        if name in self._invoices:
            return self._invoices[name]
        if name in self._numbers:
            return name
        raise UnknownName(f"the world has no invoice {name!r}")

    def number(self, invoice: str) -> str:
        """Of an ERP id."""
        return self._numbers[invoice]

    def if_known(self, number: str) -> str | None:
        """The ERP id of an invoice number, if the ERP has it."""
        return self._invoices.get(number)

    def free_number(self) -> str:
        """A number that no invoice has yet."""
        return next(number for n in count(20001) if (number := f"INV-{n}") not in self._invoices)

    def _terms_id(self, days: int) -> str:
        if days not in self._terms:
            self._terms[days] = self.erp.add_term(f"Net {days}", days)
        return self._terms[days]

    # -- the truth -----------------------------------------------------------------------------------------------------

    def truth(self) -> dict[str, Any]:
        """What really is: the ERP's books, and for each Stripe payment what it pays. Amounts are decimal strings."""
        with self.lock:
            paid_by: dict[str, list[dict[str, str]]] = {}
            payments = []
            for truth in self._truths.values():
                state = self._state(truth.payment_intent)
                parts = [(id, plain(part, truth.currency)) for id, part in truth.pays]
                common = {"payment_intent": truth.payment_intent, "charge": truth.charge, "state": state}
                for id, part in parts:
                    paid_by.setdefault(id, []).append(common | {"amount": part})
                payments.append(
                    common
                    | {
                        "customer": truth.customer,
                        "amount": plain(truth.amount, truth.currency),
                        "currency": truth.currency,
                        "pays": [{"invoice": id, "number": self._numbers[id], "amount": part} for id, part in parts],
                    }
                )
            erp = self.erp.truth()
            invoices = [invoice | {"paid_by": paid_by.get(invoice["id"], [])} for invoice in erp["invoices"]]
            stripe = self.stripe.ledger.truth()
        others = stripe | {"stripe_payments": payments, "tasks": self.salesforce.org.tasks(), "bank": self.bank.truth()}
        return erp | {"now": self.clock().isoformat(), "invoices": invoices, **others}

    def _state(self, intent: str) -> str:
        status = self.stripe.ledger.get(intent)["status"]
        return "failed" if status == "requires_payment_method" else str(status)

    def requests(self) -> dict[str, Any]:
        """Requests served, by service and operation; the ERP's in reads and writes; and what its contract counts of
        them, which is more where one request writes several records."""
        erp = self.erp.counts()
        writes = sum(count for operation, count in erp.items() if operation.lower().startswith(_WRITES))
        return {
            self.erp_name: erp,
            "stripe": self.stripe.counts(),
            "smtp": self.mailbox.counts(),
            "imap": self.imap.counts(),
            "sms": self.sms.counts(),
            "chat": self.chat.counts(),
            "salesforce": self.salesforce.counts(),
            "erp_reads": sum(erp.values()) - writes,
            "erp_writes": writes,
            "erp_counted": self.erp.counted() if isinstance(self.erp, Intacct) else {},
        }


def build_world(
    *,
    erp: ErpName = "netsuite",
    seed: int = 7,
    customers: int = CUSTOMERS,
    now: datetime | None = None,
    book: Path | None = None,
    faults: Faults | None = None,
    account: str = ACCOUNT,
    version: str = "2025_2",
    wsdl_dir: Path | None = None,
    daily_payouts: bool = False,
) -> World:
    """A world from a book, or from a seed; with no customers it is empty. `daily_payouts`: from its first day on.

    A book starts on the day before its first invoice unless `now` says otherwise, and its clock stands still.
    """
    plan: Sequence[Dated]
    if book is not None:
        plan = read_book(book)
        now = now or (plan[0].at.replace(hour=0, minute=0) - timedelta(days=1) if plan else None)
    else:
        plan = seed_plan(seed, customers, now or datetime.now(UTC))
    world = World(erp=erp, seed=seed, now=now, faults=faults, account=account, version=version, wsdl_dir=wsdl_dir)
    world.build(plan, now or datetime.now(UTC), daily_payouts=daily_payouts)
    return world


class Served:
    """A world behind its own server: `.url`, `.world`, `.stop()`."""

    def __init__(self, world: World, port: int = 0) -> None:
        self.world = world
        self._background = Background(application(world), port)
        self.url = world.base_url = self._background.url

    def start(self) -> Served:
        self.world.start()
        self._background.start()
        return self

    def stop(self) -> None:
        self._background.stop()
        self.world.stop()


def application(world: World) -> Starlette:
    """All services and the control API in one application."""
    return Starlette(
        routes=[
            Mount(f"/{world.erp_name}", app=world.erp.app),
            Mount("/stripe", app=world.stripe.app),
            Mount("/salesforce", app=world.salesforce.app),
            Mount("/sms", app=world.sms.app),
            Mount("/chat", app=world.chat.app),
            Mount("/world", routes=routes(world)),
        ]
    )


@contextmanager
def serve(port: int = 0, **options: Any) -> Iterator[Served]:
    """A whole world in background threads, for tests; takes the options of `build_world`."""
    served = Served(build_world(**options), port).start()
    try:
        yield served
    finally:
        served.stop()
