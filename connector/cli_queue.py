"""`connector queue`: what waits for a person's answer, and the answers.

Commands only take down what a person asks for; the daemon acts on it at its next pass, and checks everything again.
They work whether it runs or not.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.command import (
    EXIT_CODES,
    ROWS_MAX,
    Everything,
    ExitCode,
    Json,
    Service,
    console,
    display,
    opened,
    print_json,
    say,
)
from connector.errors import ConfigError

if TYPE_CHECKING:
    from connector.reports import Asked, Asking, ChoiceRow, QueueReport, QueueRow

app = typer.Typer(
    name="queue",
    help="What waits for a person's answer, and the answers: approve, edit, reject.",
    short_help="What waits for a person's answer, and the answers.",
    epilog=EXIT_CODES,
    invoke_without_command=True,
    rich_markup_mode=None,
)

Who = Annotated[
    str, typer.Option("--who", help="Who answers, as in the policy; without it, the user of this computer.")
]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the answer.")]
Payment = Annotated[str, typer.Argument(help="The payment's id, as the list shows it.")]


@app.callback()
def queue(
    context: typer.Context,
    kind: Annotated[str, typer.Option(metavar="KIND", help="Only this kind of exception.")] = "",
    rung: Annotated[
        str, typer.Option("--class", metavar="CLASS", help="Only suggestions by this class of evidence.")
    ] = "",
    customer: Annotated[str, typer.Option(metavar="TEXT", help="Only customers with this in their name or id.")] = "",
    least: Annotated[str, typer.Option("--min", metavar="AMOUNT", help="Only payments of this amount or more.")] = "",
    most: Annotated[str, typer.Option("--max", metavar="AMOUNT", help="Only payments of this amount or less.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only what I may answer.")] = False,
    who: Who = "",
    csv: Annotated[Path | None, typer.Option(dir_okay=False, help="Write it there as CSV, one row a payment.")] = None,
    xlsx: Annotated[Path | None, typer.Option(dir_okay=False, help="Write it there as a workbook.")] = None,
    as_json: Json = False,
    everything: Everything = False,
) -> None:
    """What waits for a person's answer: the split, the equation, what else was considered, why, and who may answer.

    With a command: show, approve, edit or reject what waits.
    """
    if context.invoked_subcommand is not None:
        return
    with opened(context, outside=False) as (service, _):
        bounds = _amount(least, "--min"), _amount(most, "--max")
        report = service.queue()
        _require_known(rung, kind, report.rows)
        rows = tuple(_wanted(report.rows, kind or rung, bool(rung), customer, bounds, _name(who) if mine else ""))
        _show_list(replace(report, rows=rows), csv, xlsx, as_json, everything)


@app.command(short_help="All of one payment that waits.", epilog=EXIT_CODES)
def show(context: typer.Context, payment: Payment, as_json: Json = False) -> None:
    """All of one payment that waits: what was found, what one may choose from, what else was considered."""
    with opened(context, outside=False) as (service, _):
        row = next((one for one in service.queue().rows if one.payment == payment), None)
        if row is None:
            say(f"Payment {payment} does not wait for an answer. `connector explain {payment}` tells of it.")
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)
        print_json(row) if as_json else display().show_queued(console(), row)


@app.command(short_help="Approve what is suggested, or one explanation.", epilog=EXIT_CODES)
def approve(
    context: typer.Context,
    payments: Annotated[list[str] | None, typer.Argument(metavar="PAYMENT", help="Ids, as the list shows.")] = None,
    choice: Annotated[
        int, typer.Option(min=0, show_default=False, help="Of an exception: the number of the explanation.")
    ] = 0,
    all_of_class: Annotated[
        str, typer.Option(metavar="CLASS", help="All suggestions by this class that I may approve.")
    ] = "",
    max_amount: Annotated[
        str, typer.Option(metavar="AMOUNT", help="With --all-of-class: only payments up to this.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask whether that is right.")] = False,
    reason: Reason = "",
    who: Who = "",
    as_json: Json = False,
) -> None:
    """Approve what is suggested for these payments. It is shown first; if it changes before the daemon acts on it,
    nothing is posted.
    """
    with opened(context, outside=False) as (service, _):
        from connector.reports import Asking

        name, rows = _name(who), service.queue().rows
        if bool(payments) == bool(all_of_class):
            raise ConfigError("Name the payments to approve, or --all-of-class with a class. Nothing was asked for.")
        if all_of_class:
            _require_known(all_of_class, "", rows)
            payments = _approvable(rows, all_of_class, _amount(max_amount, "--max-amount"), name)
        known = {row.payment: row for row in rows}
        chosen = [(known[one], _choice(known[one], choice)) for one in payments or () if one in known]
        if not as_json:
            display().show_to_approve(console(), chosen)
        if chosen and not yes and not _is_confirmed(f"Approve as {name}?"):
            say("Nothing was asked for. Say yes, or give --yes where nobody can be asked.")
            raise typer.Exit(ExitCode.NEEDS_A_PERSON)
        seen = {row.payment: picked.seen for row, picked in chosen if picked}
        asking = [
            Asking("approve", one, seen=seen.get(one, ""), choice=choice, reason=reason)
            for one in dict.fromkeys(payments or ())
        ]
        _ask(service, asking, name, as_json)


@app.command(short_help="Divide a payment as you know it to be.", epilog=EXIT_CODES)
def edit(
    context: typer.Context,
    payment: Payment,
    parts: Annotated[list[str], typer.Argument(metavar="NUMBER=AMOUNT", help="Invoices and what each is paid.")],
    credit: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER=AMOUNT", help="A credit memo and what of it is used.")
    ] = None,
    unapplied: Annotated[
        str, typer.Option(metavar="AMOUNT", help="What stays on account; without it the parts must be all.")
    ] = "",
    other_customer: Annotated[
        bool, typer.Option("--other-customer", help="These are another customer's invoices, and that is right.")
    ] = False,
    held: Annotated[bool, typer.Option("--held", help="An invoice on hold or disputed is paid all the same.")] = False,
    reason: Reason = "",
    who: Who = "",
    as_json: Json = False,
) -> None:
    """Divide a payment as you know it to be, in its currency: INV-1001=600.00 INV-1002=400.00. The parts, less the
    credit memos, and what stays unapplied must be the whole payment.
    """
    with opened(context, outside=False) as (service, _):
        from connector.reports import Asking

        asking = Asking(
            "edit",
            payment,
            parts=tuple(_part(text) for text in parts),
            credits=tuple(_part(text) for text in credit or ()),
            unapplied=unapplied,
            other_customer=other_customer,
            held=held,
            reason=reason,
        )
        _ask(service, [asking], _name(who), as_json)


@app.command(short_help="Reject what is suggested.", epilog=EXIT_CODES)
def reject(
    context: typer.Context,
    payments: Annotated[list[str], typer.Argument(metavar="PAYMENT", help="Ids, as the list shows them.")],
    reason: Annotated[str, typer.Option(help="Why it is wrong; it is kept and shown.")],
    who: Who = "",
    as_json: Json = False,
) -> None:
    """Reject what is suggested. The payment stays an exception, its invoices aren't reminded of, and the same split is
    not suggested again.
    """
    with opened(context, outside=False) as (service, _):
        from connector.reports import Asking

        known = {row.payment: row for row in service.queue().rows}
        seen = {one: choice.seen for one, row in known.items() if (choice := _choice(row, 0))}
        asking = [Asking("reject", one, seen=seen.get(one, ""), reason=reason) for one in dict.fromkeys(payments)]
        _ask(service, asking, _name(who), as_json)


def _is_confirmed(question: str) -> bool:
    """False for a no, for an interrupt, and where nobody is there to answer."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False


