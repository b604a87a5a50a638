"""Step 5's other half: each payout becomes the deposit that it is, to the minor unit, or is held with its figures.

The payout governs the deposit, never the match (RULES 1.1). What is decided is one commit, the intent row; a durable
act then writes it, reads it back and compares.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import TypeVar

from connector.decisions import payouts
from connector.decisions.payouts import PayoutOutcome
from connector.engine import reached
from connector.errors import ConnectorError, InvariantBroken, Terminal, Transient
from connector.money import Money
from connector.parts import Parts, unforeseen
from connector.ports import Erp, Outcome, on_its_way_until
from connector.settlement import (
    AccountRole,
    DepositIntent,
    DepositSeen,
    Payout,
    PayoutState,
)
from connector.store import Store, Tx, settling, verdicts
from connector.store.settling import Deposit, DepositState

T = TypeVar("T")

# A write is tried, looked up and tried again this often within one run; then the next tick goes on.
ROUNDS_MAX = 3


def settle_payouts(parts: Parts, today: date) -> None:
    """Decide every payout that isn't settled yet, record the deposits that follow, and carry them out.

    One payout that can't be decided or looked up is told at the end and keeps no other from its deposit.
    """
    troubles: list[ConnectorError] = []
    with parts.store.tx() as tx:
        is_new_day = tx.get("deposits_on") != today.isoformat()
        if is_new_day:
            settling.retry_refused(tx)  # what the ERP refused is tried again on a new day
            tx.set("deposits_on", today.isoformat())
        _tell_bounced(tx)
        _set_aside(tx, parts)
        waiting = settling.payouts(tx)
        bounced = settling.payouts(tx, ["bounced"])
        settled = _settled_currencies(parts)
        late = [
            one
            for one in settling.payouts(tx, ["unsettled"])
            if one.state is PayoutState.PAID and one.amount.currency in settled
        ]
    if is_new_day:
        _apart(troubles, lambda: _look_at_different(parts))
    decided: list[tuple[Payout, payouts.PayoutVerdict]] = []
    for payout in waiting:
        verdict = _apart(troubles, partial(_decide, parts, payout, today))
        if verdict:
            decided.append((payout, verdict))
    # An effect by others seen before our write is adopted, never repeated; a held one is posted by a person.
    asked = [payout for payout, verdict in decided if verdict.outcome in (PayoutOutcome.POST, PayoutOutcome.HELD)]
    posted, unknown = _posted(parts, [*asked, *bounced, *late], troubles)
    _apart(troubles, partial(_take_voided, parts, bounced, posted, unknown))
    with parts.store.tx() as tx:
        for payout in late:
            _tell_late(tx, payout, posted.get(payout.id))
    for payout, verdict in decided:
        if payout.id not in unknown:
            _record(parts, payout, verdict, posted.get(payout.id))
        reached("deposit.committed")
    _apart(troubles, lambda: carry_out(parts))
    if troubles:
        raise troubles[-1]


def _apart(troubles: list[ConnectorError], act: Callable[[], T]) -> T | None:
    """Do this for one payout; what fails is noted, and the others have nothing to do with it."""
    try:
        return act()
    except ConnectorError as error:
        troubles.append(error)
    except InvariantBroken:
        raise
    except Exception as error:
        troubles.append(unforeseen("settle payouts", error))
    return None


def _settled_currencies(parts: Parts) -> list[str]:
    with_bank = (one.currency for one in parts.erp.settlements if AccountRole.BANK in one.roles)
    return [currency for currency in with_bank if parts.policy.posts(currency)]


def _set_aside(tx: Tx, parts: Parts) -> None:
    """Payouts of currencies that somebody else posts, or that have no bank account here: kept, shown, not decided."""
    settled = _settled_currencies(parts)
    for payout in settling.payouts(tx):
        currency = payout.amount.currency
        if currency not in settled:
            settling.set_standing(tx, payout.id, "unsettled" if parts.policy.posts(currency) else "observed")


def _tell_late(tx: Tx, payout: Payout, seen: DepositSeen | None) -> None:
    """It came before its bank account was named here: somebody may have posted it by hand, so nobody guesses."""
    if seen and not seen.voided:
        _adopt(tx, payout, seen, otherwise="unsettled")
        return
    verdicts.open_exception(
        tx,
        "payout_held",
        payout.id,
        f"payout {payout.id} of {payout.amount} came before a bank account was named for {payout.amount.currency}; "
        "if it isn't in the ERP yet, post it there with this id in the memo, and it is adopted",
        amount=payout.amount,
    )


def _posted(
    parts: Parts, asked: Sequence[Payout], troubles: list[ConnectorError]
) -> tuple[dict[str, DepositSeen], set[str]]:
    """Deposits that the ERP has of these payouts, and the payouts of which that can't be said now."""
    found: dict[str, DepositSeen] = {}
    unknown: set[str] = set()
    ids = [payout.id for payout in asked]
    try:
        return (parts.erp.find_deposits(ids) if ids else {}), unknown
    except (Transient, InvariantBroken):
        raise
    except Exception:  # one record that can't be read must not hide the others: each by itself
        for id in ids:
            seen = _apart(troubles, partial(parts.erp.find_deposits, [id]))
            if seen is None:
                unknown.add(id)
            else:
                found |= seen
    return found, unknown


