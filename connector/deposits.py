"""Step 5's other half: each payout becomes the deposit that it is, to the minor unit, or is held with its figures.

The payout governs the deposit, never the match (RULES 1.1). What is decided is one commit, the intent row; a durable
act then writes it, reads it back and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial

from connector.decisions import payouts
from connector.decisions.payouts import PayoutOutcome
from connector.engine import reached
from connector.errors import ConnectorError, InvariantBroken, Transient
from connector.faults import told_apart
from connector.money import Money
from connector.one_write import OneWrite
from connector.parts import Parts
from connector.ports import Answer, Erp
from connector.settlement import (
    AccountRole,
    DepositIntent,
    DepositSeen,
    Payout,
    PayoutState,
)
from connector.store import Store, Tx, settling, verdicts, writing
from connector.store.settling import Deposit
from connector.store.writing import WriteState


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
        told_apart(troubles, "settle payouts", lambda: _look_at_different(parts))
    decided: list[tuple[Payout, payouts.PayoutVerdict]] = []
    for payout in waiting:
        verdict = told_apart(troubles, "settle payouts", partial(_decide, parts, payout, today))
        if verdict:
            decided.append((payout, verdict))
    # An effect by others seen before our write is adopted, never repeated; a held one is posted by a person.
    asked = [payout for payout, verdict in decided if verdict.outcome in (PayoutOutcome.POST, PayoutOutcome.HELD)]
    posted, unknown = _posted(parts, [*asked, *bounced, *late], troubles)
    told_apart(troubles, "settle payouts", partial(_take_voided, parts, bounced, posted, unknown))
    with parts.store.tx() as tx:
        for payout in late:
            _tell_late(tx, payout, posted.get(payout.id))
    for payout, verdict in decided:
        if payout.id not in unknown:
            _record(parts, payout, verdict, posted.get(payout.id))
        reached("deposit.committed")
    told_apart(troubles, "settle payouts", lambda: carry_out(parts))
    if troubles:
        raise troubles[-1]


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
            seen = told_apart(troubles, "settle payouts", partial(parts.erp.find_deposits, [id]))
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
        different = settling.deposits(tx, [WriteState.DIFFERENT])
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
        unfinished = settling.deposits(tx, writing.UNFINISHED)
    troubles: list[ConnectorError] = []
    for deposit in unfinished:
        with parts.store.tx() as tx:
            attempt = tx.journal("deposit_started", act=deposit.id)
        told_apart(troubles, "settle payouts", partial(parts.run, "deposit", f"{deposit.id}#{parts.owner}-{attempt}"))
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


class DepositAct(OneWrite[Deposit, DepositSeen, DepositSeen | None]):
    """Carries one deposit to its end."""

    kind = "deposit"

    def __init__(
        self,
        store: Store,
        erp: Erp,
        verify_installation: Callable[[], None],
        posting_forbidden: Callable[[Tx], str],
        posts: Callable[[str], bool] = lambda currency: True,
    ) -> None:
        super().__init__(store, erp, verify_installation)
        self._posting_forbidden = posting_forbidden
        self._posts = posts

    def _rows(self, tx: Tx, state: WriteState, act_id: str) -> tuple[Deposit, ...]:
        return settling.deposits(tx, [state], act_id)

    def _move(
        self, tx: Tx, one: Deposit, state: WriteState, *, problem: str = "", erp_id: str = "", attempt: bool = False
    ) -> None:
        settling.move(tx, one.id, state, problem=problem, erp_id=erp_id, attempt=attempt)

    def _read(self, one: Deposit) -> DepositSeen | None:
        return self._erp.read_deposit(one.intent)

    def _ask(self, one: Deposit) -> DepositSeen | None:
        """Has somebody posted this payout meanwhile?"""
        return self._erp.find_deposits([one.payout_id]).get(one.payout_id)

    def _may_write(self, tx: Tx, one: Deposit, asked: DepositSeen | None) -> bool:
        if self._posting_forbidden(tx):
            return False  # a person stopped posting; the deposit stays as it is
        why = _overtaken(settling.payout_state(tx, one.payout_id), asked)
        if not self._posts(one.intent.amount.currency):
            why = f"somebody else posts {one.intent.amount.currency} by now"
        if why:
            settling.withdraw(tx, one, why)  # the next tick decides this payout anew
        return not why

    def _write(self, one: Deposit) -> Answer:
        return self._erp.write_deposit(one.intent)

    def _refuse(self, tx: Tx, one: Deposit, why: str) -> None:
        settling.move(tx, one.id, WriteState.REFUSED, problem=why)
        settling.refused(tx, one.payout_id)
        verdicts.open_exception(
            tx,
            "deposit_refused",
            one.payout_id,
            f"the ERP refused the deposit of payout {one.payout_id}: {why}. Nothing was posted; it is tried again "
            "tomorrow",
            amount=one.intent.amount,
        )

    def _differ(self, tx: Tx, one: Deposit, found: Sequence[str]) -> None:
        problem = "; ".join(text for text in found if text) or "it differs from the one that was meant"
        settling.move(tx, one.id, WriteState.DIFFERENT, problem=problem)
        settling.set_standing(tx, one.payout_id, "deposited")
        verdicts.open_exception(
            tx,
            "deposit_difference",
            one.payout_id,
            f"the deposit of payout {one.payout_id} ({one.intent.external_id} in the ERP) isn't the one that "
            f"was meant: {problem}. Nothing more is written; compare the two and correct the ERP's record",
            amount=one.intent.amount,
        )

    def _differences(self, one: Deposit, seen: DepositSeen) -> Sequence[str]:
        return differences(one.intent, seen)

    def _close(self, tx: Tx, one: Deposit, seen: DepositSeen) -> None:
        _close(tx, one, seen)


def _close(tx: Tx, deposit: Deposit, seen: DepositSeen) -> None:
    settling.move(tx, deposit.id, WriteState.CLOSED, erp_id=seen.erp_id)
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
