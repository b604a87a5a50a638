"""`connector check`: may the connector be switched on, and what is to be done first?

Each adapter looks at its own side; what lies between them is looked at here: who else mails and posts, whether the
books agree at the opening, how old the facts are, what waits. Only reads; what isn't in order says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from connector import business_days
from connector.decisions import limits
from connector.decisions.clearing import ClearingKind, ClearingProof
from connector.errors import ConnectorError
from connector.money import Money
from connector.parts import InstallationGuard, Parts
from connector.policy import EMAIL, BacklogChoice, ClosedPeriod, Switch, freest
from connector.ports import Finding, OtherSender
from connector.receivables import CreditKind, InvoiceStatus
from connector.settlement import (
    AccountBalance,
    AccountRole,
    PayoutState,
    Settlement,
    SettleThrough,
    first_open_on,
    why_closed,
)
from connector.store import Tx, book, history, orders, parse_instant, restoring, settling

AGAIN = "See the sentence before, then run `connector check` again."
# So far back payments are looked at for who posted them.
LOOK_BACK = timedelta(days=30)

_ON_ITS_WAY = (PayoutState.PENDING, PayoutState.IN_TRANSIT)
_BACKLOG = {
    BacklogChoice.WORKLIST: "only people see them, no mail leaves (`backlog: worklist`)",
    BacklogChoice.STATEMENT: "each customer gets one neutral statement (`backlog: statement`)",
    BacklogChoice.NEXT_STEP: "reminders go on at the next step to come (`backlog: next_step`)",
}
_BY_PEOPLE = ": it does nothing outside by itself"
_Look = tuple[str, frozenset[str], Callable[[], Iterable[Finding]]]


def findings(parts: Parts) -> tuple[Finding, ...]:
    """All of them, side by side as they should be read. A side that can't be reached is told once, by its own check."""
    found: list[Finding] = []
    unwell: set[str] = set()
    for side, ask in _sides(parts):
        try:
            told = tuple(ask())
        except ConnectorError as error:
            told = (Finding(side, False, str(error), AGAIN),)
        if any(one.blocking and not one.ok for one in told):
            unwell.add(side)
        found += told
    for area, sides, look in Between(parts).looks():
        try:
            found += look()
        except ConnectorError as error:
            if not sides & unwell:
                found.append(Finding(area, False, str(error), AGAIN))
    return tuple(found)


def _sides(parts: Parts) -> Iterator[tuple[str, Callable[[], Iterable[Finding]]]]:
    yield "erp", parts.erp.check
    yield "payments", parts.payments.check
    if parts.statements is not None:
        yield "bank", parts.statements.check
    if parts.crm is not None:
        yield "crm", parts.crm.check
    if parts.chat is not None:
        yield "chat", parts.chat.check
    if parts.mailbox is not None:
        yield "mailbox", parts.mailbox.check
    for name, channel in parts.channels.items():
        yield "mail" if name == EMAIL else name, channel.check


