"""Writing closing acts and reading them back: each act one operation of the gateway, carried out whole or not at all.

Three things together keep an act from being written twice, and none of them alone does: the heart's own journal, which
looks before it tries again; control ids that the gateway takes once; and a look for our external id just before each
write, since for how long control ids are remembered is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.adapters.intacct import acts
from connector.adapters.intacct.acts import Act, Ground, Verdict
from connector.adapters.intacct.answers import Results
from connector.adapters.intacct.drafts import Drafts
from connector.adapters.intacct.functions import control_id
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.keeping import Keeping
from connector.adapters.intacct.ledger import Ledger
from connector.adapters.intacct.lines import Unpayable
from connector.adapters.intacct.payments import Held, Payments
from connector.adapters.intacct.records import own_id
from connector.adapters.intacct.settings import IntacctMapping
from connector.adapters.intacct.singly import NOT_SENT
from connector.errors import OutcomeUnknown, Terminal, Transient
from connector.money import Money
from connector.ports import ActAnswer, ActSeen, Answer, Clock, Outcome, PaymentSeen
from connector.receivables import ArStatus, CloseIntent, PaymentToPost


class Posting:
    """One company's payments as we write them. Safe for several threads."""

    def __init__(
        self,
        gateway: Gateway,
        mapping: IntacctMapping,
        ledger: Ledger,
        payments: Payments,
        keeping: Keeping,
        drafts: Drafts,
        clock: Clock,
    ) -> None:
        self._gateway = gateway
        self._mapping = mapping
        self._ledger = ledger
        self._payments = payments
        self._keeping = keeping
        self._drafts = drafts
        self._clock = clock

    # ---- Closing acts ----

    def write_acts(self, intents: Sequence[CloseIntent], statuses: Sequence[ArStatus] = ()) -> tuple[ActAnswer, ...]:
        """One operation an act, and a few acts an operation where many wait. A status goes with the last act of its
        invoice, and an act whose flags are refused is written without them.

        Raises Transient or Terminal only if nothing at all was carried out. When something was, acts that were not
        begun are answered UNKNOWN, so that the answers in hand are not lost.
        """
        call = _Call(intents, statuses, len(intents) >= self._mapping.facts.group_from)
        ready = []
        for intent in intents:
            why = acts.unsayable(self._mapping, intent)
            if why:
                call.answers[intent.act_id] = acts.act_refused(intent, why)
            else:
                ready.append(intent)
        try:
            for wave in acts.waves(ready):
                self._write_wave(call, wave)
        except (Transient, Terminal) as error:
            if not call.something_was_sent:
                raise
            call.leave(ready, str(error))
        return tuple(call.answers[intent.act_id] for intent in intents)

    def _write_wave(self, call: _Call, wave: Sequence[CloseIntent]) -> None:
        there = self._held(wave)
        call.answers |= self._standing([intent for intent in wave if intent.act_id in there], there)
        lacking = [intent for intent in wave if intent.act_id not in there]
        if not lacking:
            return
        ground = self._ground(lacking)
        built, torn = [], []
        for intent in lacking:
            try:
                statuses = call.statuses_of(intent)
                built.append(acts.built(self._mapping, intent, ground, statuses))
            except Unpayable as error:
                # An invoice that was edited between two queries of one look is nothing to stand on.
                if call.may_look_again(intent):
                    torn.append(intent)
                else:
                    call.answers[intent.act_id] = acts.act_refused(intent, str(error))
        size = self._mapping.facts.group_max if call.is_grouped and self._may_repeat else 1
        for batch in acts.batches(built, size):
            self._write_batch(call, batch)
        if torn:
            self._write_wave(call, torn)

    def _write_batch(self, call: _Call, batch: Sequence[Act]) -> None:
        """These acts in one operation; where it is refused, in two halves, and so on down to the one at fault."""
        functions = [function for act in batch for function in act.functions]
        try:
            results = self._gateway.run(functions, atomic=True, entity=batch[0].entity)
        except OutcomeUnknown as error:
            call.something_was_sent = True
            call.leave([act.intent for act in batch], str(error))
            return
        verdict = acts.judged(batch, results)
        # What was rolled back left nothing behind: if the next one is not taken, the whole call may be called off.
        call.something_was_sent |= verdict in (Verdict.COMMITTED, Verdict.REPEATED)
        if verdict is Verdict.COMMITTED:
            told = iter(results.results)
            for act in batch:
                call.answers[act.intent.act_id] = act.committed([next(told) for _ in act.functions])
        elif len(batch) > 1:
            half = len(batch) // 2
            self._write_batch(call, batch[:half])
            self._write_batch(call, batch[half:])
        else:
            self._refused_alone(call, batch[0], verdict, results)

    def _refused_alone(self, call: _Call, act: Act, verdict: Verdict, results: Results) -> None:
        intent = act.intent
        if verdict is Verdict.REPEATED:
            call.answers[intent.act_id] = self._after_repeat(act, results)
        elif verdict is Verdict.FLAGS_REFUSED:
            self._write_batch(call, [replace(self._anew(act), flags=(), statuses=())])
            call.answers[intent.act_id] = acts.flagless(call.answers[intent.act_id], act, results)
        elif self._may_repeat and acts.is_stale(results) and call.may_look_again(intent):
            self._write_wave(call, [intent])
        else:
            call.answers[intent.act_id] = acts.refusal(act, results)

    def _anew(self, act: Act) -> Act:
        """The same act under other control ids, where those that were rolled back are used up."""
        if self._may_repeat:
            return act
        renamed = {
            f.control_id: replace(f, control_id=control_id(f.control_id, again="flagless")) for f in act.functions
        }
        return replace(
            act,
            undrafts=tuple(renamed[f.control_id] for f in act.undrafts),
            records=tuple(renamed[f.control_id] for f in act.records),
            payment=renamed[act.payment.control_id],
        )

    @property
    def _may_repeat(self) -> bool:
        """May what was rolled back be sent again as it is?"""
        return self._mapping.facts.failed_control_ids_are_free

    # ---- What an act stands on ----

    def _ground(self, intents: Sequence[CloseIntent]) -> Ground:
        """Record numbers, dues and rests of just now: an edit in Order Entry may have changed them all."""
        invoices = sorted({one for intent in intents for one in acts.invoice_ids(intent)})
        credits = sorted({one for intent in intents for one in acts.credit_ids(intent.payment)})
        return Ground(
            self._ledger.now_of(invoices) if invoices else {},
            self._ledger.credits_now(credits) if credits else {},
            self._drafts.found([intent.payment.external_id for intent in intents]),
        )

    def _held(self, intents: Sequence[CloseIntent]) -> dict[str, Held]:
        """Act -> the payment that it made, looked for among the payments of its customers."""
        own = {intent.act_id: own_id(intent.payment, intent.act_id) for intent in intents}
        customers = sorted({intent.payment.customer_id for intent in intents})
        there = self._payments.with_external_ids(list(own.values()), customers)
        return {act_id: there[external_id] for act_id, external_id in own.items() if external_id in there}

    def _after_repeat(self, act: Act, results: Results) -> ActAnswer:
        """The gateway has carried this out before, or says so, or something has such a value: what is there decides.

        A payment that isn't there though its control id is used up was tried in vain before, where failures use ids up:
        that is a refusal, after which the heart comes with another act and other ids. Ids never change by themselves:
        what was sent under the first ones may still be carried out.
        """
        try:
            there = self._held([act.intent])
            if there:
                return self._standing([act.intent], there)[act.intent.act_id]
        except (Transient, Terminal) as error:
            return acts.act_unknown(act.intent, str(error))
        if not results.is_repeat or not self._may_repeat:
            return acts.refusal(act, results)
        said = results.cause.text if results.cause is not None else "as done before"
        why = (
            f"Intacct refused the act ({said}) and doesn't hold its payment. If this goes on, a failure uses up its "
            "controlid in this company: set facts.failed_control_ids_are_free to false in mappings/intacct.yaml"
        )
        return acts.act_unknown(act.intent, why, results.cause.code if results.cause is not None else "")

    def _standing(self, intents: Sequence[CloseIntent], there: dict[str, Held]) -> dict[str, ActAnswer]:
        """Payments that Intacct has already: are they what we would have written, and are their records there?"""
        seen = self._keeping.states([id_ for intent in intents for id_ in acts.record_ids(intent)])
        found = {}
        for intent in intents:
            post = intent.payment
            held = there[intent.act_id]
            differs = acts.differences(self._mapping, intent, held.seen, held.row)
            outcome = Outcome.EXISTS_DIFFERENT if differs else Outcome.EXISTS
            payment = Answer(post.external_id, outcome, post.erp_id or held.seen.erp_id, message="; ".join(differs))
            records = tuple(
                Answer(id_, Outcome.EXISTS)
                if id_ in seen
                else Answer(id_, Outcome.REFUSED, code=NOT_SENT, message="It goes with the next write of records.")
                for id_ in acts.record_ids(intent)
            )
            found[intent.act_id] = ActAnswer(intent.act_id, payment, records)
        return found

    # ---- Reading back ----

    def read_acts(self, intents: Sequence[CloseIntent]) -> tuple[ActSeen, ...]:
        """What Intacct holds of these acts: payments and records by external id, invoices by id in whatever status.

        A payment that was there before is told only once something of the act is in it: the payment without cash that
        uses it. Until then the act has no payment.
        """
        requested_at = self._clock.now()
        held = self._held(intents)
        states = self._keeping.states([id_ for intent in intents for id_ in acts.record_ids(intent)])
        asked = list(dict.fromkeys(one for intent in intents for one in acts.invoice_ids(intent)))
        invoices = {one.id: one for one in self._ledger.invoices(asked).invoices} if asked else {}
        rests = sorted({one.payment.erp_id for one in intents if one.payment.erp_id})
        left = {id_: credit.open for id_, credit in (self._ledger.credits_now(rests) if rests else {}).items()}
        return tuple(
            ActSeen(
                act_id=intent.act_id,
                requested_at=requested_at,
                payment=_own(intent.payment, held.get(intent.act_id), left),
                records=tuple((id_, states[id_]) for id_ in acts.record_ids(intent) if id_ in states),
                invoices=tuple(invoices[one] for one in acts.invoice_ids(intent) if one in invoices),
            )
            for intent in intents
        )


