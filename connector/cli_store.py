"""`connector backup`, `restore`, `upgrade`, `retention`: the store itself, beside what the daemon does with it.

Backup, restore and upgrade work on the store before anybody opens it, so that none of them changes an earlier
release's store by looking at it.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.command import (
    EXIT_CODES,
    ExitCode,
    Json,
    configured,
    opened,
    print_json,
    progress,
    say,
    service_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.config import Settings
    from connector.ports import Clock
    from connector.reports_upkeep import BackupReport, RestoreReport, UpgradeReport

app = typer.Typer(rich_markup_mode=None)

Who = Annotated[str, typer.Option("--who", help="Who says so; without it, the user of this computer.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask whether that is right.")]


@app.command(short_help="Copy the whole store into one file.", epilog=EXIT_CODES)
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A new file, or a folder: then the file gets a name of its own there.")],
    as_json: Json = False,
) -> None:
    """Copy the whole store into one file, with the daemon up or down: one moment of it, readable by its owner only. The
    file says what it is, with a digest. It holds customers' names and addresses; no credentials.
    """
    with configured(context, outside=False) as settings:
        from connector import upkeep

        with progress("Copying the store"):
            made = upkeep.back_up(settings, file, _clock().now())
        if as_json:
            print_json(made)
            return
        typer.echo(f"Backed up: {made.file}\n{_described(made)}")


@app.command(short_help="Put a backup in the store's place.", epilog=EXIT_CODES)
def restore(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="What `connector backup` wrote.")] = None,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="The restored store was looked over: the policy holds again.")
    ] = False,
    here: Annotated[
        bool, typer.Option("--here", help="The store was put back by other means, such as a snapshot of the disk.")
    ] = False,
    installation: Annotated[
        str, typer.Option(help="Whose backup it is, where this installation takes another one's place on purpose.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    who: Who = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put a backup in the store's place; what was there is kept beside it. Then whatever is auto runs as suggest, every
    reminder that was due by now counts as sent, what was begun is looked up in the ERP first, and nothing is sent
    before every source was read. The daemon's first pass makes the lost store's daemon stop, should it come back. Once
    you have looked it over: connector restore --go-on
    """
    if (file is not None) + go_on + here != 1:
        raise typer.BadParameter("give one of FILE, --go-on and --here")
    if go_on:
        _go_on(context, who or getpass.getuser(), reason, as_json)
        return
    with configured(context, outside=False) as settings:
        _ask(settings, file, yes)
        from connector import upkeep

        with progress("Restoring"):
            if file is None:
                report = upkeep.restore_here(settings, _clock())
            else:
                report = upkeep.restore(settings, file, _clock(), installation)
        print_json(report) if as_json else typer.echo(_restored(report))


def _go_on(context: typer.Context, who: str, reason: str, as_json: bool) -> None:
    with opened(context, outside=False) as (service, _):
        service.go_on(who, reason)
    if as_json:
        print_json({"lifted_by": who, "reason": reason})
    else:
        typer.echo("The restored store was looked over: from the next pass on the policy holds as it stands.")


def _ask(settings: Settings, file: Path | None, yes: bool) -> None:
    from connector import upkeep

    if file is not None:
        say(_described(upkeep.look(file)))
    if yes:
        return
    what = f"Replace the store {upkeep.named(settings)}" if file else f"Treat {upkeep.named(settings)} as restored"
    try:
        sure = typer.confirm(f"{what}?", err=True)
    except typer.Abort:
        sure = False
    if not sure:
        say("Nothing was changed. Say yes, or give --yes where nobody can be asked.")
        raise typer.Exit(ExitCode.NEEDS_A_PERSON)


@app.command(short_help="Bring the store to another release, safely.", epilog=EXIT_CODES)
def upgrade(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--backup", help="Where the backup goes; without it, beside the store.")
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Go on though something can't be finished.")] = False,
    as_json: Json = False,
) -> None:
    """Before a new release is installed and again with it, with the daemon stopped: finish what was begun, or say what
    can't be; back up; bring the store to this release; read the whole open set again. No reminder leaves before every
    source was read. Killed or failed, run it again.
    """
    with configured(context, outside=True) as settings:
        from connector import upkeep

        tell: Callable[[str], None] = (lambda text: say(text)) if as_json else (lambda text: typer.echo(text))
        report = upkeep.upgrade(settings, lambda: service_of(context, settings), _clock(), tell, file, anyway)
        print_json(report) if as_json else _show_upgrade(report)
        if report.unfinished:
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)


def _show_upgrade(report: UpgradeReport) -> None:
    for one in report.unfinished:
        typer.echo(f"Unfinished: {one.kind} {one.id} is {one.state}: {one.why}")
    if not report.is_done:
        typer.echo(
            "Nothing was upgraded. What is unfinished is looked up in the ERP before it is tried again, so it is safe "
            "to go on: connector upgrade --anyway"
        )
    elif report.schema_before == report.schema_after:
        typer.echo("Ready: install the new release now and run `connector upgrade` with it. Or start the daemon again.")
    else:
        typer.echo("Upgraded. Start the daemon.")


@app.command(short_help="Remove the personal data of what ended long ago.", epilog=EXIT_CODES)
def retention(
    context: typer.Context,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it now; the daemon does so once a day.")] = False,
    as_json: Json = False,
) -> None:
    """What is kept longer than `retention_years` in the settings: names, addresses, messages and payers' words of what
    ended before that. Removed, the evidence stays: amounts, ids, days, verdicts, who approved.
    """
    with opened(context, outside=False) as (service, _):
        with progress("Looking through what ended long ago"):
            report = service.forget(remove)
        if as_json:
            print_json(report)
            return
        for kind, count in report.rows.items():
            typer.echo(f"{count:>8,}  {kind}")
        done = "Removed" if remove else "To be removed"
        typer.echo(f"{done}: personal data in {report.row_count:,} records of what ended before {report.ended_before}.")


def _described(made: BackupReport) -> str:
    epoch, taken = made.epoch or "none", f"{made.taken_at:%Y-%m-%d %H:%M} UTC"
    return (
        f"Store of installation {made.installation}, epoch {epoch}, taken {taken} from {made.database}: "
        f"{made.row_count:,} rows up to journal line {made.last_seq:,}, schema {made.schema} of release "
        f"{made.release}, {made.bytes:,} bytes, digest {made.digest[:12]}"
    )


def _restored(report: RestoreReport) -> str:
    of = f"from the backup of {report.taken_at:%Y-%m-%d %H:%M} UTC" if report.taken_at else "as it stands"
    kept = f"What was there is kept: {report.kept_at}\n" if report.kept_at else ""
    return (
        f"Restored: {report.store} {of}.\n{kept}"
        f"{report.counted_as_sent:,} reminders that were due count as sent; {report.unfinished:,} unfinished acts are "
        "looked up in the ERP first.\nWhatever is auto runs as suggest now. Start the daemon. When a pass has read "
        "every source,\nlook at `connector queue` and `connector preview`, and give again what stops and answers "
        "people gave since.\nThen: connector restore --go-on"
    )


def _clock() -> Clock:
    from connector.wiring import SystemClock

    return SystemClock()
