"""The commands. Each opens the service, asks one question, prints the answer and ends with a documented exit code.

Tables and progress are for people, `--json` is for programs; errors are plain sentences on standard error. Nothing
heavy is imported before a command runs, so that `connector --help` answers at once.
"""

from __future__ import annotations

import getpass
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from connector.errors import ConfigError, ConnectorError, InvariantBroken, OutcomeUnknown, StoreBusy, Transient

if TYPE_CHECKING:
    from rich.console import Console

    from connector.config import Settings
    from connector.ports import Finding
    from connector.reports import Explanation, PlanReport, Report, TickReport

ROWS_MAX = 40
NEAR_MAX = 5
MONTHS_MAX = 24
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


class What(StrEnum):
    SEND = "send"
    POST = "post"

    @property
    def words(self) -> str:
        return "Sending reminders" if self is What.SEND else "Posting to the ERP"


class Service(Protocol):
    """What `wiring.open_service` gives. `stop`, `explain` and `invoice_numbers` need the store only; `report` asks the
    ERP, and goes without it if it must.
    """

    def run(self) -> None: ...
    def once(self) -> TickReport: ...
    def plan(self) -> PlanReport: ...
    def explain(self, invoice_number: str) -> Explanation | None: ...
    def invoice_numbers(self) -> Sequence[str]: ...
    def stop(self, what: str, lift: bool, who: str, reason: str) -> None: ...
    def check(self) -> tuple[Finding, ...]: ...
    def report(self, on: date, months: int) -> Report: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """The options that stand before the command."""

    config: Path | None = None
    debug: bool = False
    open_service: Callable[[Settings], Service] | None = None


# \b keeps the lines as they are.
EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {code.value}  {code.sentence}" for code in ExitCode)

app = typer.Typer(
    name="connector",
    help="Closes paid invoices in the ERP and cancels their reminders, as one act.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Everything = Annotated[bool, typer.Option("--all", help=f"Print every row, not the first {ROWS_MAX} of a table.")]


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="The settings file; without it CONNECTOR_CONFIG, then ./connector.yaml.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Log more, and show where an error came from.")] = False,
) -> None:
    given = context.obj if isinstance(context.obj, Invocation) else Invocation()
    context.obj = Invocation(config, debug, given.open_service)


@app.command(short_help="Work until told to stop.", epilog=EXIT_CODES)
def run(context: typer.Context) -> None:
    """Work until told to stop (SIGTERM): read, match, close, remind, once a minute."""
    with _opened(context, outside=True, level=logging.INFO) as (service, _):
        service.run()


@app.command(short_help="Do one pass of the loop and end.", epilog=EXIT_CODES)
def once(context: typer.Context, as_json: Json = False) -> None:
    """Do one pass of the loop and end; exit code 1 if a difference or an unfinished act is left, 3 if only the outside
    could not give or take something.
    """
    with _opened(context, outside=True) as (service, _):
        with _progress("Reading, matching, closing, reminding"):
            report = service.once()
        _print_json(report) if as_json else _display().show_tick(_console(), report)
        if report.differences or report.unfinished or report.alarm:
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)
        if report.troubles:
            raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command(short_help="Decide everything, write nothing.", epilog=EXIT_CODES)
def plan(context: typer.Context, as_json: Json = False, everything: Everything = False) -> None:
    """Decide everything, write nothing: what a pass of the loop would do now."""
    with _opened(context, outside=True) as (service, _):
        with _progress("Reading and deciding; nothing is written"):
            report = service.plan()
        _print_json(report) if as_json else _display().show_plan(_console(), report, None if everything else ROWS_MAX)


@app.command(short_help="Why is this invoice as it is?", epilog=EXIT_CODES)
def explain(
    context: typer.Context,
    invoice: Annotated[str, typer.Argument(help="The invoice's number, as it stands on paper.")],
    as_json: Json = False,
) -> None:
    """Why is this invoice as it is? Reminders, verdicts, payments, the ERP's records, everything that happened."""
    with _opened(context, outside=False) as (service, _):
        explanation = service.explain(invoice)
        if explanation is None:
            _say(_unknown_invoice(invoice, service.invoice_numbers()))
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)
        _print_json(explanation) if as_json else _display().show_explanation(_console(), explanation)