def _ask(service: Service, asking: Sequence[Asking], who: str, as_json: bool) -> None:
    """Ask, and say what was taken down and what was not; exit code 1 if anything was not."""
    answers = service.ask(asking, who)
    if as_json:
        print_json({"asked": answers})
    else:
        _tell(answers)
    if not all(one.accepted for one in answers):
        raise typer.Exit(ExitCode.NEEDS_A_PERSON)


def _tell(answers: Iterable[Asked]) -> None:
    given = list(answers)
    for one in given:
        if one.accepted:
            typer.echo(f"{one.payment}: taken down: {one.text}")
        else:
            say(f"{one.payment}: nothing was asked for: {one.text}")
    taken = [one for one in given if one.accepted and one.amount]
    if taken:
        total = display().totals(one.amount for one in taken)
        typer.echo(
            f"{total}. The daemon acts on it at its next pass; `connector explain PAYMENT` says what came of it."
        )
    elif not given:
        typer.echo("Nothing to answer.")


def _show_list(report: QueueReport, csv: Path | None, xlsx: Path | None, as_json: bool, everything: bool) -> None:
    for path, write in ((csv, display().write_queue_csv), (xlsx, display().write_queue_workbook)):
        if path is not None:
            write(report, path)
            typer.echo(f"Written: {path}", err=as_json)
    if as_json:
        print_json(report)
    elif not (csv or xlsx):
        display().show_queue(console(), report, report.rows, None if everything else ROWS_MAX)


