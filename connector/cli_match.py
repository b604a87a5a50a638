"""`connector match`: how often each class of evidence was right, by replaying the past, and what people taught.

All but `history` need the store and the policy file only. What is changed here counts from the daemon's next pass on.
"""

from __future__ import annotations

import getpass
import sys
from enum import StrEnum
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
from connector.errors import ConfigError

if TYPE_CHECKING:
    from connector.receivables import Rung
    from connector.reports import AliasRow, HistoryReport

MONTHS_MAX = 60


class Who(StrEnum):
    """Who was right about a past payment?"""

    OURS = "ours"
    THEIRS = "theirs"
    NEITHER = "neither"


class Kind(StrEnum):
    """By what a payer is known."""

    BANK_ACCOUNT = "bank_account"
    EMAIL = "email"
    NAME = "name"


app = typer.Typer(
    name="match",
    help="How often matching was right: the past replayed, classes of evidence, what was learned of payers.",
    short_help="How often matching was right, and what was learned of payers.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
)
alias_app = typer.Typer(
    name="alias",
    help="Confirm, add or remove what was learned of a payer.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(alias_app)

By = Annotated[str, typer.Option("--who", help="Who says so, as in the policy; without it, the user of this computer.")]
Csv = Annotated[Path | None, typer.Option(dir_okay=False, help="Write it there as CSV.")]
AliasId = Annotated[int, typer.Argument(metavar="ID", help="The alias's id, as the list shows it.")]


@app.command(short_help="Replay the past and compare with what people did.", epilog=EXIT_CODES)
def history(
    context: typer.Context,
    months: Annotated[int, typer.Option(min=1, max=MONTHS_MAX, help="So many months up to today.")] = 12,
    last: Annotated[bool, typer.Option("--last", help="Show what the last replay found; don't ask the ERP.")] = False,
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the disagreements there as CSV.")] = None,
    xlsx: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all of it there as a workbook.")] = None,
    as_json: Json = False,
    everything: Everything = False,
) -> None:
    """Replay your own past payments out of the ERP as the daemon would have seen them, and compare with what people
    applied: agreement class by class, and the disagreements to judge. Nothing is written into the ERP. A later replay
    replaces what an earlier one found; judgements stay.
    """
    with opened(context, outside=not last) as (service, _):
        if last:
            found = service.experience().last()
            if found is None:
                say("Nothing was replayed yet. Run: connector match history")
                raise typer.Exit(ExitCode.NEEDS_A_PERSON)
        else:
            with progress("Reading the ERP's past payments and deciding them again"):
                found = service.experience().look_back(months, _tell)
        _show_history(found, csv, xlsx, as_json, everything)


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        say(text)


def _show_history(report: HistoryReport, csv: Path | None, xlsx: Path | None, as_json: bool, everything: bool) -> None:
    from connector import sheets

    pages, above = sheets.agreement(report), sheets.agreement_parameters(report)
    if csv is not None:
        display().write_sheet_csv(pages[-1], csv)
        typer.echo(f"Written: {csv}", err=as_json)
    if xlsx is not None:
        display().write_history_workbook(report, xlsx)
        typer.echo(f"Written: {xlsx}", err=as_json)
    if as_json:
        print_json(report)
    elif csv or xlsx:
        display().show_sheets(console(), (), above)
    else:
        display().show_sheets(console(), pages, above, None if everything else ROWS_MAX)
        if any(not row.judgement for row in report.disagreements):
            typer.echo("\nWho was right? connector match judge PAYMENT ours|theirs|neither --reason WHY")


@app.command(short_help="Say who was right about a past payment.", epilog=EXIT_CODES)
def judge(
    context: typer.Context,
    payment: Annotated[str, typer.Argument(help="The ERP's id of the payment, as the list shows it.")],
    right: Annotated[Who, typer.Argument(help="Whose split was right.")],
    reason: Annotated[str, typer.Option(help="How you know; it is kept.")],
    who: By = "",
    as_json: Json = False,
) -> None:
    """Say who was right about a past payment. That we were wrong stops its class from posting at once."""
    with opened(context, outside=False) as (service, _):
        from connector.history.agreement import Said

        row = service.experience().judge(payment, Said(right.value), _name(who), _required(reason))
        if as_json:
            print_json(row)
            return
        evidence = row.evidence.replace("_", " ")
        if right is Who.OURS:
            typer.echo(f"Payment {payment}: {evidence} was right.")
        else:
            typer.echo(f"Payment {payment}: {evidence} was wrong; it posts nothing by itself until that is lifted.")


@app.command(short_help="Which evidence posts by itself, and how often was it right?", epilog=EXIT_CODES)
def classes(context: typer.Context, csv: Csv = None, as_json: Json = False) -> None:
    """Every class of evidence: does it post by itself, how many were wrong of how many, how often it is right at least
    (95 % sure), how many more right ones it needs, since when and why it is demoted, whether it is proposed.
    """
    with opened(context, outside=False) as (service, _):
        from connector import sheets

        report = service.experience().classes()
        if csv is not None:
            display().write_sheet_csv(sheets.evidence(report), csv)
            typer.echo(f"Written: {csv}", err=as_json)
        if as_json:
            print_json(report)
        elif csv is None:
            display().show_sheets(console(), [sheets.evidence(report)])
            proposed = [row.evidence for row in report.rows if row.is_proposed]
            if proposed:
                typer.echo(f"\nProposed for trust.auto in policy.yaml, by a person: {', '.join(proposed)}")


@app.command(short_help="Let a demoted class post again.", epilog=EXIT_CODES)
def lift(
    context: typer.Context,
    evidence: Annotated[str, typer.Argument(metavar="CLASS", help="The class of evidence, such as exact_subset.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    who: By = "",
) -> None:
    """Let a demoted class post again, if the policy and its measure allow it. What was wrong stays counted."""
    with opened(context, outside=False) as (service, _):
        rung = _rung(evidence)
        service.experience().lift(rung, _name(who), _required(reason))
        typer.echo(f"{evidence.replace('_', ' ')} is no longer demoted; the policy and its measure decide again.")


@app.command(short_help="What was learned of payers.", epilog=EXIT_CODES)
def aliases(context: typer.Context, csv: Csv = None, as_json: Json = False, everything: Everything = False) -> None:
    """What people taught: whose bank account, e-mail address or name it is, who taught it, and whether it counts."""
    with opened(context, outside=False) as (service, _):
        from connector import sheets

        rows = service.experience().aliases()
        if csv is not None:
            display().write_sheet_csv(sheets.aliases(rows), csv)
            typer.echo(f"Written: {csv}", err=as_json)
        if as_json:
            print_json({"aliases": rows})
        elif csv is None:
            display().show_sheets(console(), [sheets.aliases(rows)], (), None if everything else ROWS_MAX)


@alias_app.command(short_help="Teach whose money it is.", epilog=EXIT_CODES)
def add(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="By what the payer is known.")],
    customer: Annotated[str, typer.Argument(help="The ERP's internal id of the customer.")],
    key: Annotated[str, typer.Option(help="The name or e-mail address itself.")] = "",
    payment: Annotated[str, typer.Option(metavar="ID", help="Take it from what this payment says of its payer.")] = "",
    who: By = "",
    as_json: Json = False,
) -> None:
    """Teach whose money it is. It corrects what says otherwise; a bank account, which is only known from a payment,
    counts when a second person confirmed it.
    """
    with opened(context, outside=False) as (service, _):
        from connector.decisions.payer import AliasKind

        if bool(key) == bool(payment):
            raise ConfigError("Give --key or --payment, one of the two. Nothing was learned.")
        if key and kind is Kind.BANK_ACCOUNT:
            raise ConfigError("A bank account is known from a payment only: give --payment. Nothing was learned.")
        row = service.experience().teach(AliasKind(kind.value), customer, _name(who), key=key, payment=payment)
        _tell_alias(row, as_json)


@alias_app.command(short_help="Confirm it as the second person.", epilog=EXIT_CODES)
def confirm(context: typer.Context, alias: AliasId, who: By = "", as_json: Json = False) -> None:
    """Confirm, as the second person, what somebody else taught; what contradicts it is removed."""
    with opened(context, outside=False) as (service, _):
        _tell_alias(service.experience().confirm(alias, _name(who)), as_json)


@alias_app.command(short_help="Take back what was learned.", epilog=EXIT_CODES)
def remove(context: typer.Context, alias: AliasId, who: By = "") -> None:
    """Take back what was learned: from the next pass on it counts for nothing. Anybody may."""
    with opened(context, outside=False) as (service, _):
        service.experience().remove(alias, _name(who))
        typer.echo(f"Alias {alias} is removed.")


def _tell_alias(row: AliasRow, as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    words = {
        "active": "it counts from the next pass on",
        "unconfirmed": f"it counts when somebody else confirms it: connector match alias confirm {row.id}",
        "contradicted": "another alias says otherwise, so neither counts until a person confirms or removes one",
        "customer_gone": "the ERP doesn't show this customer, so it counts for nothing",
    }
    typer.echo(f"Alias {row.id}, {row.kind.replace('_', ' ')} of {row.customer}: {words[row.state]}.")


def _rung(name: str) -> Rung:
    from connector.mapping import did_you_mean
    from connector.receivables import Rung

    known = [rung.value for rung in Rung if rung is not Rung.BY_PERSON]
    if name not in known:
        near = did_you_mean(name, known)
        hint = f"Did you mean {near!r}?" if near else "`connector match classes` lists them."
        raise ConfigError(f"There is no class of evidence {name!r}. {hint}")
    return Rung(name)


def _required(reason: str) -> str:
    if not reason.strip():
        raise ConfigError("Give a --reason: whoever looks at this later wants to know. Nothing was changed.")
    return reason.strip()


def _name(who: str) -> str:
    return who or getpass.getuser()
