"""The daemon: takes the store, buries what a dead one left, ticks on a schedule, and stops in good order on SIGTERM."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Protocol

from connector import (
    answers,
    answers_payment,
    answers_queue,
    approvals,
    checks,
    deposits,
    escalate,
    evidence,
    loop,
    metered,
    plans,
    preview,
    pull,
    remind,
    replies,
    retention,
    reversals,
    standing,
    upkeep,
)
from connector.config import Settings, check_profile, read_policy, require_credentials, secret_values
from connector.doorbell import Doorbell
from connector.errors import ConfigError, ConnectorError, RoleLost, Transient
from connector.history import backtest_past
from connector.history.experience import Experience
from connector.log import Event, Log, hide, redact
from connector.parts import Parts
from connector.policy import Policy
from connector.policy_desk import PolicyDesk
from connector.ports import Channel, Finding
from connector.reports import (
    Asked,
    Asking,
    Explanation,
    PaymentExplanation,
    PlanReport,
    QueueReport,
    Report,
    TickReport,
)
from connector.reports_policy import BacktestReport, PreviewReport
from connector.reports_proof import PeriodEvidence, ProofReport, SampleRow
from connector.reports_upkeep import RetentionReport, UnfinishedRow
from connector.store import Store, activity, closing, gate, orders, policies, restoring

# A pass that was under way when the role was lost has so long to notice; it can't write anything meanwhile.
ENDS_WITHIN_SECONDS = 30.0
_EXIT_ROLE_LOST = 4  # as every command's: command.ExitCode.STORE_BUSY

_UNPROVED = (
    "The daemon's role can't be proved any more: its connection to the store broke. It writes nothing more and ends; "
    "start it again, or let another one take over."
)

_EVENTS = {event.value: event for event in Event}
# What a person should hear of soon.
_WARNINGS = (
    Event.ALARM_RAISED,
    Event.ACT_DIFFERENT,
    Event.ACT_REFUSED,
    Event.DEPOSIT_DIFFERENT,
    Event.DEPOSIT_REFUSED,
    Event.DAY_DRIFTS,
    Event.REMINDER_SENT_UNKNOWN,
    Event.STOP_REQUESTED,
    Event.CLASS_DEMOTED,
)


class Durable(Protocol):
    """The engine, as the daemon needs it."""

    def prepare(self) -> None: ...
    def launch(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(slots=True)
class Service:
    """What the commands ask for. The store alone is needed for stop and explain; report can do without the outside."""

    settings: Settings
    store: Store
    make_parts: Callable[[Store], Parts]
    make_engine: Callable[[Parts], Durable]
    close_outside: Callable[[], None]
    # Without the rest of the outside, to show messages by the texts of this folder of mappings.
    make_channels: Callable[[Path], Mapping[str, Channel]] = lambda _: {}
    doorbell: Doorbell | None = None
    _parts: Parts | None = None
    _engine: Durable | None = None
    _log: Log = field(default_factory=Log)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _stood_by: bool = False
    _lost: RoleLost | None = None
    _told: int = 0  # up to here in the journal everything was logged

    # ---- the daemon role ----

    def start(self, stop: threading.Event | None = None) -> bool:
        """Take the daemon role; raises StoreBusy if another process has it, ConfigError if the profiles don't fit.

        With `stop`, on a shared store, it stands by until the role is free; False if `stop` was set before.
        """
        parts = self.parts()
        self._check_profile()
        with self.store.read() as tx:
            restoring.refuse_backup(tx)
        self._engine = self.make_engine(parts)
        if stop is None:
            self.store.become_daemon()
        elif not self.store.wait_to_become_daemon(stop, self._stand_by, self._take_over):
            return False
        if self._stood_by and self._policy().version != parts.policy.version:
            raise ConfigError(
                "policy.yaml changed while this daemon stood by, and it would have worked by the old one. Nothing was "
                "begun. Start it again: it then reads the new one."
            )
        with self.store.tx() as tx:
            # Gaining the lock proves that whoever held leases is dead.
            unknown, dropped = gate.bury(tx, parts.owner)
            text = (self.settings.mappings / "policy.yaml").read_text(encoding="utf-8")
            policies.register(tx, parts.policy.version, text)
            self._told = tx.journal(
                "daemon_started", policy=parts.policy.version, sent_unknown=unknown, dropped=dropped
            )
        self._log.info(Event.DAEMON_STARTED, policy=parts.policy.version, sent_unknown=unknown)
        self._engine.launch()
        return True

    def _stand_by(self, holder: str) -> None:
        self._log.info(Event.STANDING_BY, holder=holder)
        self._stood_by = True
        if self._engine:
            self._engine.prepare()

    def _take_over(self, silent: str) -> None:
        self._log.warning(Event.ROLE_TAKEN, silent=silent)

    def tick(self) -> TickReport:
        """One pass of the loop; what the outside could not give is logged and tried again by the next one."""
        report, troubles = self._tick()
        return replace(report, troubles=tuple(self._hidden(str(error)) for _, error in troubles.told))

    def _tick(self) -> tuple[TickReport, loop.Troubles]:
        report, troubles = loop.tick(self.parts())
        self._forget_daily()
        for step, error in troubles.told:
            event = Event.SOURCE_UNAVAILABLE if isinstance(error, Transient) else Event.TICK_FAILED
            self._log.warning(event, step=step, reason=str(error))
        with self.store.read() as tx:
            # From the line after the last one told: other processes journal between ticks.
            for row in activity.lines(tx, self._told):
                self._told = row.seq
                if row.event in _EVENTS:
                    tell = self._log.warning if row.event in _WARNINGS else self._log.info
                    tell(_EVENTS[row.event], **row.fields)
        self._log.info(Event.TICK_FINISHED, seconds=report.seconds, **answers.counts(report))
        return report, troubles

    def _forget_daily(self) -> None:
        """What was kept long enough goes; not to be able to must not keep the loop from its work."""
        today = self.store.clock.now().astimezone(self.settings.zone).date()
        try:
            retention.forget_daily(self.store, self.settings.retention_years, today)
        except (RoleLost, Transient):
            raise
        except Exception:
            self._log.error(Event.TICK_FAILED, step="remove personal data", exc_info=True)

    def once(self) -> TickReport:
        """Start and do one pass. What the ERP refused is tried again. Raises what kept it from reading at all."""
        self.start()
        with self.store.tx() as tx:
            closing.retry_refused(tx)
        report, troubles = self._tick()
        if troubles.told and not report.read:
            first = troubles.told[0][1]
            raise type(first)("\n".join(dict.fromkeys(str(error) for _, error in troubles.told))) from first
        return replace(report, troubles=tuple(self._hidden(str(error)) for _, error in troubles.told))

    def run(self) -> None:
        """Tick until SIGTERM or SIGINT. A running tick is finished; acts left over go on after the next start.

        Raises RoleLost where the role was lost; a pass that doesn't end then is ended with the process.
        """
        from apscheduler.schedulers.background import BackgroundScheduler

        stop = threading.Event()

        def stopping(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stopping)
        if not self.start(stop):
            return
        scheduler = BackgroundScheduler(timezone=self.settings.zone)
        scheduler.add_job(
            self._guarded_tick,
            "interval",
            args=[stop],
            seconds=self.settings.tick_seconds,
            next_run_time=self.store.clock.now(),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        scheduler.start()
        with self._listening(stop):
            self.store.wait_while_daemon(stop)
            if not stop.is_set():
                self._lose(RoleLost(_UNPROVED), stop)
        scheduler.shutdown(wait=True)
        if self._lost:
            raise self._lost
        self._log.info(Event.DAEMON_STOPPED)

    def _lose(self, error: RoleLost, stop: threading.Event) -> None:
        """End this process, though a pass may hang; it is told once, whoever noticed first."""
        if not self._lost:
            self._lost = error
            self._log.error(Event.ROLE_LOST, reason=str(error))
            _end_at_last()
        stop.set()

    def _listening(self, stop: threading.Event) -> contextlib.AbstractContextManager[None]:
        """Whoever works is the one who listens; a ring at one that stands by is refused, and comes again."""
        return self.doorbell.open(lambda: self._guarded_tick(stop)) if self.doorbell else contextlib.nullcontext()

    def _guarded_tick(self, stop: threading.Event) -> None:
        with self._turn:  # a pass that was rung for and one of the schedule: one after the other
            if not stop.is_set():
                self._pass(stop)

    def _pass(self, stop: threading.Event) -> None:
        try:
            if not self.store.still_daemon():
                raise RoleLost(_UNPROVED)
            self._tick()
        except RoleLost as error:
            self._lose(error, stop)
        except Transient as error:
            self._log.warning(Event.SOURCE_UNAVAILABLE, step="store", reason=str(error))
        except AssertionError:
            self._log.error(Event.TICK_FAILED, reason="a promise would have been broken", exc_info=True)
        except Exception:  # the daemon outlives one bad tick; what it was is told in full
            self._log.error(Event.TICK_FAILED, exc_info=True)

    # ---- upkeep ----

    def drain(self) -> tuple[UnfinishedRow, ...]:
        """Start, and finish what was begun, beginning nothing new. What is left, each with the reason."""
        self.start()
        parts = self.parts()
        for carry_out in (loop.carry_out, deposits.carry_out, reversals.carry_out):
            try:
                carry_out(parts)
            except ConnectorError as error:
                self._log.warning(Event.SOURCE_UNAVAILABLE, step="finish acts", reason=str(error))
        with self.store.read() as tx:
            return upkeep.unfinished(tx, parts)

    def reread(self) -> int:
        """Read the ERP's whole open set, as on the first pass of a day. Returns how many records that were."""
        parts = self.parts()
        return pull.read_invoices(parts, parts.clock.now()).read

    def go_on(self, who: str, reason: str) -> None:
        """A person has looked a restored store over; from the next pass on the policy holds as it stands."""
        with self.store.tx() as tx:
            restoring.go_on(tx, who, reason)

    def forget(self, remove: bool) -> RetentionReport:
        """Personal data of what ended longer ago than is kept: counted, and removed if asked for."""
        today = self.store.clock.now().astimezone(self.settings.zone).date()
        return retention.forget(self.store, self.settings.retention_years, today, remove)

    # ---- questions ----

    def plan(self) -> PlanReport:
        """What a tick would do now. Everything is decided on a copy of the store; the outside is only read."""
        self._check_profile()
        with tempfile.TemporaryDirectory(prefix="connector-plan-") as folder:
            copy = self.store.copy(Path(folder) / "plan.db")
            with contextlib.closing(copy):
                parts = self.make_parts(copy)
                now = parts.clock.now()
                today = parts.today(now)
                first = copy.last_seq()
                loop.read_and_match(parts, now, today, loop.Strict(), is_first_of_day=True)
                plans.plan_reminders(parts, today)
                with copy.tx() as tx:
                    escalate.decide(tx, parts, today)
                    decided = remind.decide_reminders(tx, parts, now, today, with_hours=True)
                    return answers.plan(tx, parts, now, first, decided)

    def preview(self, on: date | None, send_to: str = "", at_most: int = 0) -> PreviewReport:
        """What would leave on a day to come, decided on a copy of the store; see preview.py."""
        self._check_profile()
        with tempfile.TemporaryDirectory(prefix="connector-preview-") as folder:
            copy = self.store.copy(Path(folder) / "preview.db")
            with contextlib.closing(copy):
                return preview.preview(self.make_parts(copy), on, send_to, at_most)

    def backtest(self, proposed: Path, first_on: date, last_on: date) -> BacktestReport:
        """The ERP's own past under the policy of today and under another one; reads only."""
        present, now = self._policy(), self.store.clock.now()
        other = read_policy(proposed, self.settings.mappings / "templates")
        erp, zone = self.parts().erp, self.settings.zone
        return backtest_past.look_back(erp, self.store, present, other, first_on, last_on, now, zone)

    def explain(self, invoice_number: str) -> Explanation | None:
        with self.store.read() as tx:
            now, zone = self.store.clock.now(), self.settings.zone
            return answers.explain(tx, invoice_number, now, zone, self._policy_if_any())

    def explain_payment(self, payment_id: str) -> PaymentExplanation | None:
        with self.store.read() as tx:
            return answers_payment.explain_payment(tx, payment_id, self.store.clock.now(), self._policy_if_any())

    def _policy_if_any(self) -> Policy | None:
        """What happened can be told without it."""
        try:
            return self._policy()
        except ConfigError:
            return None

    def invoice_numbers(self) -> Sequence[str]:
        with self.store.read() as tx:
            return answers.invoice_numbers(tx)

    def report(self, on: date, months: int) -> Report:
        """How does the book stand? From the ERP's own books; where they can't be had, from the store, which is said."""
        now, zone, books, trouble = self.store.clock.now(), self.settings.zone, None, ""
        with self.store.read() as tx:
            opened = standing.opening_days(tx)
        try:
            require_credentials(self.settings)
            books = standing.read_books(self.parts().erp, on, months, now.astimezone(zone).date(), opened)
        except ConnectorError as error:
            trouble = redact(str(error))
        if books is not None:
            self._note_counted()
        with self.store.read() as tx:
            return standing.report(tx, on, now, zone, months, books, trouble)

    def proof(self, day: date | None) -> ProofReport:
        """The three-way proof of a day, without one of yesterday, asked of every book now; nothing is written."""
        self._check_profile()
        parts = self.parts()
        return evidence.proof_of(parts, day, parts.clock.now())

    def evidence(self, month: date) -> PeriodEvidence:
        """What an auditor asks of a month; reads only."""
        self._check_profile()
        parts = self.parts()
        now = parts.clock.now()
        ledger = self.report(min(evidence.month_of(month)[1], parts.today(now)), months=1)
        return evidence.collect(parts, month, now, ledger)

    def sign_off(self, month: date, act: str, is_right: bool, who: str, reason: str) -> SampleRow:
        """A person's word on one posting of the month's sample. Needs the store and the policy file only."""
        of = (self.store, self.settings.installation, self._policy(), self.settings.zone)
        return evidence.sign_off(*of, month, act, is_right, who, reason)

    def queue(self) -> QueueReport:
        """What waits for a person's answer, and who may answer it. Needs the store and the policy file only."""
        now = self.store.clock.now()
        with self.store.read() as tx:
            return answers_queue.queue(tx, self._policy(), now, now.astimezone(self.settings.zone).date())

    def ask(self, asking: Sequence[Asking], who: str) -> tuple[Asked, ...]:
        """Take down what a person asks for, each in a short commit of its own; the daemon acts at its next pass."""
        policy, answered = self._policy(), []
        for one in asking:
            with self.store.tx() as tx:
                answered.append(approvals.ask(tx, policy, one, who))
        return tuple(answered)

    def experience(self) -> Experience:
        """What was learned, and how often matching was right. Only a replay asks the ERP."""
        return Experience(self.store, self._policy, lambda: self.parts().erp, self.settings.zone)

    def policies(self) -> PolicyDesk:
        """The policy file checked against the book, its versions, who proposed and approved them."""
        return PolicyDesk(self.store, self.settings.mappings / "policy.yaml", self.make_channels, self.settings.zone)

    def _policy(self) -> Policy:
        return read_policy(self.settings.mappings / "policy.yaml")

    def stop(self, what: str, lift: bool, who: str, reason: str) -> None:
        """A person's order, effective at once: every mail and every write looks for it."""
        with self.store.tx() as tx:
            orders.stop(tx, what, who, reason) if not lift else orders.lift(tx, what, who, reason)

    def answered(self, customer: str, who: str, reason: str) -> tuple[str, ...] | None:
        """A person has dealt with a customer's answer. What had waited for that; None: no such customer."""
        with self.store.tx() as tx:
            today = tx.at.astimezone(self.settings.zone).date()
            return replies.settle(tx, customer, who, reason, today)

    def check(self) -> tuple[Finding, ...]:
        self._check_profile()
        found = checks.findings(self.parts())
        return tuple(replace(one, what=self._hidden(one.what), remedy=self._hidden(one.remedy)) for one in found)

    def _hidden(self, text: str) -> str:
        """What the outside said may quote what it was told, and stands in an answer to a person."""
        return hide(text, secret_values(self.settings))

    def _check_profile(self) -> None:
        parts = self.parts()
        crm_is_test = parts.crm.is_test if parts.crm is not None else None
        bank_is_test = parts.statements.is_test if parts.statements is not None else None
        check_profile(self.settings, parts.erp.is_test, parts.payments.is_test, crm_is_test, bank_is_test)

    def parts(self) -> Parts:
        if self._parts is None:
            self._parts = self.make_parts(self.store)
        return self._parts

    def _note_counted(self) -> None:
        """Whatever asked the ERP: its vendor counts it all."""
        if self._parts is None or not self._parts.erp.counted_max:
            return
        with self.store.tx() as tx:
            metered.note(tx, self._parts.erp, tx.at.astimezone(self.settings.zone).date())

    def close(self) -> None:
        if self._engine:
            self._engine.stop()
        with contextlib.suppress(ConnectorError):  # a figure that is lost must not hide why the command failed
            self._note_counted()
        self.close_outside()
        self.store.close()


def _end_at_last() -> None:
    """End the process even if a pass hangs on a server that swallows every question: it writes nothing more, and
    whoever starts daemons again must see that this one is gone."""
    timer = threading.Timer(ENDS_WITHIN_SECONDS, os._exit, [_EXIT_ROLE_LOST])
    timer.daemon = True
    timer.start()
