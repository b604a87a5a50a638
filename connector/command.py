"""What all commands share: how they open the service, how they print, and how an error ends them.

Nothing heavy is imported before a command runs, so that `connector --help` answers at once.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from connector.errors import ConfigError, ConnectorError, InvariantBroken, OutcomeUnknown, StoreBusy, Transient

if TYPE_CHECKING:
    from rich.console import Console

    from connector.config import Settings
    from connector.history.experience import Experience
    from connector.policy_desk import PolicyDesk
    from connector.ports import Finding
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

ROWS_MAX = 40
_UNFORESEEN = (
    "This was not foreseen: {kind}. The command stopped; what had begun goes on at the next start. "
    "To see where it was, run it again as: connector --debug {command}"
)


class ExitCode(IntEnum):
    """How every command ends; `sentence` is what `--help` says of it."""

    sentence: str

    def __new__(cls, value: int, sentence: str) -> ExitCode:
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    OK = 0, "done; exceptions are a normal path and are only listed"
    NEEDS_A_PERSON = 1, "something is not in order: a finding, a difference, an unfinished act, an alarm"
    CONFIGURATION = 2, "a setting, the policy or the command line is wrong; nothing began"
    UNAVAILABLE = 3, "the ERP, Stripe or the mail server could not answer; try again later"
    STORE_BUSY = 4, "another daemon holds this store, or took it over; this one did not start or has ended"
    INVARIANT = 5, "a promise would have been broken; the work was stopped before that"


class Service(Protocol):
    """What `wiring.open_service` gives. `stop`, `explain` and `invoice_numbers` need the store only, `queue` and `ask`
    also the policy file; `report` asks the ERP, and goes without it if it must.
    """

    def run(self) -> None: ...
    def once(self) -> TickReport: ...
    def plan(self) -> PlanReport: ...
    def preview(self, on: date | None, send_to: str = "", at_most: int = 0) -> PreviewReport: ...
    def backtest(self, proposed: Path, first_on: date, last_on: date) -> BacktestReport: ...
    def explain(self, invoice_number: str) -> Explanation | None: ...
    def explain_payment(self, payment_id: str) -> PaymentExplanation | None: ...
    def invoice_numbers(self) -> Sequence[str]: ...
    def stop(self, what: str, lift: bool, who: str, reason: str) -> None: ...
    def answered(self, customer: str, who: str, reason: str) -> tuple[str, ...] | None: ...
    def queue(self) -> QueueReport: ...
    def ask(self, asking: Sequence[Asking], who: str) -> tuple[Asked, ...]: ...
    def experience(self) -> Experience: ...
    def policies(self) -> PolicyDesk: ...
    def check(self) -> tuple[Finding, ...]: ...
    def report(self, on: date, months: int) -> Report: ...
    def proof(self, day: date | None) -> ProofReport: ...
    def evidence(self, month: date) -> PeriodEvidence: ...
    def sign_off(self, month: date, act: str, is_right: bool, who: str, reason: str) -> SampleRow: ...
    def drain(self) -> tuple[UnfinishedRow, ...]: ...
    def reread(self) -> int: ...
    def go_on(self, who: str, reason: str) -> None: ...
    def forget(self, remove: bool) -> RetentionReport: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """The options that stand before the command."""

    config: Path | None = None
    debug: bool = False
    open_service: Callable[[Settings], Service] | None = None


# \b keeps the lines as they are.
EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {code.value}  {code.sentence}" for code in ExitCode)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Everything = Annotated[bool, typer.Option("--all", help=f"Print every row, not the first {ROWS_MAX} of a table.")]


@contextmanager
def opened(context: typer.Context, outside: bool, level: int = logging.WARNING) -> Iterator[tuple[Service, Settings]]:
    """The service with its settings; an error inside ends the command with its sentence and exit code."""
    with configured(context, outside, level) as settings, closing(service_of(context, settings)) as service:
        yield service, settings


def service_of(context: typer.Context, settings: Settings) -> Service:
    invocation: Invocation = context.obj
    return (invocation.open_service or _open_service)(settings)


@contextmanager
def configured(context: typer.Context, outside: bool, level: int = logging.WARNING) -> Iterator[Settings]:
    """The settings alone: the store is not opened, so an earlier release's stays as it is. Errors as in `opened`."""
    invocation: Invocation = context.obj
    secrets: tuple[str, ...] = ()
    try:
        from connector import config, log

        settings = config.read_settings(invocation.config)
        secrets = config.secret_values(settings)
        if outside:
            config.require_credentials(settings)
        log.configure(
            as_json=settings.log_json and level == logging.INFO,
            level=logging.DEBUG if invocation.debug else level,
            secrets=secrets,
        )
        yield settings
    except (ConnectorError, InvariantBroken) as error:
        say(str(error), secrets)
        if invocation.debug:
            say(traceback.format_exc(), secrets)
        raise typer.Exit(exit_code(error)) from None
    except typer.Exit:
        raise
    except Exception as error:  # a library's own message may hold customers' data, so only its kind is told
        say(_UNFORESEEN.format(kind=type(error).__name__, command=_command(context)))
        if invocation.debug:
            say(traceback.format_exc(), secrets)
        raise typer.Exit(ExitCode.INVARIANT if isinstance(error, AssertionError) else ExitCode.NEEDS_A_PERSON) from None


def _command(context: typer.Context) -> str:
    """'queue approve': the command as it stands after the options."""
    parent = context.parent
    above = parent.info_name if parent is not None and parent.parent is not None else ""
    return f"{above or ''} {context.info_name or ''}".strip()


def exit_code(error: ConnectorError | InvariantBroken) -> ExitCode:
    """Which exit code does this error end a command with? What only a person can change is NEEDS_A_PERSON."""
    if isinstance(error, InvariantBroken):
        return ExitCode.INVARIANT
    if isinstance(error, ConfigError):
        return ExitCode.CONFIGURATION
    if isinstance(error, StoreBusy):
        return ExitCode.STORE_BUSY
    if isinstance(error, Transient | OutcomeUnknown):
        return ExitCode.UNAVAILABLE
    return ExitCode.NEEDS_A_PERSON


def _open_service(settings: Settings) -> Service:
    from connector import wiring

    service: Service = wiring.open_service(settings)
    return service


def say(text: str, secrets: Sequence[str] = ()) -> None:
    from connector.log import redact

    typer.echo(redact(text, secrets), err=True)


def print_json(value: object) -> None:
    from connector.reports import as_json

    typer.echo(as_json(value))


def display() -> ModuleType:
    from connector import display as room

    return room


def console() -> Console:
    from rich.console import Console

    # A table that is piped into a file must not be cut at 80 columns.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Shows that work goes on and since when; only for a person at a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(text, total=None)
        yield