def _wanted(
    rows: Iterable[QueueRow],
    kind: str,
    suggested: bool,
    customer: str,
    bounds: tuple[Decimal | None, Decimal | None],
    who: str,
) -> Iterable[QueueRow]:
    least, most = bounds
    for row in rows:
        amount = row.amount.decimal()
        if kind and (row.kind != kind or (row.standing == "suggested") != suggested):
            continue
        if customer.casefold() not in row.customer.casefold():
            continue
        if (least is not None and amount < least) or (most is not None and amount > most):
            continue
        if not who or who in {one.who for one in row.may_answer}:
            yield row


def _approvable(rows: Iterable[QueueRow], rung: str, most: Decimal | None, who: str) -> list[str]:
    """The suggestions of this class that this person may approve and that nobody has answered yet."""
    some = _wanted(rows, rung, True, "", (None, most), "")
    may = [row for row in some if any(one.who == who and "approve" in one.may for one in row.may_answer)]
    return [row.payment for row in may if not row.asked]


def _choice(row: QueueRow, number: int) -> ChoiceRow | None:
    """What of this row would be approved; of a suggestion always what is suggested."""
    if row.standing == "suggested":
        return row.choices[0] if row.choices else None
    return next((choice for choice in row.choices if choice.number == number), None)


def _part(text: str) -> tuple[str, str]:
    number, sign, amount = text.rpartition("=")
    if not (sign and number.strip() and amount.strip()):
        raise ConfigError(f"{text!r} must be a number and an amount, such as INV-1001=600.00. Nothing was asked for.")
    return number.strip(), amount.strip()


def _amount(text: str, option: str) -> Decimal | None:
    if not text:
        return None
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ConfigError(f"{option} must be an amount such as 1000.00, not {text!r}.") from None
    if not value.is_finite():
        raise ConfigError(f"{option} must be an amount such as 1000.00, not {text!r}.")
    return value


def _name(who: str) -> str:
    return who or getpass.getuser()


def _require_known(rung: str, kind: str, rows: Iterable[QueueRow]) -> None:
    """ConfigError for a class of evidence or a kind of exception that there isn't."""
    from connector.mapping import did_you_mean
    from connector.receivables import ExceptionKind, Rung

    classes, kinds = {one.value for one in Rung}, {one.value for one in ExceptionKind} | {row.kind for row in rows}
    for given, known, what in ((rung, classes, "class of evidence"), (kind, kinds - classes, "kind of exception")):
        if given and given not in known:
            near = did_you_mean(given, sorted(known))
            hint = f"Did you mean {near!r}?" if near else "mappings/README.md lists them."
            raise ConfigError(f"There is no {what} {given!r}. {hint}")
