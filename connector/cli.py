"""The commands. Each opens the service, asks one question, prints the answer and ends with a documented exit code.

Tables and progress are for people, `--json` is for programs; errors are plain sentences on standard error. Nothing
heavy is imported before a command runs, so that `connector --help` answers at once.
"""

from __future__ import annotations

import getpass
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from connector import cli_match, cli_policy, cli_preview, cli_proof, cli_queue, cli_store
from connector.command import (
    EXIT_CODES,
    ROWS_MAX,
    Everything,
    ExitCode,
    Invocation,
    Json,
    Service,
    console,
    display,
    opened,
    print_json,
    progress,
    say,
)

__all__ = ["ExitCode", "Invocation", "Service", "app"]

NEAR_MAX = 5
MONTHS_MAX = 24


class What(StrEnum):
    SEND = "send"
    POST = "post"

    @property
    def words(self) -> str:
        return "Sending reminders" if self is What.SEND else "Posting to the ERP"


app = typer.Typer(
    name="connector",
    help="Closes paid invoices in the ERP and cancels their reminders, as one act.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cli_queue.app)
app.add_typer(cli_match.app)
app.add_typer(cli_preview.app)
app.add_typer(cli_policy.app)
app.add_typer(cli_proof.app)
app.add_typer(cli_store.app)


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
    with opened(context, outside=True, level=logging.INFO) as (service, _):
        service.run()


@app.command(short_help="Do one pass of the loop and end.", epilog=EXIT_CODES)
def once(context: typer.Context, as_json: Json = False) -> None:
    """Do one pass of the loop and end; exit code 1 if a difference or an unfinished act is left, 3 if only the outside
    could not give or take something.
    """
    with opened(context, outside=True) as (service, _):
        with progress("Reading, matching, closing, reminding"):
            report = service.once()
        print_json(report) if as_json else display().show_tick(console(), report)
        if report.differences or report.unfinished or report.alarm:
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)
        if report.troubles:
            raise typer.Exit(ExitCode.UNAVAILABLE)


@app.command(short_help="Decide everything, write nothing.", epilog=EXIT_CODES)
def plan(context: typer.Context, as_json: Json = False, everything: Everything = False) -> None:
    """Decide everything, write nothing: what a pass of the loop would do now."""
    with opened(context, outside=True) as (service, _):
        with progress("Reading and deciding; nothing is written"):
            report = service.plan()
        print_json(report) if as_json else display().show_plan(console(), report, None if everything else ROWS_MAX)


@app.command(short_help="Why is this invoice, or this payment, as it is?", epilog=EXIT_CODES)
def explain(
    context: typer.Context,
    record: Annotated[
        str,
        typer.Argument(
            metavar="INVOICE|PAYMENT", help="An invoice's number, as it stands on paper, or a payment's id."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Why is it as it is? Of an invoice: reminders, verdicts, payments, the ERP's records. Of a payment: the evidence,
    the equation, what else was considered and why it lost. Of both everything that happened.
    """
    with opened(context, outside=False) as (service, _):
        if (explanation := service.explain(record)) is not None:
            print_json(explanation) if as_json else display().show_explanation(console(), explanation)
        elif (payment := service.explain_payment(record)) is not None:
            print_json(payment) if as_json else display().show_payment(console(), payment)
        else:
            say(_unknown_invoice(record, service.invoice_numbers()))
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)


@app.command(short_help="Stop sending or posting, or go on.", epilog=EXIT_CODES)
def stop(
    context: typer.Context,
    what: Annotated[What, typer.Argument(help="Sending reminders, or posting to the ERP.")],
    lift: Annotated[bool, typer.Option("--lift", help="Take the stop back.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it is shown wherever the stop shows.")] = "",
    who: Annotated[str, typer.Option(help="Who says so; without it, the user of this computer.")] = "",
) -> None:
    """Stop sending or posting at once. Works with the daemon down; matching and holding go on."""
    with opened(context, outside=False) as (service, _):
        service.stop(what.value, lift, who or getpass.getuser(), reason)
    if lift:
        typer.echo(f"{what.words} is no longer stopped; the policy decides again from the next pass on.")
    else:
        typer.echo(f"{what.words} is stopped. To go on: connector stop {what.value} --lift")


@app.command(short_help="A customer's answer is dealt with; reminders go on.", epilog=EXIT_CODES)
def answered(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="The customer's ERP id, or its name as it stands there.")],
    reason: Annotated[str, typer.Option(help="What came of it; it is kept.")],
    who: Annotated[str, typer.Option(help="Who says so; without it, the user of this computer.")] = "",
) -> None:
    """A person has dealt with what a customer answered: customer_answered, says_paid or asked_to_stop are closed, and
    its reminders go on from the next pass. Works with the daemon down.
    """
    with opened(context, outside=False) as (service, _):
        waited = service.answered(customer, who or getpass.getuser(), reason)
    if waited is None:
        say(f"There is no customer {customer!r}, or more than one of that name; give the ERP id. Nothing was changed.")
        raise typer.Exit(ExitCode.NEEDS_A_PERSON)
    closed = f"Closed: {', '.join(waited)}. " if waited else "Nothing waited for that. "
    typer.echo(f"{closed}Reminders to {customer} go on where nothing else keeps them back.")


@app.command(short_help="Are credentials, permissions and fields in order?", epilog=EXIT_CODES)
def check(context: typer.Context, as_json: Json = False) -> None:
    """Are credentials, permissions, custom fields and profiles in order? Says how to put right what is not."""
    with opened(context, outside=True) as (service, settings):
        with progress(f"Asking {settings.erp_name}, Stripe and the mail server"):
            findings = service.check()
        blocked = any(finding.blocking and not finding.ok for finding in findings)
        if as_json:
            print_json({"ok": not blocked, "findings": findings})
        else:
            display().show_findings(console(), findings)
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
    with opened(context, outside=False) as (service, settings):
        day = on.date() if on else datetime.now(UTC).astimezone(settings.zone).date()
        with progress(f"Reading the documents of {settings.erp_name}"):
            answer = service.report(day, months)
        for path, write in ((csv, display().write_csv), (xlsx, display().write_workbook)):
            if path is not None:
                write(answer, path)
                typer.echo(f"Written: {path}", err=as_json)
        if as_json:
            print_json(answer)
        elif csv or xlsx:
            display().show_parameters(console(), answer)
        else:
            display().show_report(console(), answer)


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