def _own(post: PaymentToPost, held: Held | None, left: Mapping[str, Money]) -> PaymentSeen | None:
    if held is None or not post.erp_id:
        return held.seen if held else None
    return acts.own_view(post, held.seen, left.get(post.erp_id, Money.zero(post.amount.currency)))


class _Call:
    """One call of write_acts: its answers so far, and whether anything may have been carried out."""

    def __init__(self, intents: Sequence[CloseIntent], statuses: Sequence[ArStatus], is_grouped: bool) -> None:
        self.answers: dict[str, ActAnswer] = {}
        self.something_was_sent = False
        self.is_grouped = is_grouped
        self._looked_again: set[str] = set()
        last = {invoice_id: intent.act_id for intent in intents for invoice_id in acts.invoice_ids(intent)}
        self._statuses: dict[str, list[ArStatus]] = {}
        for status in statuses:
            self._statuses.setdefault(last.get(status.invoice_id, ""), []).append(status)

    def statuses_of(self, intent: CloseIntent) -> Sequence[ArStatus]:
        """What is shown with this act: the statuses of those invoices that no later act of the call touches."""
        return self._statuses.get(intent.act_id, ())

    def may_look_again(self, intent: CloseIntent) -> bool:
        """Once an act: what was read of an invoice a moment ago may be gone, since it was edited in Order Entry."""
        is_first = intent.act_id not in self._looked_again
        self._looked_again.add(intent.act_id)
        return is_first

    def leave(self, intents: Sequence[CloseIntent], why: str) -> None:
        """What has no answer yet was not begun, or nobody knows."""
        for intent in intents:
            self.answers.setdefault(intent.act_id, acts.act_unknown(intent, why))