def _record(parts: Parts, payout: Payout, verdict: payouts.PayoutVerdict, seen: DepositSeen | None) -> None:
    """The one commit: adopt what others posted, or put down the intent."""
    with parts.store.tx() as tx:
        if seen and not seen.voided:
            _adopt(tx, payout, seen)
        elif verdict.intent and not parts.posting_forbidden(tx):
            verdicts.close_exceptions(tx, exception_id=f"payout_held:{payout.id}", reason="it adds up by now")
            settling.put_deposit(tx, verdict.intent)


def _look_at_different(parts: Parts) -> None:
    """Has a person corrected a deposit that was not what was meant? It is only read, never written again."""
    with parts.store.read() as tx:
        different = settling.deposits(tx, [DepositState.DIFFERENT])
    for deposit in different:
        seen = parts.erp.read_deposit(deposit.intent)
        if seen and not differences(deposit.intent, seen):
            with parts.store.tx() as tx:
                _close(tx, deposit, seen)


def carry_out(parts: Parts) -> None:
    """Run every unfinished deposit to its end, or to where the ERP lets it."""
    with parts.store.read() as tx:
        if parts.posting_forbidden(tx):
            return
        unfinished = settling.deposits(tx, settling.UNFINISHED)
    troubles: list[ConnectorError] = []
    for deposit in unfinished:
        with parts.store.tx() as tx:
            attempt = tx.journal("deposit_started", act=deposit.id)
        _apart(troubles, partial(parts.run, "deposit", f"{deposit.id}#{parts.owner}-{attempt}"))
    if troubles:
        raise troubles[-1]


def _decide(parts: Parts, payout: Payout, today: date) -> payouts.PayoutVerdict:
    """The verdict on one payout, and in the same commit what a person must see of it."""
    with parts.store.tx() as tx:
        verdict = _verdict(tx, parts, payout, today)
        inputs = {"amount": str(payout.amount), "state": payout.state, "members": len(payout.members)}
        verdicts.put_verdict(
            tx, f"payout:{payout.id}", "payout", verdict.outcome, verdict.reason, inputs, parts.policy.version
        )
        if verdict.outcome is PayoutOutcome.OBSERVED:
            settling.set_standing(tx, payout.id, "observed")
        elif verdict.outcome is PayoutOutcome.HELD:
            settling.set_standing(tx, payout.id, "held")
            verdicts.open_exception(tx, "payout_held", payout.id, verdict.reason, amount=payout.amount)
        elif verdict.outcome is PayoutOutcome.REVERSED:
            settling.set_standing(tx, payout.id, "gone")
            _settled(tx, payout.id, verdict.reason)
    return verdict


def _verdict(tx: Tx, parts: Parts, payout: Payout, today: date) -> payouts.PayoutVerdict:
    generation = settling.generation(tx, payout.id)
    return payouts.decide(
        payout,
        parts.settlement(payout.amount.currency),
        settling.payments_in_erp(tx, [m.payment_id for m in payout.members if m.payment_id]),
        cutover_on=parts.cutover_on,
        periods=parts.periods(tx),
        closed_period=parts.policy.closed_period,
        installation=parts.installation,
        generation=generation,
        act_id=f"{payout.id}-{generation}",
        today=today,
        created_on=parts.today(payout.created_at),
    )


def _tell_bounced(tx: Tx) -> None:
    """RULES 3: reverse the deposit or transfer only; the customers' payments stay applied."""
    for payout in settling.failed_after_deposit(tx):
        settling.set_standing(tx, payout.id, "bounced")
        verdicts.open_exception(
            tx,
            "payout_failed",
            payout.id,
            f"payout {payout.id} of {payout.amount} bounced after its deposit was posted; void that deposit in the ERP "
            "and nothing else: the customers' payments stay applied",
            amount=payout.amount,
        )