@app.command(short_help="Stop sending or posting, or go on.", epilog=EXIT_CODES)
def stop(
    context: typer.Context,
    what: Annotated[What, typer.Argument(help="Sending reminders, or posting to the ERP.")],
    lift: Annotated[bool, typer.Option("--lift", help="Take the stop back.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it is shown wherever the stop shows.")] = "",
    who: Annotated[str, typer.Option(help="Who says so; without it, the user of this computer.")] = "",
) -> None:
    """Stop sending or posting at once. Works with the daemon down; matching and holding go on."""
    with _opened(context, outside=False) as (service, _):
        service.stop(what.value, lift, who or getpass.getuser(), reason)
    if lift:
        typer.echo(f"{what.words} is no longer stopped; the policy decides again from the next pass on.")
    else:
        typer.echo(f"{what.words} is stopped. To go on: connector stop {what.value} --lift")


@app.command(short_help="Are credentials, permissions and fields in order?", epilog=EXIT_CODES)
def check(context: typer.Context, as_json: Json = False) -> None:
    """Are credentials, permissions, custom fields and profiles in order? Says how to put right what is not."""
    with _opened(context, outside=True) as (service, _):
        with _progress("Asking NetSuite, Stripe and the mail server"):
            findings = service.check()
        blocked = any(finding.blocking and not finding.ok for finding in findings)
        if as_json:
            _print_json({"ok": not blocked, "findings": findings})
        else:
            _display().show_findings(_console(), findings)
        if blocked:
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)


@app.command(short_help="Ageing, DSO, CEI, match rate and other measures.", epilog=EXIT_CODES)
def report(
    context: typer.Context,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; without it, today.")] = None,
    months: Annotated[
        int, typer.Option(min=1, max=MONTHS_MAX, help="How many months the period has that ends with this day.")
    ] = 3,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write it there as CSV, one row a figure.")] = None,
    xlsx: Annotated[Path | None, typer.Option(dir_okay=False, help="Write it there as a workbook.")] = None,
    as_json: Json = False,
) -> None:
    """Ageing that ties to the AR control accounts, DSO, CEI, bad debt, disputes, match rate, suppression latency, each
    with its formula. Asks the ERP; where it can't answer, shows what the store knows and says so.
    """
    with _opened(context, outside=False) as (service, settings):
        day = on.date() if on else datetime.now(UTC).astimezone(settings.zone).date()
        with _progress("Reading NetSuite's documents"):
            answer = service.report(day, months)
        for path, write in ((csv, _display().write_csv), (xlsx, _display().write_workbook)):
            if path is not None:
                write(answer, path)
                typer.echo(f"Written: {path}", err=as_json)
        if as_json:
            _print_json(answer)
        elif csv or xlsx:
            _display().show_parameters(_console(), answer)
        else:
            _display().show_report(_console(), answer)


@contextmanager
def _opened(context: typer.Context, outside: bool, level: int = logging.WARNING) -> Iterator[tuple[Service, Settings]]:
    """The service with its settings; an error inside ends the command with its sentence and exit code."""
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
        with closing((invocation.open_service or _open_service)(settings)) as service:
            yield service, settings
    except (ConnectorError, InvariantBroken) as error:
        _say(str(error), secrets)
        if invocation.debug:
            _say(traceback.format_exc(), secrets)
        raise typer.Exit(exit_code(error)) from None
    except typer.Exit:
        raise
    except Exception as error:  # a library's own message may hold customers' data, so only its kind is told
        _say(_UNFORESEEN.format(kind=type(error).__name__, command=context.info_name))
        if invocation.debug:
            _say(traceback.format_exc(), secrets)
        raise typer.Exit(ExitCode.INVARIANT if isinstance(error, AssertionError) else ExitCode.NEEDS_A_PERSON) from None


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


def _unknown_invoice(number: str, known: Sequence[str]) -> str:
    """Says so, with the numbers that were probably meant."""
    import difflib

    if not known:
        return f"There is no invoice {number}: the store is empty. Run `connector once` to read the ERP first."
    wanted = number.strip().lower()
    lowered = {item.lower(): item for item in known}
    inside = [item for low, item in lowered.items() if wanted and wanted in low]
    similar = [lowered[low] for low in difflib.get_close_matches(wanted, lowered, n=NEAR_MAX)]
    near = list(dict.fromkeys([*inside, *similar]))[:NEAR_MAX]
    if near:
        return f"There is no invoice {number}. Did you mean {', '.join(near)}?"
    return f"There is no invoice {number} among the {len(known)} known ones, and none like it."


def _say(text: str, secrets: Sequence[str] = ()) -> None:
    from connector.log import redact

    typer.echo(redact(text, secrets), err=True)


def _print_json(value: object) -> None:
    from connector.reports import as_json

    typer.echo(as_json(value))


def _display() -> ModuleType:
    from connector import display

    return display


def _console() -> Console:
    from rich.console import Console

    # A table that is piped into a file must not be cut at 80 columns.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


@contextmanager
def _progress(text: str) -> Iterator[None]:
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
