"""What people do in the small ledger: the same hands, with the same names and arguments, as in the sandbox's ERPs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from connector.money import Money
from connector.receivables import (
    Cancellation,
    Contact,
    CreditMemo,
    CreditUse,
    Customer,
    EarlyDiscount,
    Instalment,
    InvoiceLine,
    InvoiceStatus,
    OpenInvoice,
    Pause,
    PauseKind,
    PaymentApplication,
    Traits,
)
from tests.fakes import ledger_books
from tests.fakes.ledger_book import UNDEPOSITED, LedgerBook, Posted, Received, Refused, Settled

NOTHING: Mapping[str, str] = {}
Applied = Mapping[str, str | Mapping[str, str]]


class LedgerPeople:
    """The hands of everybody who works in this book; each deed is done in full or not at all."""

    def __init__(self, book: LedgerBook) -> None:
        self.book = book
        self.terms: dict[str, tuple[int, str, int]] = {}  # id -> days, discount in percent, its days

    @property
    def accounts(self) -> dict[str, str]:
        return {name: name for name in (*ledger_books.ROLES, "receivable", UNDEPOSITED, "sales", "bad_debt")}

    # ---- customers and bills ----

    def add_term(self, name: str, days: int, discount_percent: str = "", discount_days: int = 0) -> str:
        self.terms[name] = (days, discount_percent, discount_days)
        return name

    def add_customer(
        self,
        name: str,
        email: str,
        terms_id: str | None,
        currency: str = "USD",
        parent: str | None = None,
        external_id: str = "",
    ) -> str:
        id = self.book.next_id("cu")
        self.book.customers[id] = Customer(id, name, email, parent or "")
        self.book.touch(id)
        return id

    def describe_customer(self, customer_id: str, **said: Any) -> None:
        known = self.book.customers[customer_id]
        traits = {name: said[name] for name in Traits.__slots__ if name in said and name != "arr"}
        if "arr" in said:
            traits["arr"] = Money.of(said["arr"], said["arr_currency"])
        contacts = tuple(
            Contact(channel, re.sub(r"[ ()]", "", said[channel]), said.get(f"{channel}_consent_on"))
            for channel in ("sms", "chat")
            if said.get(channel)
        )
        self.book.customers[customer_id] = replace(
            known,
            traits=replace(known.traits, **traits),
            cc=tuple(re.split(r"[,;\s]+", said["cc"])) if "cc" in said else known.cc,
            contacts=contacts or known.contacts,
            mails_parent=said.get("mails_parent", known.mails_parent),
        )
        self.book.touch(customer_id)

    def edit_customer(self, customer_id: str, **said: Any) -> None:
        """`email`, `do_not_contact`, `exclude`, `inactive`."""
        known = self.book.customers[customer_id]
        flags = {"do_not_contact": "do-not-contact", "inactive": "inactive"}
        why = [text for name, text in flags.items() if said.get(name)] + [said.get("exclude", "")]
        self.book.customers[customer_id] = replace(
            known, email=said.get("email", known.email), is_excluded=any(why), exclusion=", ".join(filter(None, why))
        )
        self.book.touch(customer_id)

    def add_invoice(
        self,
        customer_id: str,
        number: str,
        issued_on: date,
        due_on: date,
        lines: Sequence[Mapping[str, str]],
        currency: str = "USD",
        terms_id: str | None = None,
        po: str = "",
        pay_url: str = "",
        delivered_on: date | str | None = "issued",
    ) -> str:
        parts = tuple(
            InvoiceLine(str(place), line["description"], Money.of(line["amount"], currency), line.get("kind", ""))
            for place, line in enumerate(lines, 1)
        )
        amount = Money.total((line.amount for line in parts), currency)
        delivered = issued_on if delivered_on == "issued" else delivered_on
        made = OpenInvoice(
            self.book.next_id("I"),
            number,
            customer_id,
            amount,
            amount,
            issued_on,
            due_on,
            terms=terms_id or "",
            po_number=po,
            lines=parts,
            pay_url=pay_url,
            delivered_on=delivered if isinstance(delivered, date) else None,
            discount=self._offered(terms_id, amount, issued_on),
        )
        self._put(made)
        return made.id

    def _offered(self, terms_id: str | None, amount: Money, issued_on: date) -> EarlyDiscount | None:
        _, percent, days = self.terms.get(terms_id or "", (0, "", 0))
        if not percent:
            return None
        share = Money(amount.minor * int(percent) // 100, amount.currency)
        return EarlyDiscount(share, issued_on + timedelta(days=days))

    def add_credit_memo(
        self,
        customer_id: str,
        number: str,
        on: date,
        amount: str,
        created_from: str | None = None,
        currency: str = "USD",
        memo: str = "",
    ) -> str:
        id = self.book.next_id("M")
        made = CreditMemo(id, number, customer_id, Money.of(amount, currency), memo=memo, received_on=on)
        self.book.credits += (replace(made, created_from=created_from or ""),)
        self.book.touch(id)
        return id

    def apply_credit(self, credit: str, applied: Mapping[str, str]) -> None:
        memo = next(one for one in self.book.credits if one.id == credit)
        with self.book.whole():
            for invoice, amount in applied.items():
                on = max(memo.received_on or date.min, self.book.invoices[invoice].issued_on)
                money = Money.of(amount, memo.open_amount.currency)
                self.book.settle(Settled(invoice, money, on, credit_id=credit))

    def write_off(self, invoice_id: str, on: date, amount: str = "") -> str:
        invoice = self.book.invoices[invoice_id]
        left = amount or invoice.balance.plain()
        made = self.add_credit_memo(
            invoice.customer_id, f"WO-{invoice.number}", on, left, currency=invoice.balance.currency
        )
        self.book.write_offs |= {made}
        self.apply_credit(made, {invoice_id: left})
        return made

    def void(self, invoice_id: str) -> None:
        """What was applied to it is free again."""
        invoice = self.book.invoices[invoice_id]
        zero = Money.zero(invoice.balance.currency)
        self.book.free(invoice_id)
        self._put(replace(invoice, balance=zero, status=InvoiceStatus.VOIDED))

    def edit_invoice(self, invoice_id: str, due_on: date) -> None:
        self._put(replace(self._in_force(invoice_id), due_on=due_on))

    def edit_line_amount(self, invoice_id: str, line_no: int, amount: str) -> None:
        """An invoice can't come to less than was settled of it."""
        invoice = self._in_force(invoice_id)
        new = Money.of(amount, invoice.amount.currency)
        lines = tuple(replace(one, amount=new) if one.id == str(line_no) else one for one in invoice.lines)
        whole = Money.total((one.amount for one in lines), new.currency)
        left = whole - (invoice.amount - invoice.balance)
        if left < Money.zero(new.currency):
            raise Refused("SETTLED", f"invoice {invoice.number} was settled by more than {whole}")
        status = InvoiceStatus.OPEN if left else InvoiceStatus.PAID
        self._put(replace(invoice, amount=whole, balance=left, lines=lines, status=status))

    def _in_force(self, invoice_id: str) -> OpenInvoice:
        invoice = self.book.invoices[invoice_id]
        if invoice.status is InvoiceStatus.VOIDED:
            raise Refused("VOIDED", f"invoice {invoice.number} is voided")
        return invoice

    # ---- money ----

    def pay_by_hand(
        self,
        customer_id: str,
        amount: str,
        on: date,
        applications: Sequence[tuple[str, str]] = (),
        memo: str = "",
        external_id: str = "",
        currency: str = "USD",
        account: str = "bank",
    ) -> str:
        return self.enter_payment(
            customer_id,
            amount,
            on,
            dict(applications),
            memo=memo,
            external_id=external_id,
            currency=currency,
            account=account,
        )

    def enter_payment(
        self,
        customer_id: str,
        amount: str,
        on: date,
        applied: Applied = NOTHING,
        credits: Mapping[str, str] = NOTHING,
        memo: str = "",
        check: str = "",
        number: str = "",
        account: str = "bank",
        currency: str = "USD",
        external_id: str = "",
    ) -> str:
        money, id = Money.of(amount, currency), self.book.next_payment_id()
        new = Received(id, customer_id, money, on, account, external_id, memo, check, number)
        with self.book.whole():
            self.book.enter(new, _applications(applied, currency), _uses(credits, currency))
        return id

    past_payment = enter_payment

    def apply_payment(self, payment_id: str, applied: Applied, credits: Mapping[str, str] = NOTHING) -> None:
        currency = self.book.payments[payment_id].amount.currency
        with self.book.whole():
            self.book.apply(payment_id, _applications(applied, currency), _uses(credits, currency))

    def void_payment(self, payment_id: str) -> None:
        with self.book.whole():
            self.book.undo(payment_id)

    def deposit_by_hand(
        self,
        on: date,
        payments: Sequence[str] = (),
        lines: Sequence[Mapping[str, str]] = (),
        payout: str = "",
        memo: str = "",
        currency: str = "USD",
    ) -> str:
        parts = tuple((line["account"], Money.of(line["amount"], currency)) for line in lines)
        paid = [self.book.payments[one].amount for one in payments]
        amount = Money.total([*paid, *(amount for _, amount in parts)], currency)
        text = memo or (f"Stripe payout {payout}" if payout else "")
        with self.book.whole():
            id = self.book.next_id("dep")
            ledger_books.post(self.book, Posted(id, amount, on, parts, memo=text, payments=tuple(payments)))
        return id

    def journal_by_hand(
        self, on: date, lines: Sequence[Mapping[str, str]], memo: str = "", currency: str = "USD"
    ) -> str:
        """A line's amount comes out of its account, so a debit counts below zero."""
        parts = tuple(
            (
                line["account"],
                Money.of(line.get("credit", "0"), currency) - Money.of(line.get("debit", "0"), currency),
            )
            for line in lines
        )
        with self.book.whole():
            id = self.book.next_id("j")
            made = Posted(id, Money.zero(currency), on, parts, memo=memo, is_journal=True)
            ledger_books.post(self.book, made)
        return id

    def close_period(self, month: str) -> None:
        self.book.closed_months |= {month}

    def open_period(self, month: str) -> None:
        self.book.closed_months -= {month}

    # ---- what keeps an invoice back ----

    def set_hold(
        self,
        invoice_id: str,
        reason: str,
        kind: str = "",
        owner: str = "",
        since: date | None = None,
        until: date | None = None,
    ) -> None:
        pause = Pause(PauseKind(kind or "hold"), reason, owner, since, until)
        hold = reason if pause.kind is PauseKind.HOLD else ""
        self._paused(invoice_id, pause, lambda one: one.kind in HOLDS, hold_reason=hold)

    def clear_hold(self, invoice_id: str) -> None:
        self._paused(invoice_id, None, lambda one: one.kind in HOLDS, hold_reason="")

    def promise(
        self, invoice_id: str, on: date, amount: str | None = None, by: str = "", recorded_by: str = ""
    ) -> None:
        money = Money.of(amount, self.book.invoices[invoice_id].balance.currency) if amount else None
        pause = Pause(PauseKind.PROMISE, f"promised by {by}" if by else "promised", recorded_by, until=on, amount=money)
        self._paused(invoice_id, pause, lambda one: one.kind is PauseKind.PROMISE)

    def agree_plan(self, invoice_id: str, plan: str, approved_by: str = "") -> None:
        currency = self.book.invoices[invoice_id].balance.currency
        pairs = [part.split() for part in re.split(r"[;\n]+", plan)]
        parts = tuple(Instalment(date.fromisoformat(on), Money.of(amount, currency)) for on, amount in pairs)
        told = f"payment plan of {len(parts)} instalments"
        pause = Pause(PauseKind.PLAN, told, until=parts[-1].due_on, instalments=parts, approved_by=approved_by)
        self._paused(invoice_id, pause, lambda one: one.kind is PauseKind.PLAN)

    def converse(self, invoice_id: str, until: date) -> None:
        pause = Pause(PauseKind.CONVERSATION, f"entered in {self.book.name}", until=until)
        self._paused(invoice_id, pause, lambda one: one.kind is PauseKind.CONVERSATION)

    def touch(self, invoice_id: str, on: date) -> None:
        self._put(replace(self.book.invoices[invoice_id], touched_on=on))

    def own_dispute(self, invoice_id: str, owner: str, until: date | None = None) -> None:
        def disputed(one: Pause) -> bool:
            return one.kind is PauseKind.DISPUTE

        known = next(one for one in self.book.invoices[invoice_id].pauses if disputed(one))
        self._paused(invoice_id, replace(known, owner=owner, until=until), disputed)

    def dispute_line(
        self, invoice_id: str, line_no: int, reason: str, on: date | None = None, detail: str = ""
    ) -> None:
        since = on or self.book.clock.now().date()
        self._line(invoice_id, line_no, disputed=True, dispute_reason=reason, disputed_on=since, dispute_detail=detail)
        pause = Pause(PauseKind.DISPUTE, reason, since=since)
        self._paused(invoice_id, pause, lambda one: one.kind is PauseKind.DISPUTE)

    def give_detail(self, invoice_id: str, line_no: int, detail: str) -> None:
        self._line(invoice_id, line_no, dispute_detail=detail)

    def settle_dispute(self, invoice_id: str, line_no: int, outcome: str = "") -> None:
        kept = outcome.replace(" ", "_")
        over = {"disputed": False, "dispute_reason": "", "dispute_detail": "", "dispute_outcome": kept}
        self._line(invoice_id, line_no, **over)
        self._paused(invoice_id, None, lambda one: one.kind is PauseKind.DISPUTE)

    def _line(self, invoice_id: str, line_no: int, **values: Any) -> None:
        invoice = self.book.invoices[invoice_id]
        lines = [replace(one, **values) if one.id == str(line_no) else one for one in invoice.lines]
        self._put(replace(invoice, lines=tuple(lines)))

    def _paused(self, invoice_id: str, pause: Pause | None, instead_of: Callable[[Pause], bool], **values: Any) -> None:
        invoice = self.book.invoices[invoice_id]
        others = [one for one in invoice.pauses if not instead_of(one)] + ([pause] if pause else [])
        order = list(PauseKind)
        pauses = tuple(sorted(others, key=lambda one: order.index(one.kind)))
        self._put(replace(invoice, pauses=pauses, **values))

    def _put(self, invoice: OpenInvoice) -> None:
        self.book.invoices[invoice.id] = invoice
        self.book.touch(invoice.id)

    # ---- what the book holds ----

    def truth(self) -> dict[str, Any]:
        """Amounts as decimal strings, in the shape of the sandbox's own."""
        book = self.book
        credits = [(one.id, one.number, one.open_amount.plain()) for one in book.credits]
        return {
            "invoices": [
                {
                    "id": one.id,
                    "number": one.number,
                    "customer": one.customer_id,
                    "currency": one.balance.currency,
                    "balance": one.balance.plain(),
                    "amount": one.amount.plain(),
                    "closed": one.status is not InvoiceStatus.OPEN,
                    "voided": one.status is InvoiceStatus.VOIDED,
                }
                for one in book.invoices.values()
            ],
            "payments": [self._payment(one) for one in book.payments.values()],
            "credits": [{"id": id, "number": number, "unapplied": left} for id, number, left in credits],
            "deposits": [self._posted(one) for one in book.posted.values() if not one.is_journal],
            "journals": [self._posted(one) for one in book.posted.values() if one.is_journal],
            "violations": [],
        }

    def _payment(self, one: Received) -> dict[str, Any]:
        own: dict[str, Money] = {}
        sequences: dict[str, int] = {}
        for part in self.book.parts_of(one.erp_id):
            if not (part.credit_id or part.is_discount):
                own[part.invoice_id] = own.get(part.invoice_id, Money.zero(part.amount.currency)) + part.amount
                sequences[part.invoice_id] = part.sequence
        return {
            "id": one.erp_id,
            "external_id": one.external_id,
            "customer": one.customer_id,
            "currency": one.amount.currency,
            "amount": one.amount.plain(),
            "on": one.on.isoformat(),
            "account": one.account,
            "memo": one.memo,
            "voided": one.voided or bool(one.reversal),
            "deposit": one.deposit,
            "applications": [
                {"invoice": id, "amount": amount.plain(), "sequence": sequences[id]} for id, amount in own.items()
            ],
            "unapplied": self.book.left_of(one.erp_id).plain(),
        }

    def _posted(self, one: Posted) -> dict[str, Any]:
        lines = [{"account": account, "amount": amount.plain()} for account, amount in one.lines]
        return {"id": one.erp_id, "amount": one.amount.plain(), "memo": one.memo, "lines": lines}

    def kept(self, kind: str) -> list[dict[str, Any]]:
        book = self.book
        if kind in ("cancellation", "receipt"):
            wanted = kind == "cancellation"
            return [
                {
                    "external_id": id,
                    "act": one.act_id,
                    "state": str(one.state),
                    "text": one.text or getattr(one.value, "text", ""),
                    "invoice": getattr(one.value, "invoice_id", ""),
                }
                for id, one in book.records.items()
                if isinstance(one.value, Cancellation) is wanted
            ]
        if kind == "status":
            return [
                {"external_id": one.external_id, "invoice": id, "state": one.state, "next_step": one.next_step}
                for id, one in book.shown.items()
            ]
        if kind == "exception":
            return [
                {
                    "external_id": one.external_id,
                    "kind": one.kind,
                    "deadline": one.deadline.isoformat() if one.deadline else "",
                    "outcome": one.outcome,
                }
                for one in book.waiting.values()
            ]
        if kind == "proof":
            return [
                {
                    "external_id": one.external_id,
                    "day": one.day.isoformat(),
                    "outcome": one.outcome,
                    "drifts": str(one.drifts),
                    "unfinished": str(one.unfinished),
                    "text": one.text,
                }
                for one in book.proofs.values()
            ]
        raise LookupError(f"nothing of kind {kind!r} is kept")


HOLDS = frozenset({PauseKind.HOLD, PauseKind.USAGE, PauseKind.CREDIT_MEMO, PauseKind.FORMAT_CHANGE})


def _applications(applied: Applied, currency: str) -> list[PaymentApplication]:
    found = []
    for invoice, part in applied.items():
        given = part if isinstance(part, Mapping) else {"amount": part}
        discount = Money.of(given["discount"], currency) if "discount" in given else None
        found.append(PaymentApplication(invoice, Money.of(given["amount"], currency), discount=discount))
    return found


def _uses(credits: Mapping[str, str], currency: str) -> list[CreditUse]:
    return [CreditUse(id, Money.of(amount, currency)) for id, amount in credits.items()]