def _take_voided(parts: Parts, bounced: Sequence[Payout], posted: Mapping[str, DepositSeen], unknown: set[str]) -> None:
    """What bounced is over once a person has voided or deleted its deposit.

    Not to be found proves nothing; the ERP's own word that a deposit of ours isn't there does.
    """
    for payout in bounced:
        seen = posted.get(payout.id)
        if payout.id in unknown or (seen and not seen.voided):
            continue
        with parts.store.read() as tx:
            ours = settling.deposit_of(tx, payout.id)
        if seen is None and (ours is None or parts.erp.read_deposit(ours.intent) is not None):
            continue
        with parts.store.tx() as tx:
            settling.set_standing(tx, payout.id, "gone")
            verdicts.close_exceptions(tx, exception_id=f"payout_failed:{payout.id}", reason="its deposit was voided")


def _adopt(tx: Tx, payout: Payout, seen: DepositSeen, otherwise: str = "held") -> None:
    """Posted by others under this payout's id: adopted if it is the same money, else shown."""
    if seen.amount == payout.amount:
        settling.set_standing(tx, payout.id, "adopted")
        _settled(tx, payout.id, f"posted by others as {seen.erp_id}")
        tx.journal("payout_adopted", payout=payout.id, erp_id=seen.erp_id)
        return
    settling.set_standing(tx, payout.id, otherwise)
    verdicts.open_exception(
        tx,
        "payout_held",
        payout.id,
        f"deposit {seen.erp_id} in the ERP names this payout with {seen.amount}, the payout is {payout.amount}; "
        "nothing is posted beside it. Correct that deposit, or void it and this one is posted",
        amount=payout.amount,
    )


def differences(intent: DepositIntent, seen: DepositSeen) -> tuple[str, ...]:
    """In what does the ERP's deposit differ from the one that was meant? Empty: in nothing."""
    found = []
    if seen.voided:
        found.append("it was voided")
    if seen.amount != intent.amount:
        found.append(f"its total is {seen.amount}, meant: {intent.amount}")
    if sorted(seen.payments) != sorted(erp_id for erp_id, _ in intent.payments):
        found.append(f"it holds {len(seen.payments)} payments, meant: {len(intent.payments)}")
    meant: dict[str, Money] = {}
    for line in intent.lines:
        meant[line.role] = meant[line.role] + line.amount if line.role in meant else line.amount
    there = {role: amount for role, amount in seen.by_role if amount}
    for role in sorted(meant.keys() | there.keys()):
        if meant.get(role) != there.get(role):
            found.append(
                f"{role or 'another account'}: {there.get(role, 'nothing')}, meant: {meant.get(role, 'nothing')}"
            )
    return tuple(found)


