"""Money that came back: the receipt that brought it is reversed, as a whole (RULES 3).

Intacct keeps both: the receipt as Reversed, which pays nothing any more, and beside it a Reversal of opposite amounts
on the day of the return, out of the account that the receipt is on (Sage's help, "About reversing posted payments"). So
a receipt is reversed at most once, whoever does it, and there is no half of it: what it paid is open again in the same
instant, and the period of the receipt itself isn't touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from connector.adapters.intacct import names
from connector.adapters.intacct.answers import Error, Why
from connector.adapters.intacct.books import Books
from connector.adapters.intacct.filters import like
from connector.adapters.intacct.functions import Function, control_id, legacy
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.names import mentions
from connector.adapters.intacct.payments import PAYMENT, Held, Payments, fields, unreadable
from connector.adapters.intacct.records import DESCRIPTION_MAX, fit
from connector.adapters.intacct.rows import Standing, currency_of, day_of, standing_of
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.singly import NOT_SENT
from connector.adapters.intacct.values import legacy_day
from connector.adapters.intacct.xmltext import node
from connector.adapters.ledger_rows.cells import Row, Unreadable, money_of, unsigned
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.money import Money
from connector.ports import Answer, Outcome
from connector.settlement import AccountRole, ReversalIntent, ReversalSeen, SettleThrough, first_open_on, why_closed

# Where a function that failed uses up its controlid, the next of these makes another one, as for payouts.
_AGAIN = ("", *map(str, range(1, 10)))


class Reversals:
    """One company's receipts taken back. Safe for several threads."""

    def __init__(self, gateway: Gateway, mapping: IntacctMapping, payments: Payments, books: Books) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._payments = payments
        self._books = books

    # ---- may it be done? ----

    def why_not(self, intent: ReversalIntent, today: date) -> str:
        """Why must a person take this back? '' where it can be written, or stands already."""
        held = self._held(intent)
        if held is None:
            return _not_there(intent)
        if held.seen.voided:
            return ""
        return self._unwritable(intent, held) or self._closed(intent, today)

    def _unwritable(self, intent: ReversalIntent, held: Held) -> str:
        if names.is_advance(intent.payment_erp_id):
            # The reference of the gateway has no function for it (AR advances), its screens do.
            return (
                f"{held.seen.erp_id} is an advance, and Sage Intacct lets only a person reverse one "
                "(Accounts Receivable > Advances > More actions > Reverse)"
            )
        used = _used_elsewhere(held)
        if used:
            return f"another payment uses {used} that receipt {held.seen.erp_id} had over: that is reversed first"
        try:
            received_on = day_of(held.row, "RECEIPTDATE")
            is_posted = standing_of(held.row) is Standing.IN_FORCE
        except Unreadable as error:
            raise unreadable("customer payment", intent.payment_erp_id, error) from None
        if not is_posted:
            return f"receipt {held.seen.erp_id} is {held.row.get('STATE', 'in no state')}: it was never posted"
        if intent.posted_on < received_on:
            return (
                f"receipt {held.seen.erp_id} is dated {received_on}, and Sage Intacct reverses none before its own day "
                f"({intent.posted_on})"
            )
        return self._elsewhere(intent, held.row)

    def _elsewhere(self, intent: ReversalIntent, row: Row) -> str:
        """Would the money leave another account than the one that the return hit?

        What waits in undeposited funds leaves it with the deposit of its payout, which books the return as well; and of
        a receipt that lies in a deposit Intacct takes the money out of the bank (Sage's help, "Reverse a payment in a
        deposit"), where no return arrives: the processor keeps it back from a later payout.
        """
        account, undeposited = _number(row, "FINANCIALENTITY"), _number(row, "UNDEPOSITEDACCOUNTNO")
        clearing = self._clearing(intent.amount.currency)
        where = f"receipt {intent.payment_erp_id} is on {account or undeposited or 'no account'}"
        if intent.role is AccountRole.CLEARING:
            if undeposited and not account:
                return f"{where}, undeposited funds: its payout's deposit takes both the receipt and its return"
            return "" if account and account == clearing else f"{where}, and the return left the processor's money"
        if intent.role is AccountRole.BANK:
            return "" if account and account != clearing else f"{where}, and the return left a bank account"
        return (
            f"a reversed receipt takes the money out of the account that it is on, and this return is booked on "
            f"{intent.role} with its payout: reversed, it would be taken out twice"
        )

    def _clearing(self, currency: str) -> str:
        entry = self._mapping.settlement_of(currency)
        through = entry is not None and entry.through is SettleThrough.CLEARING
        return (entry.account_of(AccountRole.CLEARING) or "") if entry is not None and through else ""

    def _closed(self, intent: ReversalIntent, today: date) -> str:
        periods = self._books.periods(today)
        is_open = first_open_on(periods, intent.posted_on, intent.posted_on) == intent.posted_on
        return "" if is_open else why_closed(periods, intent.posted_on)

    # ---- writing ----

    def write(self, intent: ReversalIntent) -> Answer:
        """Reverse it once. Looks before it writes: Intacct refuses a second reversal, but not one of a receipt that
        pays something else by now."""
        held = self._held(intent)
        if held is None:
            return _answered(intent, Outcome.REFUSED, _not_there(intent), NOT_SENT)
        if held.seen.voided:
            return self._standing(intent, held)
        if why := self._unwritable(intent, held):
            return _answered(intent, Outcome.REFUSED, why, NOT_SENT)
        if changed := _changed(intent, held):
            return _answered(intent, Outcome.EXISTS_DIFFERENT, changed, NOT_SENT)
        for again in ("",) if self._mapping.facts.failed_control_ids_are_free else _AGAIN:
            function = _function(intent, again)
            try:
                results = self._gateway.run([function], atomic=True, entity=held.row.get("MEGAENTITYID", ""))
            except OutcomeUnknown as error:
                return _answered(intent, Outcome.UNKNOWN, str(error))
            if results.is_committed:
                # What the key of a reversal names isn't documented; reading it back tells.
                return Answer(intent.external_id, Outcome.CREATED, results.results[0].key)
            if answer := self._after_refusal(intent):
                return answer
            if not results.is_repeat:
                return _refusal(intent, results.cause)
        why = (
            "Intacct refused it as carried out before, and the receipt still stands. If that stays so, set "
            "facts.failed_control_ids_are_free: false in mappings/intacct.yaml"
        )
        return _answered(intent, Outcome.UNKNOWN, why, Why.DUPLICATE_CONTROL_ID)

    def _after_refusal(self, intent: ReversalIntent) -> Answer | None:
        """Was it refused because the receipt is reversed, by us before or by somebody just now? None: it isn't."""
        try:
            held = self._held(intent)
            return self._standing(intent, held) if held is not None and held.seen.voided else None
        except (Transient, Terminal) as error:
            return _answered(intent, Outcome.UNKNOWN, str(error))

    def _standing(self, intent: ReversalIntent, held: Held) -> Answer:
        """The receipt is reversed already: is that what we would have written?"""
        seen = self._seen(intent, held)
        if seen is None:
            why = f"receipt {held.seen.erp_id} was reversed by somebody else already; nothing more is to be done"
            return _answered(intent, Outcome.EXISTS_DIFFERENT, why)
        told = {
            f"amount {seen.amount} instead of {intent.amount}": seen.amount != intent.amount,
            f"dated {seen.posted_on} instead of {intent.posted_on}": seen.posted_on != intent.posted_on,
        }
        differs = "; ".join(text for text, is_so in told.items() if is_so)
        outcome = Outcome.EXISTS_DIFFERENT if differs else Outcome.EXISTS
        return Answer(intent.external_id, outcome, seen.erp_id, message=differs)

    # ---- reading ----

    def read(self, intent: ReversalIntent) -> ReversalSeen | None:
        """Our reversal, None while the receipt stands, and where somebody else reversed it."""
        held = self._held(intent)
        return self._seen(intent, held) if held is not None and held.seen.voided else None

    def _held(self, intent: ReversalIntent) -> Held | None:
        return self._payments.by_ids([intent.payment_erp_id]).get(intent.payment_erp_id)

    def _seen(self, intent: ReversalIntent, held: Held) -> ReversalSeen | None:
        """The reversal whose memo names this intent. In a company that keeps no memo of it, a reversed receipt says no
        more than that it is reversed."""
        if not self._mapping.facts.reversals_keep_memo:
            return ReversalSeen(held.seen.erp_id, held.seen.amount, intent.posted_on, held.seen.applications)
        where = like("DESCRIPTION", f"%{intent.external_id}%")
        for row in self._gateway.rows(PAYMENT, fields(PAYMENT, self._mapping), where):
            try:
                is_reversal = standing_of(row) is Standing.REVERSAL
                if is_reversal and mentions(intent.external_id, [row.get("DESCRIPTION", "")]):
                    amount = unsigned(money_of(row, "TRX_TOTALENTERED", currency_of(row)))
                    return ReversalSeen(row["RECORDNO"], amount, day_of(row, "RECEIPTDATE"), held.seen.applications)
            except Unreadable as error:
                raise unreadable("reversal", row["RECORDNO"], error) from None
        return None