class Between:
    """What no adapter can see alone, at one moment."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._policy = parts.policy
        # What any segment may do by itself has to be in order.
        self._posts = freest(each.post for each in parts.policy.everywhere)
        self._sends = freest(each.send for each in parts.policy.everywhere)
        self._processor = parts.payments.name.capitalize()
        self._now = parts.clock.now()
        self._today = parts.today(self._now)

    def looks(self) -> Iterator[_Look]:
        """What is looked at, and which sides are asked for it."""
        nobody, erp, both = frozenset[str](), frozenset({"erp"}), frozenset({"erp", "payments"})
        yield "installation", erp, self._installation
        yield "switches", nobody, self._switches
        yield "senders", both, self._other_senders
        yield "posting", nobody, self._posting
        yield "posters", nobody, self._other_posters
        yield "opening", nobody, self._cutover
        yield "opening", both, self._opening
        yield "freshness", nobody, self._freshness
        yield "periods", erp, self._periods
        yield "policy", nobody, self._approved
        yield "calendar", nobody, self._calendar
        yield "mailbox", nobody, self._answers
        yield "backlog", nobody, self._backlog

    # ---- who writes, and how far ----

    def _installation(self) -> Iterator[Finding]:
        """A clone, a staging copy or a revived host neither posts nor sends."""
        held = self._parts.erp.read_installation()
        guard = InstallationGuard(self._parts.store, self._parts.erp, self._parts.clock, self._parts.installation)
        try:
            guard.compare(held)
        except ConnectorError as error:
            writes = self._posts is not Switch.SHADOW or self._sends is Switch.AUTO
            remedy = "Find out which host is the right one; the sentence before says how it takes over."
            yield Finding("installation", False, str(error), remedy, blocking=writes)
            return
        is_ours = f"the ERP's installation record is ours: {held.id}, epoch {held.epoch}" if held else ""
        yield Finding("installation", True, is_ours or "no connector has written to this ERP yet")

    def _switches(self) -> Iterator[Finding]:
        for what, stop in (("posting", "post"), ("sending", "send")):
            told = self._policy.switched(stop)
            words = {"auto": ": it works by itself", "suggest": _BY_PEOPLE, "shadow": _BY_PEOPLE}.get(told, "")
            yield Finding("switches", True, f"{what} is in {told}{words}", blocking=False)
            with self._parts.store.read() as tx:
                stopped = orders.stopped(tx, stop)
            if stopped:
                remedy = f"When the reason is gone: `connector stop {stop} --lift`."
                yield Finding("switches", False, f"{what} was {stopped}", remedy, blocking=False)
        with self._parts.store.read() as tx:
            alarm, restored = tx.get("alarm"), restoring.why_blocked(tx)
        if restored:
            remedy = "Until then what is auto runs as suggest, and what was due counts as sent."
            yield Finding("switches", False, restored, remedy, blocking=False)
        if alarm:
            yield Finding("switches", False, alarm, "It ends by itself when the open invoices add up again.")
        mails = self._sends is Switch.AUTO and not self._parts.channel.redirect_all_to
        for name, address in self._policy.senders:
            if address.endswith(".example"):
                what = f"senders.{name} is still an example address"
                remedy = "Put your own address there, in mappings/policy.yaml."
                yield Finding("switches", False, what, remedy, blocking=mails)

    def _other_senders(self) -> Iterator[Finding]:
        """RULES 4.2: each is switched off or acknowledged, or two systems write to one customer."""
        found = (*self._parts.erp.other_senders(), *self._parts.payments.other_senders())
        known = self._policy.acknowledged_senders
        yield from (self._sender(one, one.name in known) for one in found)
        if not found:
            yield Finding("senders", True, "nobody else was found who reminds these customers")
        for name in sorted(set(known) - {one.name for one in found}):
            what = f"acknowledged_senders names {name}, which isn't found"
            remedy = "Take it out of mappings/policy.yaml if it is gone, or correct its spelling."
            yield Finding("senders", False, what, remedy, blocking=False)

    def _sender(self, one: OtherSender, is_known: bool) -> Finding:
        if is_known:
            return Finding("senders", True, f"{one.what}. Acknowledged in the policy as {one.name}")
        remedy = (
            f"Switch it off; or, if both may write, name {one.name} under acknowledged_senders in "
            "mappings/policy.yaml. Until then no reminder leaves."
        )
        return Finding("senders", False, one.what, remedy, blocking=self._sends is Switch.AUTO)

    def _posting(self) -> Iterator[Finding]:
        """RULES 1.10: who posts in each currency, and where does it go?"""
        settlements = {one.currency: one for one in self._parts.erp.settlements}
        named = {currency for currency, _ in self._policy.posting_owners if currency != "*"}
        for currency in sorted(settlements.keys() | named):
            yield self._owner(currency, settlements.get(currency))
        if not settlements and not named:
            who = "we post" if self._policy.posts("*") else "somebody else posts"
            what = f"every currency: {who} payments; payouts are only shown, since `settlement` names no currency"
            yield Finding("posting", True, what)
        for currency, settlement in settlements.items():
            lacking = _lacking(settlement) if self._policy.posts(currency) else ()
            if lacking:
                what = f"{currency}: no account for {', '.join(lacking)}; a payout that has such a part is held"
                remedy = f"Give the accounts under `settlement` in {self._parts.erp.mapping}."
                yield Finding("posting", False, what, remedy, blocking=False)

    def _owner(self, currency: str, settlement: Settlement | None) -> Finding:
        if not self._policy.posts(currency):
            what = f"{currency}: somebody else posts payments and deposits; we match, hold reminders and read back"
            if settlement is None:
                return Finding("posting", True, what)
            remedy = f"If we should post: `posting_owner: {{{currency}: us}}` in mappings/policy.yaml."
            return Finding("posting", False, f"{what}. Its `settlement` isn't used", remedy, blocking=False)
        if settlement is None:
            what = f"{currency}: we post payments to undeposited funds; its payouts are only shown"
            remedy = f"Add it to `settlement` in {self._parts.erp.mapping} if its payouts are to be posted."
            return Finding("posting", False, what, remedy, blocking=False)
        deposits = "each payout becomes a deposit" if AccountRole.BANK in settlement.roles else "payouts are only shown"
        return Finding("posting", True, f"{currency}: we post payments, through {settlement.through}; {deposits}")

    def _other_posters(self) -> Iterator[Finding]:
        """RULES 1.9: what others posted is adopted, but two who post the same money will one day do so at once."""
        with self._parts.store.read() as tx:
            got = history.payments_received(tx, self._today - LOOK_BACK, self._today)
        what = f"payments of the last {LOOK_BACK.days} days that somebody else posted: {got.adopted} of {got.count}"
        if got.adopted and self._posts is Switch.AUTO:
            remedy = (
                "If a system does it (Stripe's own connector, a billing platform), switch it off there, or set "
                "posting_owner: other. People may go on: what they post first is adopted."
            )
            yield Finding("posters", False, what, remedy, blocking=False)
        else:
            yield Finding("posters", True, what)

    # ---- the books at the opening (RULES 1.11) ----

    def _cutover(self) -> Iterator[Finding]:
        day = self._parts.cutover_on
        if day > self._today:
            what = f"the cutover is on {day}, still to come: what is received until then is never posted"
            remedy = "Right if others post until then; else correct stripe.cutover_on."
            yield Finding("opening", False, what, remedy, blocking=False)
        else:
            yield Finding("opening", True, f"money received before {day} holds reminders and is never posted")

    def _opening(self) -> Iterator[Finding]:
        """Open AR against the control account, clearing against the processor, and what is unexplained of each."""
        counts: dict[str, int] = {}
        open_ar: dict[str, Money] = {}
        for one in self._parts.erp.read_totals():
            counts[one.currency] = counts.get(one.currency, 0) + one.count
            open_ar[one.currency] = open_ar.get(one.currency, Money.zero(one.currency)) + one.open_amount
        standing = self._parts.erp.read_balances(self._today)
        for currency in sorted(open_ar.keys() | {one.currency for one in standing if one.amount}):
            invoices = f"{open_ar.get(currency, Money.zero(currency))} in {counts.get(currency, 0)} open invoices"
            yield self._receivable(currency, invoices, open_ar.get(currency), standing)
        settled = [entry for entry in self._parts.erp.settlements if self._policy.posts(entry.currency)]
        if settled:
            held = {amount.currency: amount for amount in self._parts.payments.read_balance(self._now).balances}
            for settlement in settled:
                yield from self._clearing(settlement, held.get(settlement.currency), standing)

    def _receivable(
        self, currency: str, invoices: str, open_ar: Money | None, standing: Iterable[AccountBalance]
    ) -> Finding:
        control = _on_role(standing, AccountRole.RECEIVABLE, currency)
        with self._parts.store.read() as tx:
            _, read_at, _ = book.source_state(tx, "erp")
            credits = history.credit_totals(tx)
        words = f"{currency}: {invoices}; the receivables accounts hold {control}"
        if read_at is None:
            return Finding("opening", True, f"{words}. Unapplied cash is read by the first pass")
        zero = Money.zero(currency)
        cash = credits.get((currency, CreditKind.UNAPPLIED_PAYMENT), zero)
        cash += credits.get((currency, CreditKind.CUSTOMER_DEPOSIT), zero)
        memos = credits.get((currency, CreditKind.CREDIT_MEMO), zero)
        rest = control - ((open_ar or zero) - cash - memos)
        words = f"{words}; unapplied cash {cash}, open credit memos {memos}; unexplained {rest}"
        remedy = "`connector report` names the parts. Most often a journal entry, or an entry that names no customer."
        return Finding("opening", not rest, words, remedy if rest else "", blocking=False)

    def _clearing(self, one: Settlement, held: Money | None, standing: Iterable[AccountBalance]) -> Iterator[Finding]:
        currency = one.currency
        if held is None:
            yield Finding("opening", True, f"{currency}: {self._processor} has no balance of it to compare with")
            return
        with self._parts.store.read() as tx:
            in_transit = _on_its_way(tx, currency)
            first = next((row for row in history.first_proofs(tx) if row[1] == currency), None)
            latest = next((row for row in settling.proofs(tx) if row[1] == currency), None)
        words = f"{currency}: {self._processor} holds {held}, on its way to the bank {in_transit}"
        if one.through is SettleThrough.UNDEPOSITED:
            what = f"{words}. Compare with undeposited funds (saved search or view: Undeposited for too long)"
            yield Finding("opening", True, what)
            return
        words = f"{words}, the clearing account {_on_role(standing, AccountRole.CLEARING, currency)}"
        if first is None or latest is None:
            yield Finding("opening", True, f"{words}. The first pass names what lies between them")
            return
        yield Finding("opening", True, words)
        yield self._proof(f"{currency} at the opening on {first[0]}", book.from_json(ClearingProof, first[2]))
        if latest[0] != first[0]:
            yield self._proof(f"{currency} on {latest[0]}", book.from_json(ClearingProof, latest[2]))

    def _proof(self, when: str, proof: ClearingProof) -> Finding:
        what = f"{when}: {_in_one_line(proof, self._processor)}"
        remedy = "`connector report` names the parts. Look for entries on the clearing account without a Stripe id."
        return Finding("opening", not proof.unexplained, what, remedy if proof.unexplained else "", blocking=False)

    # ---- how old, and when ----

    def _freshness(self) -> Iterator[Finding]:
        parts, allowed = self._parts, self._policy.freshness
        feeds = [
            ("erp", "the ERP", allowed.erp_minutes_max),
            (parts.payments.name, "payments", allowed.payments_minutes_max),
            (f"{parts.payments.name}_payouts", "payouts", allowed.payments_minutes_max),
        ]
        if parts.crm is not None:
            feeds.append((parts.crm.name, "the CRM", self._policy.crm_hours_max * 60))
        if parts.mailbox is not None:
            feeds.append((parts.mailbox.name, "customers' answers", allowed.payments_minutes_max))
        with parts.store.read() as tx:
            read = [(shown, minutes, book.source_state(tx, name)[1]) for name, shown, minutes in feeds]
            passed = tx.get("last_tick_at")
        if all(at is None for _, _, at in read):
            remedy = "`connector plan` shows what a first pass would do; `connector run` begins."
            yield Finding("freshness", False, "nothing was read yet", remedy, blocking=False)
            return
        if passed:
            yield Finding("freshness", True, f"the last pass of the loop ended {self._ago(parse_instant(passed))}")
        for shown, minutes, at in read:
            age = "never" if at is None else self._ago(at)
            is_fresh = at is not None and self._now - at <= timedelta(minutes=minutes)
            what = f"{shown}: last read completely {age}, allowed {_long(timedelta(minutes=minutes))}"
            remedy = "Is `connector run` up? Its log names the source that can't be read. Meanwhile no mail leaves."
            yield Finding("freshness", is_fresh, what, "" if is_fresh else remedy, blocking=False)

    def _ago(self, at: datetime) -> str:
        return f"{_long(max(self._now - at, timedelta()))} ago"

    def _periods(self) -> Iterator[Finding]:
        periods = self._parts.erp.read_periods()
        if first_open_on(periods, self._today, self._today) == self._today:
            named = [one.name for one in periods if one.first_on <= self._today <= one.last_on]
            words = f"today's period {named[0]} is open" if named else "the ERP shows no accounting periods"
            yield Finding("periods", True, words)
            return
        what = why_closed(periods, self._today)
        if self._policy.closed_period is ClosedPeriod.HOLD:
            remedy = "What is received today waits (`closed_period: hold`). Open the period, or set first_open."
        else:
            remedy = "What is received today is posted on the first day of the first open period, once there is one."
        yield Finding("periods", False, what, remedy, blocking=False)

    def _answers(self) -> Iterator[Finding]:
        """Are answers sent where they are read?"""
        if self._parts.mailbox is not None and not self._parts.reply_to:
            what = "customers' answers go to the senders' own addresses, since mail.reply_to is empty"
            yield Finding("mailbox", False, what, "Set mail.reply_to to the mailbox that is read.", blocking=False)

    def _approved(self) -> Iterator[Finding]:
        with self._parts.store.read() as tx:
            why = self._parts.blocked(tx)
        wants = any(Switch.AUTO in (each.post, each.send) for each in self._policy.everywhere)
        if not why:
            yield Finding("policy", True, f"policy {self._policy.version} is approved and may run auto")
        elif wants:
            remedy = "Run `connector policy check`, then `connector policy propose`; somebody else approves it."
            yield Finding("policy", False, f"what is auto runs as suggest: {why}", remedy, blocking=False)
        else:
            yield Finding("policy", True, "nothing is auto, so the policy needs no approval yet")

    def _calendar(self) -> Iterator[Finding]:
        calendar, here = self._policy.calendar, self._now.astimezone(self._parts.zone)
        quiet = business_days.why_quiet(calendar, here)
        if not quiet:
            yield Finding("calendar", True, f"mail may leave now, {here:%A %H:%M} in the ledger's zone")
        elif opens := business_days.next_send_at(self._now, calendar, self._parts.zone):
            yield Finding(
                "calendar",
                True,
                f"{quiet}; the next may leave on {opens.astimezone(self._parts.zone):%A %Y-%m-%d at %H:%M}",
            )
        else:
            remedy = "Correct `calendar` in mappings/policy.yaml."
            yield Finding("calendar", False, f"{quiet}, and never in the year to come", remedy, blocking=False)
        frozen = limits.why_frozen(calendar, self._today)
        yield Finding("calendar", True, frozen or "nothing in the calendar stands against posting today")

    def _backlog(self) -> Iterator[Finding]:
        with self._parts.store.read() as tx:
            rows = [row for row in book.backlog_rows(tx) if row["status"] == InvoiceStatus.OPEN]
            _, read_at, _ = book.source_state(tx, "erp")
        if read_at is None:
            yield Finding("backlog", True, "which invoices are overdue from before is known after the first pass")
            return
        if not rows:
            yield Finding("backlog", True, "no invoice is overdue from before sending was switched on")
            return
        sums: dict[str, Money] = {}
        for row in rows:
            currency = row["currency"]
            sums[currency] = sums.get(currency, Money.zero(currency)) + Money(row["balance"], currency)
        owed = ", ".join(str(amount) for _, amount in sorted(sums.items()))
        customers = len({row["customer_id"] for row in rows})
        what = (
            f"overdue from before sending was switched on: {len(rows)} invoices of {customers} customers, {owed}; "
            f"{_BACKLOG[self._policy.backlog]}"
        )
        remedy = (
            "Choose `backlog` in mappings/policy.yaml before `send: auto`; the search or view Backlog lists them. Past "
            "`backlog_limits` they stay with people."
        )
        yield Finding("backlog", True, what, remedy, blocking=False)


def _lacking(settlement: Settlement) -> tuple[str, ...]:
    """Roles without which an ordinary payout may be held; without a bank account payouts are only shown anyway."""
    wanted = [AccountRole.FEES, AccountRole.DISPUTES, AccountRole.ADJUSTMENTS, AccountRole.RESERVES]
    wanted.insert(0, AccountRole.CLEARING if settlement.through is SettleThrough.CLEARING else AccountRole.REFUNDS)
    if AccountRole.BANK not in settlement.roles:
        return ()
    return tuple(role.value for role in wanted if role not in settlement.roles)


def _on_role(standing: Iterable[AccountBalance], role: AccountRole, currency: str) -> Money:
    return Money.total((one.amount for one in standing if one.role is role and one.currency == currency), currency)


def _on_its_way(tx: Tx, currency: str) -> Money:
    payouts = (payout for payout, _ in settling.all_payouts(tx, currency))
    return Money.total((one.amount for one in payouts if one.state in _ON_ITS_WAY), currency)


def _in_one_line(proof: ClearingProof, processor: str) -> str:
    moving = [one.amount for one in proof.items if one.kind is ClearingKind.IN_TRANSIT]
    named = [one.amount for one in proof.items if one.kind is not ClearingKind.IN_TRANSIT]
    currency = proof.ledger.currency
    return (
        f"clearing {proof.ledger} = {processor} {proof.processor} + in transit {Money.total(moving, currency)} + named "
        f"{Money.total(named, currency)} + unexplained {proof.unexplained}"
    )


def _long(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