class DepositAct:
    """Carries one deposit to its end. Each step looks first and may run twice."""

    def __init__(
        self,
        store: Store,
        erp: Erp,
        verify_installation: Callable[[], None],
        posting_forbidden: Callable[[Tx], str],
        posts: Callable[[str], bool] = lambda currency: True,
    ) -> None:
        self._store = store
        self._erp = erp
        self._verify_installation = verify_installation
        self._posting_forbidden = posting_forbidden
        self._posts = posts
        # A run recovered after a kill and the tick's own run must not work on one deposit at the same time.
        self._turn = threading.Lock()

    def steps(self) -> tuple[tuple[str, Callable[[str], None]], ...]:
        return (("write", self.write), ("read_back", self.read_back))

    def write(self, request: str) -> None:
        """Bring the deposit to one in the ERP or to a refusal; what stays unknown waits for the next tick."""
        with self._turn:
            for _ in range(ROUNDS_MAX):
                for deposit in self._at(request, DepositState.ATTEMPTED):
                    self._look(deposit)
                intended = self._at(request, DepositState.INTENDED)
                if not intended or not self._attempt(intended[0]):
                    return

    def _look(self, deposit: Deposit) -> None:
        """A write was begun and its answer is not known: read back before anything is tried again."""
        seen = self._erp.read_deposit(deposit.intent)
        with self._store.tx() as tx:
            if seen is None and (until := on_its_way_until(deposit.attempted_at, self._erp, tx.at)):
                problem = f"not there yet; its write may still be carried out until {until:%Y-%m-%d %H:%M} UTC"
                settling.move(tx, deposit.id, DepositState.ATTEMPTED, problem=problem)
            elif seen is None:
                settling.move(tx, deposit.id, DepositState.INTENDED, problem="looked in the ERP: not there yet")
            else:
                settling.move(tx, deposit.id, DepositState.WRITTEN, erp_id=seen.erp_id)

    def _attempt(self, deposit: Deposit) -> bool:
        """One write. False: the ERP took nothing just now, so this run is over."""
        try:
            self._verify_installation()
            # It was decided perhaps days ago.
            posted = self._erp.find_deposits([deposit.payout_id]).get(deposit.payout_id)
        except ConnectorError as error:
            self._not_now(deposit, error)
            return False
        with self._store.tx() as tx:
            if self._posting_forbidden(tx):
                return False  # a person stopped posting; the deposit stays as it is
            why = _overtaken(settling.payout_state(tx, deposit.payout_id), posted)
            if not self._posts(deposit.intent.amount.currency):
                why = f"somebody else posts {deposit.intent.amount.currency} by now"
            if why:
                settling.withdraw(tx, deposit, why)  # the next tick decides this payout anew
                return False
            settling.move(tx, deposit.id, DepositState.ATTEMPTED, attempt=True)
        reached("deposit.attempted")
        try:
            answer = self._erp.write_deposit(deposit.intent)
        except (Transient, Terminal) as error:
            self._not_now(deposit, error)
            return False
        reached("deposit.answered")
        with self._store.tx() as tx:
            tx.journal("erp_answered", act=deposit.id, outcome=answer.outcome, code=answer.code)
            if answer.outcome in (Outcome.CREATED, Outcome.EXISTS):
                settling.move(tx, deposit.id, DepositState.WRITTEN, erp_id=answer.erp_id)
            elif answer.outcome is Outcome.REFUSED:
                self._refuse(tx, deposit, answer.message or answer.code)
            elif answer.outcome is Outcome.EXISTS_DIFFERENT:
                self._differ(tx, deposit, [answer.message])
            # UNKNOWN stays ATTEMPTED: the next round looks first.
        reached("deposit.written")
        return True

    def _not_now(self, deposit: Deposit, error: ConnectorError) -> None:
        with self._store.tx() as tx:
            settling.move(tx, deposit.id, DepositState.INTENDED, problem=str(error))

    def _refuse(self, tx: Tx, deposit: Deposit, why: str) -> None:
        settling.move(tx, deposit.id, DepositState.REFUSED, problem=why)
        settling.refused(tx, deposit.payout_id)
        verdicts.open_exception(
            tx,
            "deposit_refused",
            deposit.payout_id,
            f"the ERP refused the deposit of payout {deposit.payout_id}: {why}. Nothing was posted; it is tried again "
            "tomorrow",
            amount=deposit.intent.amount,
        )

    def _differ(self, tx: Tx, deposit: Deposit, found: Sequence[str]) -> None:
        problem = "; ".join(one for one in found if one) or "it differs from the one that was meant"
        settling.move(tx, deposit.id, DepositState.DIFFERENT, problem=problem)
        settling.set_standing(tx, deposit.payout_id, "deposited")
        verdicts.open_exception(
            tx,
            "deposit_difference",
            deposit.payout_id,
            f"the deposit of payout {deposit.payout_id} ({deposit.intent.external_id} in the ERP) isn't the one that "
            f"was meant: {problem}. Nothing more is written; compare the two and correct the ERP's record",
            amount=deposit.intent.amount,
        )

    def read_back(self, request: str) -> None:
        """Does the ERP hold what was meant, to the minor unit?"""
        with self._turn:
            for deposit in self._at(request, DepositState.WRITTEN):
                seen = self._erp.read_deposit(deposit.intent)
                reached("deposit.read_back")
                with self._store.tx() as tx:
                    if seen is None:
                        problem = "answered as made, but not found on read-back"
                        settling.move(tx, deposit.id, DepositState.ATTEMPTED, problem=problem)
                    elif found := differences(deposit.intent, seen):
                        self._differ(tx, deposit, found)
                    else:
                        _close(tx, deposit, seen)
                reached("deposit.closed")

    def _at(self, request: str, state: DepositState) -> tuple[Deposit, ...]:
        with self._store.read() as tx:
            return settling.deposits(tx, [state], request.partition("#")[0])


def _close(tx: Tx, deposit: Deposit, seen: DepositSeen) -> None:
    settling.move(tx, deposit.id, DepositState.CLOSED, erp_id=seen.erp_id)
    settling.set_standing(tx, deposit.payout_id, "deposited")
    _settled(tx, deposit.payout_id, "the deposit is posted")


def _settled(tx: Tx, payout_id: str, reason: str) -> None:
    for kind in ("payout_held", "deposit_refused", "deposit_difference"):
        verdicts.close_exceptions(tx, exception_id=f"{kind}:{payout_id}", reason=reason)


def _overtaken(state: PayoutState, posted: DepositSeen | None) -> str:
    """Why must a deposit that was decided not be written any more? '' if it may."""
    if posted and not posted.voided:
        return f"the ERP has deposit {posted.erp_id} of this payout"
    return "" if state is PayoutState.PAID else f"the payout is {state.value} by now"
