"""`connector proof` and `connector evidence`: do all books tell the same of a day's money, and what an auditor asks.

Both ask processor, bank and ERP and write nothing, except that `evidence --sign` keeps a person's word.
"""

from __future__ import annotations

import getpass
from datetime import datetime
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
    from connector.decisions.three_way import DayVerdict
    from connector.sheets import Sheet

app = typer.Typer(rich_markup_mode=None)

Export = Annotated[
    Path | None, typer.Option(dir_okay=False, help="Write it there: a name ending in .csv or .xlsx says as what.")
]


@app.command(short_help="Do all books tell the same of a day's money?", epilog=EXIT_CODES)
def proof(
    context: typer.Context,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; without it, yesterday.")] = None,
    export: Export = None,
    as_json: Json = False,
    everything: Everything = False,
) -> None:
    """Processor and bank, the ERP, and our own journal, to the cent, by currency and entity: what contradicts, with a
    reason each, what waits and why, and the acts that aren't over. The daemon makes the same proof on the next day and
    shows it in the ERP. Exit code 1 where books contradict, 3 where one couldn't be had.
    """
    with opened(context, outside=True) as (service, settings):
        with progress(f"Asking Stripe, the bank's statements and {settings.erp_name}"):
            report = service.proof(day.date() if day else None)
        from connector import sheets_proof

        above, pages = sheets_proof.proof_above(report), sheets_proof.proof_pages(report)
        _answer(report, report.as_of, above, pages, export, as_json, everything)
        _end(report.verdict)


@app.command(short_help="What an auditor asks of a month.", epilog=EXIT_CODES)
def evidence(
    context: typer.Context,
    month: Annotated[datetime, typer.Option(formats=["%Y-%m"], help="The month, such as 2026-11.")],
    export: Export = None,
    sign: Annotated[
        str, typer.Option(metavar="ACT", help="Judge one posting of the sample; with --right or --wrong.")
    ] = "",
    is_right: Annotated[
        bool | None, typer.Option("--right/--wrong", help="Was that posting right? Wrong demotes its class.")
    ] = None,
    who: Annotated[str, typer.Option(help="Who judges, as in the policy; without it, the user of this computer.")] = "",
    reason: Annotated[str, typer.Option(help="What it was held against; it is kept.")] = "",
    as_json: Json = False,
    everything: Everything = False,
) -> None:
    """Completeness by count and sum, AR to the general ledger, clearing to Stripe, the proof of each day, overrides
    with who approved, policy versions, roles, and 25 postings that no person approved, always the same, to be judged.
    """
    if bool(sign) is not (is_right is not None):
        raise typer.BadParameter("--sign needs --right or --wrong, and each of these needs --sign")
    if sign and not reason:
        raise typer.BadParameter("--sign needs --reason: what the posting was held against")
    with opened(context, outside=not sign) as (service, settings):
        if sign:
            row = service.sign_off(month.date(), sign, bool(is_right), who or getpass.getuser(), reason)
            print_json(row) if as_json else typer.echo(f"{row.act}: {row.judgement}, judged by {row.judged_by}")
            return
        with progress(f"Asking Stripe, the bank's statements and {settings.erp_name}"):
            report = service.evidence(month.date())
        from connector import sheets_proof

        above, pages = sheets_proof.evidence_above(report), sheets_proof.evidence_pages(report)
        _answer(report, report.as_of, above, pages, export, as_json, everything)
        _end(report.books)


def _answer(
    report: object,
    made: datetime,
    above: tuple[tuple[str, str], ...],
    pages: tuple[Sheet, ...],
    export: Path | None,
    as_json: bool,
    everything: bool,
) -> None:
    if export is not None:
        _export(export, made, above, pages)
        typer.echo(f"Written: {export}", err=as_json)
    if as_json:
        print_json(report)
    else:
        shown = pages if export is None else ()
        display().show_sheets(console(), shown, above, None if everything else ROWS_MAX)


def _export(path: Path, made: datetime, above: tuple[tuple[str, str], ...], pages: tuple[Sheet, ...]) -> None:
    from connector import sheets_proof

    kind = path.suffix.lower()
    if kind == ".csv":
        display().write_sheet_csv(sheets_proof.rows_of(path.stem, above, pages), path)
    elif kind == ".xlsx":
        display().write_pages_workbook(path, made, pages, above)
    else:
        raise ConfigError(f"Could not write {path}: its name must end in .csv or .xlsx.")


def _end(verdict: DayVerdict) -> None:
    code = {"drifts": ExitCode.NEEDS_A_PERSON, "unproved": ExitCode.UNAVAILABLE}.get(verdict.outcome.value)
    if code is not None:
        raise typer.Exit(code)
