"""`connector policy`: is the policy what is meant, how does it stand, who proposed and who approved it.

All but `reference` and `schema` need the store, the policy file and its templates; none asks the outside. A policy may
run `auto` once it is approved and nothing in it is red.
"""

from __future__ import annotations

import getpass
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
    say,
)

if TYPE_CHECKING:
    from connector.policy_desk import CheckReport, Standing, VersionRow

app = typer.Typer(
    name="policy",
    help="Check the policy against the book, see its segments, propose and approve a change.",
    short_help="Check the policy, propose and approve a change.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
)

Who = Annotated[str, typer.Option("--who", help="Who says so; without it, the user of this computer.")]
Csv = Annotated[Path | None, typer.Option(dir_okay=False, help="Write it there as CSV.")]


@app.command(short_help="Is the policy what is meant? Held against the real book.", epilog=EXIT_CODES)
def check(
    context: typer.Context,
    policy: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Another file than the installation's own.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write it there as CSV, one row a record that is concerned.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Is the policy what is meant? Its form with file and line; then segments, terms, contacts, rules and all texts,
    held against the open invoices as they were last read. Exit code 1 if something is red: until that is put right
    nothing runs auto. Nothing is sent.
    """
    with opened(context, outside=False) as (service, _):
        with progress("Holding the policy against the open invoices"):
            report = service.policies().check(policy)
        _show_check(report, csv, as_json)
        if report.red:
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)


def _show_check(report: CheckReport, csv: Path | None, as_json: bool) -> None:
    from connector import sheets_desk

    if csv is not None:
        display().write_sheet_csv(sheets_desk.listed(report), csv)
        typer.echo(f"Written: {csv}", err=as_json)
    if as_json:
        print_json(report)
        return
    display().show_sheets(console(), (), sheets_desk.check_above(report))
    for one in report.findings if csv is None else ():
        typer.echo(f"\n{one.severity.value}  {one.what}")
        for text in (one.where, one.remedy):
            if text:
                typer.echo(f"     {text}")
    told = f"{report.red} red, {report.yellow} yellow."
    typer.echo(f"\n{told} Red ones keep everything from running auto." if report.red else f"\n{told}")


@app.command(short_help="Its segments now, and how it stands.", epilog=EXIT_CODES)
def show(context: typer.Context, csv: Csv = None, as_json: Json = False, everything: Everything = False) -> None:
    """Each segment with its open invoices and amounts now, its cadence, switches and rules; which version this is, and
    whether it may run auto.
    """
    with opened(context, outside=False) as (service, _):
        from connector import sheets_desk

        with progress("Sorting the open invoices"):
            report = service.policies().show()
        if csv is not None:
            display().write_sheet_csv(sheets_desk.segment_amounts(report), csv)
            typer.echo(f"Written: {csv}", err=as_json)
        if as_json:
            print_json(report)
        elif csv is None:
            above = sheets_desk.standing_above(report.standing)
            rows_max = None if everything else ROWS_MAX
            display().show_sheets(console(), sheets_desk.segments(report), above, rows_max)


@app.command(short_help="Ask for the approval of what the file says.", epilog=EXIT_CODES)
def propose(
    context: typer.Context,
    note: Annotated[str, typer.Option(help="What it is for; it is kept.")] = "",
    who: Who = "",
    as_json: Json = False,
) -> None:
    """Answer for what policy.yaml says now, and ask for its approval. Its author doesn't approve it, unless the policy
    says that one person is enough.
    """
    with opened(context, outside=False) as (service, _):
        standing = service.policies().propose(who or getpass.getuser(), note)
        if as_json:
            print_json(standing)
            return
        _show_changes(standing)
        typer.echo(f"\nPolicy {standing.version} is proposed by {standing.proposed_by}.")
        typer.echo(_whats_next(standing))


@app.command(short_help="Let what the file says run auto.", epilog=EXIT_CODES)
def approve(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    who: Who = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask whether that is right.")] = False,
    as_json: Json = False,
) -> None:
    """Approve what policy.yaml says now: what changed since the approved version is shown first. Who may is what the
    policy that was approved last says, so nobody makes himself an approver.
    """
    with opened(context, outside=False) as (service, _):
        desk, name = service.policies(), who or getpass.getuser()
        seen = desk.standing()
        if not as_json:
            _show_changes(seen)
        if seen.version == seen.approved:
            say(f"Policy {seen.version} is approved already.")
        elif not yes and not _is_confirmed(f"Approve policy {seen.version} as {name}?"):
            say("Nothing was approved. Say yes, or give --yes where nobody can be asked.")
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)
        standing = seen if seen.version == seen.approved else desk.approve(seen.version, name, reason)
        if as_json:
            print_json(standing)
        else:
            typer.echo(f"\nPolicy {standing.version} is approved.\n{_whats_next(standing)}")


@app.command(short_help="Its versions: who, when, what changed.", epilog=EXIT_CODES)
def versions(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help="Only what this one changed.")] = "",
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write every changed key there as CSV.")] = None,
    as_json: Json = False,
    everything: Everything = False,
) -> None:
    """Every version that was proposed or used here, the latest first: who proposed and who approved it, when, and which
    keys it changed.
    """
    with opened(context, outside=False) as (service, _):
        rows = [one for one in service.policies().versions() if one.version.startswith(version)]
        if not rows:
            say(f"There is no version {version!r}." if version else "No policy was proposed or used here yet.")
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)
        _show_versions(rows, bool(version), csv, as_json, everything)


def _show_versions(rows: list[VersionRow], with_changes: bool, csv: Path | None, as_json: bool, all_: bool) -> None:
    from connector import sheets_desk

    if csv is not None:
        display().write_sheet_csv(sheets_desk.version_changes(rows), csv)
        typer.echo(f"Written: {csv}", err=as_json)
    if as_json:
        print_json({"versions": rows})
    elif csv is None:
        pages = [sheets_desk.versions(rows)]
        if with_changes or len(rows) == 1:
            pages.append(sheets_desk.version_changes(rows))
        display().show_sheets(console(), pages, (), None if all_ else ROWS_MAX)


@app.command(short_help="Every key of policy.yaml, as Markdown.", epilog=EXIT_CODES)
def reference() -> None:
    """Every key of policy.yaml with what it takes, its default and its meaning; the names for conditions; what `check`
    looks at. As Markdown.
    """
    from connector import policy_reference

    typer.echo(policy_reference.reference(), nl=False)


@app.command(short_help="The JSON Schema of policy.yaml, for editors.", epilog=EXIT_CODES)
def schema() -> None:
    """The JSON Schema of policy.yaml: with it an editor completes keys and marks what is wrong while one writes."""
    from connector import policy_file

    typer.echo(policy_file.policy_schema(), nl=False)


def _show_changes(standing: Standing) -> None:
    from connector import sheets_desk

    if standing.approved and standing.changes:
        display().show_sheets(console(), [sheets_desk.changes(standing)])
    elif not standing.approved:
        typer.echo("No policy was approved here yet: all of the file is new.")


def _whats_next(standing: Standing) -> str:
    if standing.blocked:
        return f"Nothing runs auto: {standing.blocked}."
    if standing.in_use not in ("", standing.version):
        return f"The daemon works by {standing.in_use} and runs nothing auto until it is started again."
    return "It may run auto, where its switches say so."


def _is_confirmed(question: str) -> bool:
    """False for a no, for an interrupt, and where nobody is there to answer."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False