def _function(intent: ReversalIntent, again: str) -> Function:
    """Its elements in the documented order (Sage's XML reference, AR payments, legacy)."""
    body = node(
        "reverse_arpayment",
        legacy_day("datereversed", intent.posted_on),
        node("description", fit(f"{intent.external_id} {intent.memo}".strip(), DESCRIPTION_MAX)),
        key=intent.payment_erp_id,
    )
    return legacy(control_id(intent.external_id, again=again), body)


def _refusal(intent: ReversalIntent, cause: Error | None) -> Answer:
    if cause is None:
        return _answered(intent, Outcome.UNKNOWN, "Intacct undid it without saying why")
    return _answered(intent, Outcome.REFUSED, _sentence(intent, cause), cause.code)


def _sentence(intent: ReversalIntent, cause: Error) -> str:
    """The vendor's reason, with what a person can do where it is one of the known ones."""
    if cause.why is Why.CLOSED_PERIOD:
        return f"{intent.posted_on} is in a closed period: {cause.text}"
    if cause.why is Why.PERMISSION:
        return f"the integration's user may not reverse receipts: {cause.text}"
    return cause.text


def _changed(intent: ReversalIntent, held: Held) -> str:
    """In what is the receipt another than the one that is to be taken back? Empty where it is that one."""
    seen = held.seen
    pairs = {
        f"it belongs to customer {seen.customer_id} instead of {intent.customer_id}": (
            seen.customer_id != intent.customer_id
        ),
        f"amount {seen.amount} instead of {intent.amount}": seen.amount != intent.amount,
        f"it pays {_shown(seen.applications)} instead of {_shown(intent.applied)}": (
            dict(seen.applications) != dict(intent.applied)
        ),
    }
    return "; ".join(text for text, is_so in pairs.items() if is_so)


def _used_elsewhere(held: Held) -> Money | None:
    """How much of what the receipt had over was used by other payments; None: nothing."""
    seen, currency = held.seen, held.seen.amount.currency
    applied = Money.total((amount for _, amount in seen.applications), currency)
    credits = Money.total((amount for _, amount in seen.credits), currency)
    used = seen.amount - (applied - credits) - held.unapplied
    return used if used else None


def _shown(applied: Sequence[tuple[str, Money]]) -> str:
    return ", ".join(f"{amount} of {invoice_id}" for invoice_id, amount in sorted(applied)) or "nothing"


def _number(row: Row, name: str) -> str:
    """An account's own id; Intacct may show it with its title: `1010--Cash`."""
    return row.get(name, "").partition("--")[0]


def _not_there(intent: ReversalIntent) -> str:
    return f"Sage Intacct has no receipt {intent.payment_erp_id} ({intent.payment_external_id})"


def _answered(intent: ReversalIntent, outcome: Outcome, why: str, code: str = "") -> Answer:
    return Answer(intent.external_id, outcome, code=code, message=why)
