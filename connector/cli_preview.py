"""`connector preview` and `connector backtest`: what a policy would do tomorrow, and what it would have done.

Both decide on what was read and write nothing into the store, the ERP or a customer's mailbox.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.command import (
    EXIT_CODES,
    ROWS_MAX,
    Everything,
    ExitCode,
    Json,
    console,
    display,
    opened,
    print_json,
    progress,
)
from connector.errors import ConfigError

if TYPE_CHECKING:
    from connector.reports_policy import PreviewReport

# Messages that are printed in full unless all are asked for.
TEXTS_MAX = 3
AT_MOST = 10
AT_MOST_MAX = 50
_DAY = ["%Y-%m-%d"]

app = typer.Typer(rich_markup_mode=None)


@app.command(short_help="What would leave tomorrow, word for word.", epilog=EXIT_CODES)
def preview(
    context: typer.Context,
    day: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="The day; without it, the next one on which mail may leave.")
    ] = None,
    send_to: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Mail its messages to you, marked; never to a customer.")
    ] = "",
    at_most: Annotated[
        int, typer.Option(min=1, max=AT_MOST_MAX, help="So many messages at most with --send-to.")
    ] = AT_MOST,
    html: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write each message there as an HTML file.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the list there as CSV, one row an invoice.")
    ] = None,
    as_json: Json = False,
    everything: Everything = False,
) -> None:
    """What would leave on a day to come: each message as its reader would see it, and what would not leave and why.
    Works in shadow too; nothing is written, and no customer hears of it.
    """
    with opened(context, outside=True) as (service, _):
        with progress("Reading and deciding; nothing is written"):
            report = service.preview(_date(day), send_to, at_most)
        if csv is not None:
            from connector import sheets_policy

            display().write_sheet_csv(sheets_policy.preview(report), csv)
            typer.echo(f"Written: {csv}", err=as_json)
        if html is not None:
            typer.echo(f"Written: {_write_html(report, html)} messages and index.html in {html}", err=as_json)
        if as_json:
            print_json(report)
        elif csv is None and html is None:
            _show(report, everything)
        for one in report.mailed:
            typer.echo(f"{'Mailed to you' if one.is_sent else 'Not mailed'}: {one.subject} ({one.detail})", err=as_json)
        if any(not one.is_sent for one in report.mailed):
            raise typer.Exit(ExitCode.UNAVAILABLE)


def _show(report: PreviewReport, everything: bool) -> None:
    from connector import sheets_policy

    rows_max = None if everything else ROWS_MAX
    display().show_sheets(console(), sheets_policy.preview_pages(report), sheets_policy.preview_above(report), rows_max)
    shown = report.messages if everything else report.messages[:TEXTS_MAX]
    display().show_letters(console(), shown)
    if len(report.messages) > len(shown):
        typer.echo(f"\n{len(report.messages) - len(shown)} more messages in full: connector preview --all")


def _write_html(report: PreviewReport, folder: Path) -> int:
    """One file a message, in the order of the list, and a list of them; ConfigError if they can't be written."""
    from connector import sheets_policy

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in sheets_policy.preview_files(report):
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Could not write into {folder}: {error}. Name a folder that can be written.") from None
    return len(report.messages)


@app.command(short_help="The past under another policy.", epilog=EXIT_CODES)
def backtest(
    context: typer.Context,
    policy: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The policy file that is to be tried.")],
    from_: Annotated[datetime, typer.Option("--from", formats=_DAY, help="The first day.")],
    to: Annotated[datetime, typer.Option("--to", formats=_DAY, help="The last day.")],
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write every figure there as CSV.")] = None,
    as_json: Json = False,
    everything: Everything = False,
) -> None:
    """Play the ERP's own past under the policy of today and under another one: reminders and hand-overs added and
    removed, messages a customer, people's work by week, and where the overdue money sits.
    """
    with opened(context, outside=True) as (service, _):
        with progress("Reading the ERP's past and playing it twice"):
            report = service.backtest(policy, from_.date(), to.date())
        from connector import sheets_policy

        if csv is not None:
            display().write_sheet_csv(sheets_policy.backtest_rows(report), csv)
            typer.echo(f"Written: {csv}", err=as_json)
        if as_json:
            print_json(report)
        else:
            pages = sheets_policy.backtest_pages(report) if csv is None else ()
            above = sheets_policy.backtest_above(report)
            display().show_sheets(console(), pages, above, None if everything else ROWS_MAX)
            for note in report.notes if csv is None else ():
                typer.echo(note)


def _date(day: datetime | None) -> date | None:
    return day.date() if day else None
