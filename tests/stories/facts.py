"""What a story expects. Each fact gives '' where it holds, else what was found instead.

Facts are read where they are true: mails in the mailbox, payments and balances in the ERP, payers' meaning in the
world; and from the connector only what it says of its own decisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from connector.decisions.clearing import ClearingProof
from connector.receivables import ReminderState
from connector.reports import Explanation, ReminderStateRow
from connector.store import activity, settling, tables, verdicts
from connector.store.book import from_json
from connector.store.verdicts import OpenException
from tests.harness import banked
from tests.stories.deeds import Deeds
from tests.stories.notation import Sentences, items, pairs, quoted

facts = Sentences()


class Facts:
    """The facts of one story at this moment."""

    def __init__(self, story: Deeds) -> None:
        self._story = story

    # ---- reminders and mails ----

    @facts("reminder <invoice> <step> <word>[ because <text>]")
    def reminder(self, invoice: str, step: str, word: str, text: str) -> str:
        """Sent means: one mail about this step is in the mailbox. The other states are the connector's word."""
        row = next((one for one in self._explain(invoice).reminders if one.step == step), None)
        mailed = [f"{invoice} {step}" for told in self._told() if f"{invoice} {step}" in told]
        wanted = ReminderState(word)
        if row is None or row.state != wanted or text.lower() not in row.reason.lower():
            return f"{_said(row)}; {self._steps(invoice)}"
        if len(mailed) != (wanted is ReminderState.SENT):
            return f"{len(mailed)} mails about {invoice} {step}"
        return ""

    @facts("reminders of <invoice>: <steps> sent")
    def reminders_sent(self, invoice: str, steps: str) -> str:
        """All that ever left for this invoice, in this order."""
        sent = [step for told in self._told() for number, step in pairs(", ".join(told)) if number == invoice]
        return "" if sent == items(steps) else f"{', '.join(sent) or 'none'} sent; {self._steps(invoice)}"

    @facts("no reminder of <invoice> sent")
    def no_reminder_sent(self, invoice: str) -> str:
        return self.reminders_sent(invoice, "")

    @facts("mail today: <reminders>")
    def mail_today(self, reminders: str) -> str:
        """The one mail that left today about the first of these holds just these."""
        first = items(reminders)[0].split()[0]
        today = [told for told in self._told(today=True) if any(first == one.split()[0] for one in told)]
        return "" if today == [items(reminders)] else f"today: {'; '.join(map(', '.join, today)) or 'no mail'}"

    @facts("no mail today")
    def no_mail_today(self) -> str:
        return "; ".join(", ".join(told) for told in self._told(today=True))

    @facts("no mail ever")
    def no_mail_ever(self) -> str:
        return "; ".join(", ".join(told) for told in self._told())

    @facts("last mail says <text>")
    def last_mail_says(self, text: str) -> str:
        mail = self._last_mail()
        said = " ".join(f"{mail.header('Subject')} {mail.text}".split())
        return "" if text in said else said

    @facts("last mail does not say <text>")
    def last_mail_does_not_say(self, text: str) -> str:
        return "it does" if not self.last_mail_says(text) else ""

    @facts("last text says <text>")
    def last_text_says(self, text: str) -> str:
        texts = self._story.world.sms.texts()
        return "" if texts and text in texts[-1].text else texts[-1].text if texts else "no text was ever sent"

    @facts("no text ever")
    def no_text_ever(self) -> str:
        return "; ".join(one.text for one in self._story.world.sms.texts())

    @facts("last mail is from <address>")
    def last_mail_from(self, address: str) -> str:
        return _same(address, str(self._last_mail().header("From")))

    @facts("last mail is for <address>")
    def last_mail_for(self, address: str) -> str:
        mail = self._last_mail()
        return _same(address, mail.header("X-AR-Would-Go-To") or mail.header("To"))

    @facts("last mail is copied to <address>")
    def last_mail_copied(self, address: str) -> str:
        """Openly, and to nobody else."""
        mail = self._last_mail()
        return _same(address, mail.header("X-AR-Would-Copy-To") or mail.header("Cc") or "nobody")

    @facts("last mail goes unseen to <address>")
    def last_mail_unseen(self, address: str) -> str:
        """The envelope names just this one beside those whom everybody sees."""
        mail = self._last_mail()
        seen = {*items(mail.header("To")), *items(mail.header("Cc"))}
        return _same([address], [one for one in mail.rcpt_to if one not in seen])

    def _last_mail(self) -> Any:
        mails = self._story.desk.mails()
        if not mails:
            raise AssertionError("no mail was ever sent")
        return mails[-1]

    def _told(self, today: bool = False) -> list[list[str]]:
        """Of each mail the invoices and steps that it is about."""
        mails = [m for m in self._story.desk.mails() if not today or m.at.date() == self._story.today()]
        return [items(mail.header("X-AR-Reminder")) for mail in mails]

    def _steps(self, invoice: str) -> str:
        return (
            ", ".join(f"{one.step} {one.state}" for one in self._explain(invoice).reminders) or "no reminder is planned"
        )

    # ---- matches ----

    @facts("match <payment> -> <parts> by <word>")
    def match(self, payment: str, parts: str, word: str) -> str:
        return _same(f"{_sorted(parts)} by {word}", self._matched(payment))

    @facts("suggestion <payment> -> <parts> by <word>")
    def suggestion(self, payment: str, parts: str, word: str) -> str:
        return _same(f"{_sorted(parts)} by {word}, suggested", self._matched(payment))

    @facts("no match <payment>")
    def no_match(self, payment: str) -> str:
        return _same("none", self._matched(payment))

    def _matched(self, payment: str) -> str:
        charge, found, how = self._story.charges[payment], [], ""
        for number in self._story.desk.service.invoice_numbers():
            for row in self._explain(number).payments:
                if row.id == charge and row.state != "released":
                    found.append(f"{number} {row.applied.plain()}")
                    how = f" by {row.rung}" + (", suggested" if row.state == "suggested" else "")
        return _sorted(", ".join(found)) + how if found else "none"

    @facts("payment <payment> is <word>")
    def payment_standing(self, payment: str, word: str) -> str:
        where = tables.payment.c.id == self._story.charges[payment]
        with self._story.desk.service.store.read() as tx:
            return _same(word, str(tx.execute(select(tables.payment.c.standing).where(where)).scalar()))

    # ---- the ERP ----

    @facts("balance <invoice> <amount>")
    def balance(self, invoice: str, amount: str) -> str:
        return _same(amount, str(self._invoice(invoice)["balance"]))

    @facts("line <number> of <invoice> owes <amount>")
    def line_owes(self, number: str, invoice: str, amount: str) -> str:
        """Where the ERP applies money to the lines of an invoice."""
        lines = {line["line"]: line["due"] for line in self._invoice(invoice)["lines"]}
        return _same(amount, lines[number])

    @facts("erp application <payment> -> <parts>")
    def erp_application(self, payment: str, parts: str) -> str:
        """All that our ERP payment for this charge is applied to."""
        return _same(_sorted(parts), _sorted(self._applied(payment)))

    @facts("erp draft <payment> -> <parts>")
    def erp_draft(self, payment: str, parts: str) -> str:
        """What waits for approval stands in the ERP as one draft of ours, where it has such."""
        return _same([_sorted(parts)], self._drafted(payment))

    @facts("no erp draft <payment>")
    def no_erp_draft(self, payment: str) -> str:
        return _same([], self._drafted(payment))

    def _drafted(self, payment: str) -> list[str]:
        truth, charge = self._story.world.truth(), self._story.charges[payment]
        numbers = {one["id"]: one["number"] for one in truth["invoices"]}
        ours = [one for one in truth["drafts"] if charge in one["external_id"]]
        return [
            _sorted(", ".join(f"{numbers[part['invoice']]} {part['amount']}" for part in one["selects"]))
            for one in ours
        ]

    @facts("erp unapplied <payment> <amount>")
    def erp_unapplied(self, payment: str, amount: str) -> str:
        return _same(amount, ", ".join(str(one["unapplied"]) for one in self._ours(payment)) or "no payment")

    @facts("no erp payment <payment>")
    def no_erp_payment(self, payment: str) -> str:
        return _same([], self._ours(payment))

    @facts("erp payment <payment> on <day>[, really on <issued>]")
    def erp_payment_on(self, payment: str, day: str, issued: str) -> str:
        """Our payment is dated so; where a closed period moved it, the real day stands in a field of its own."""
        found = [(one["on"], one["received_on"]) for one in self._ours(payment)]
        return _same([(day, issued)], found)

    @facts("erp deposit <payout> <amount> of <entries>")
    def erp_deposit(self, payout: str, amount: str, entries: str) -> str:
        """One deposit of ours, or one journal where the ERP keeps it so: its total is what Stripe paid out, and its
        parts add up to it. `payments 3` counts."""
        truth, name = self._story.world.truth(), self._story.payouts[payout]
        banks = [account for account, role in self._story.roles.items() if role == "bank"]
        booked = [one for bank in banks for one in banked(truth, bank)]
        found = [one for one in booked if name in one["external_id"] and not one["voided"]]
        if len(found) != 1:
            return f"{len(found)} deposits of ours"
        deposit, payments = found[0], {one["id"]: one["amount"] for one in truth["payments"]}
        parts = [Decimal(payments[one]) for one in deposit["payments"]]
        parts += [Decimal(line["amount"]) for line in deposit["lines"]]
        paid_out = next(one["amount"] for one in truth["payouts"] if one["payout"] == name)
        if not Decimal(deposit["amount"]) == Decimal(paid_out) == sum(parts):
            return f"deposit {deposit['amount']}, paid out {paid_out}, parts {sum(parts)}"
        # What rates leave over has no amount in the deposit's own currency.
        lines = [line for line in deposit["lines"] if Decimal(line["amount"])]
        told = [f"{self._story.roles[line['account']]} {line['amount']}" for line in lines]
        told += [f"payments {len(deposit['payments'])}"] if deposit["payments"] else []
        return _same(f"{amount} of {_sorted(entries)}", f"{deposit['amount']} of {_sorted(', '.join(told))}")

    @facts("no erp deposit <payout>")
    def no_erp_deposit(self, payout: str) -> str:
        truth, name = self._story.world.truth(), self._story.payouts[payout]
        return _same([], [one for one in truth["deposits"] + truth["journals"] if name in one["external_id"]])

    @facts("erp ledger <entries>")
    def erp_ledger(self, entries: str) -> str:
        """What stands on the books' own ledger accounts, by what they are for; debit positive."""
        balances = self._story.world.truth()["balances"]
        accounts = self._story.world.erp.accounts
        found = [f"{role} {balances.get(accounts[role], '0.00')}" for role, _ in pairs(entries)]
        return _same(entries, ", ".join(found))

    @facts("erp has paused its own dunning of <invoice>")
    def dunning_paused(self, invoice: str) -> str:
        row = self._story.world.netsuite.transaction(int(self._story.world.invoice_id(invoice)))
        return _same("T", row["custbody_3805_dunning_paused"])

    @facts("nothing written in the erp")
    def nothing_written(self) -> str:
        return _same(0, self._story.world.requests()["erp_writes"])

    @facts("erp cancellation <invoice> of <steps> <word>")
    def erp_cancellation(self, invoice: str, steps: str, word: str) -> str:
        """The ERP's record of what was cancelled, and the state of that record."""
        found = [f"{row['steps']} {row['state']}" for row in self._kept("cancellation", invoice)]
        return _same([f"{' '.join(items(steps))} {word}"], found)

    @facts("erp flag <invoice> <word>[ because <text>]")
    def erp_flag(self, invoice: str, word: str, text: str) -> str:
        """What the ERP's saved searches or views see of this invoice."""
        found = [f"{row['state']}: {row['reason']}" for row in self._kept("status", invoice)]
        holds = len(found) == 1 and found[0].startswith(f"{word}:") and text.lower() in found[0].lower()
        return "" if holds else "; ".join(found) or "no AR status"

    @facts("erp card <invoice> says <text>")
    def erp_card(self, invoice: str, text: str) -> str:
        """The card of this invoice that people read in the ERP."""
        found = self._status(invoice, "card")
        return "" if len(found) == 1 and text.lower() in " ".join(found[0].split()).lower() else "; ".join(found)

    @facts("erp segment <invoice> <segment>")
    def erp_segment(self, invoice: str, segment: str) -> str:
        return _same([segment], self._status(invoice, "segment"))

    def _status(self, invoice: str, field: str) -> list[str]:
        return [row[field] or "nothing" for row in self._kept("status", invoice)] or ["no AR status"]

    @facts("erp exception <word> of <invoice>[ owner <owner>][ until <day>][ outcome <text>]")
    def erp_exception(self, word: str, invoice: str, owner: str, day: str, text: str) -> str:
        """What people see of it in the ERP: whose it is, by when it is to be decided, and what came of it."""
        wanted = {"kind": word, "owner": owner, "deadline": day, "outcome": text}
        found = [{name: row[name] for name in wanted} for row in self._kept("exception", invoice)]
        if any(all(not value or value.lower() in one[name].lower() for name, value in wanted.items()) for one in found):
            return ""
        return "; ".join(" ".join(one.values()) for one in found) or "no AR exception record"

    @facts("loop <invoice> closed")
    def loop(self, invoice: str) -> str:
        """Paid in the ERP, nothing planned any more, and the connector says so."""
        explanation = self._explain(invoice)
        events = [line.event for line in explanation.timeline]
        waiting = [one.step for one in explanation.reminders if one.state in ("planned", "held")]
        if Decimal(self._invoice(invoice)["balance"]) or "loop_closed" not in events or waiting:
            return f"balance {self._invoice(invoice)['balance']}, waiting {waiting}, journal {', '.join(events)}"
        return ""

    def _invoice(self, number: str) -> dict[str, Any]:
        return next(one for one in self._story.world.truth()["invoices"] if one["number"] == number)

    def _ours(self, payment: str) -> list[dict[str, Any]]:
        charge = self._story.charges[payment]
        return [
            one
            for one in self._story.world.truth()["payments"]
            if one["external_id"].startswith("arc-") and charge in one["external_id"]
        ]

    def _applied(self, payment: str) -> str:
        numbers = {one["id"]: one["number"] for one in self._story.world.truth()["invoices"]}
        made = [f"{numbers[p['invoice']]} {p['amount']}" for one in self._ours(payment) for p in one["applications"]]
        return ", ".join(made)

    def _kept(self, kind: str, invoice: str) -> list[dict[str, Any]]:
        """What we keep about this invoice in the ERP, beside its books."""
        invoice_id = self._story.world.invoice_id(invoice)
        return [one for one in self._story.world.erp.kept(kind) if one["invoice"] == invoice_id]

    # ---- what waits for a person ----

    @facts("invoice <invoice> is <word>")
    def invoice_state(self, invoice: str, word: str) -> str:
        return _same(word, self._explain(invoice).invoice.state)

    @facts("invoice <invoice> is not known")
    def invoice_unknown(self, invoice: str) -> str:
        known = self._story.desk.service.explain(invoice)
        return "" if known is None else f"it is {known.invoice.state}"

    @facts("exception <word> of <payment>[ over <invoices>][ shows <texts>]")
    def exception_of_payment(self, word: str, payment: str, invoices: str, texts: str) -> str:
        charge = self._story.charges[payment]
        found = [one for one in self._exceptions() if charge in (one.payment_id, one.id.partition(":")[2])]
        return self._shown(found, word, invoices, texts)

    @facts("exception <word> of <payout>[ shows <texts>]")
    def exception_of_payout(self, word: str, payout: str, texts: str) -> str:
        name = self._story.payouts[payout]
        return self._shown([o for o in self._exceptions() if o.id.partition(":")[2] == name], word, "", texts)

    @facts("payout <payout> is <word>")
    def payout_standing(self, payout: str, word: str) -> str:
        with self._story.desk.service.store.read() as tx:
            return _same(word, settling.standings(tx).get(self._story.payouts[payout], "not known"))

    @facts("clearing proof <currency> unexplained <signed>")
    def clearing_proof(self, currency: str, signed: str) -> str:
        """The latest daily proof: what of the clearing account's balance nothing explains."""
        with self._story.desk.service.store.read() as tx:
            found = {name: from_json(ClearingProof, text) for _, name, text in settling.proofs(tx)}
        return _same(signed, found[currency].unexplained.plain()) if currency in found else "no proof"

    @facts("task about <invoice>[ shows <texts>]")
    def task(self, invoice: str, texts: str) -> str:
        """One task for the account team in the CRM."""
        found = [f"{one['subject']}: {one['description']}" for one in self._tasks() if invoice in one["subject"]]
        shown = len(found) == 1 and all(text in found[0] for text in quoted(texts))
        return "" if shown else "\n".join(found) or "no task"

    @facts("chat says <texts>")
    def chat_says(self, texts: str) -> str:
        """One message in our people's chat shows all of this."""
        posted = [post.text for post in self._story.world.chat.posts()]
        shown = [post for post in posted if all(text in post for text in quoted(texts))]
        return "" if len(shown) == 1 else "\n".join(posted) or "nothing was posted"

    @facts("chat does not say <text>")
    def chat_does_not_say(self, text: str) -> str:
        return "\n".join(post.text for post in self._story.world.chat.posts() if text in post.text)

    @facts("no chat")
    def no_chat(self) -> str:
        return "\n".join(post.text for post in self._story.world.chat.posts())

    @facts("task about <invoice> for <owner>[ shows <texts>]")
    def task_for(self, invoice: str, owner: str, texts: str) -> str:
        """One task of this user of the CRM."""
        user = self._story.world.salesforce.org.find("User", owner)
        about = [one for one in self._tasks() if invoice in one["subject"]]
        found = [one["description"] for one in about if one["owner"] == user]
        shown = len(found) == 1 and all(text in found[0] for text in quoted(texts))
        return "" if shown else "\n".join(f"{one['owner']}: {one['description']}" for one in about) or "no task"

    @facts("no task in the CRM")
    def no_task(self) -> str:
        return "\n".join(one["subject"] for one in self._tasks())

    def _tasks(self) -> list[dict[str, Any]]:
        return list(self._story.world.truth()["tasks"])

    @facts("exception <word> of <customer>[ over <invoices>][ shows <texts>]")
    def exception_of_customer(self, word: str, customer: str, invoices: str, texts: str) -> str:
        customer_id = self._story.world.customer(customer).id
        return self._shown([o for o in self._exceptions() if o.customer_id == customer_id], word, invoices, texts)

    def _shown(self, found: list[OpenException], word: str, invoices: str, texts: str) -> str:
        """Is there one of this kind, holding these invoices and showing these explanations?"""
        for one in found:
            held = ", ".join(sorted(self._held_by(one.id)))
            shown = "\n".join((one.reason, *one.explanations))
            if one.kind == word and (not invoices or invoices == held) and all(t in shown for t in quoted(texts)):
                return ""
        told = [f"{o.kind} over {self._held_by(o.id)}: {o.reason} {list(o.explanations)}" for o in found]
        return "\n".join(told) or "no exception"

    @facts("no exception")
    def no_exception(self) -> str:
        return "\n".join(f"{one.kind}: {one.reason}" for one in self._exceptions())

    @facts("parked <subject> <text>")
    def parked(self, subject: str, text: str) -> str:
        """The record of this invoice is parked, and the field is named."""
        with self._story.desk.service.store.read() as tx:
            rows = tx.execute(select(tables.parked)).mappings().all()
        found = {row["record"]: f"{row['field']} {row['reason']}" for row in rows}
        told = found.get(self._story.world.invoice_id(subject), "")
        return "" if text in told and told else str(found or "nothing is parked")

    def _exceptions(self) -> Iterable[OpenException]:
        with self._story.desk.service.store.read() as tx:
            return verdicts.open_exceptions(tx)

    def _held_by(self, exception_id: str) -> list[str]:
        linked = tables.exception_invoice
        query = select(tables.invoice.c.number).join(linked, linked.c.invoice_id == tables.invoice.c.id)
        with self._story.desk.service.store.read() as tx:
            return sorted(tx.execute(query.where(linked.c.exception_id == exception_id)).scalars())

    @facts("trouble <text>")
    def trouble(self, text: str) -> str:
        """The last tick told of this."""
        told = "\n".join(self._story.troubles)
        return "" if text.lower() in told.lower() and told else told or "no trouble"

    @facts("no trouble")
    def no_trouble(self) -> str:
        return "\n".join(self._story.troubles)

    def _explain(self, invoice: str) -> Explanation:
        explanation = self._story.desk.service.explain(invoice)
        if explanation is None:
            raise AssertionError(f"the connector does not know invoice {invoice}")
        return explanation


def invariants(story: Deeds) -> list[str]:
    """What must hold at the end of every story, whatever it tells; what is broken."""
    truth = story.world.truth()
    with story.desk.service.store.read() as tx:
        late, standing = activity.sent_after_match(tx), activity.standing(tx)
    broken = [f"mail {mail} left after invoice {invoice} was matched" for mail, invoice in late]
    broken += _mailed_when_paid(story, truth)
    broken += _not_meant(truth)
    if standing.acts_unfinished:
        broken.append(f"{standing.acts_unfinished} acts are unfinished")
    if standing.open_without_reason:
        broken.append(f"{standing.open_without_reason} open invoices without a reason that could be told")
    broken += [f"the sandbox answered against its schema: {one}" for one in story.world.erp.contract_violations]
    return broken + [f"a tick had trouble: {one}" for one in story.unexplained]


def _mailed_when_paid(story: Deeds, truth: dict[str, Any]) -> list[str]:
    """Mails about an invoice after the ERP's last application to it, by the world's own order, if that left nothing."""
    paid_at: dict[str, int] = {}
    for payment in truth["payments"]:
        for part in payment["applications"]:
            paid_at[part["invoice"]] = max(part["sequence"], paid_at.get(part["invoice"], 0))
    settled = {i["number"]: paid_at[i["id"]] for i in truth["invoices"] if i["id"] in paid_at and i["closed"]}
    return [
        f"mail {mail.sequence} asks for {number}, paid at {settled[number]}"
        for mail in story.desk.mails()
        for number, _ in pairs(mail.header("X-AR-Reminder"))
        if mail.sequence > settled.get(number, mail.sequence)
    ]


def _not_meant(truth: dict[str, Any]) -> list[str]:
    """Each charge has at most one ERP payment of ours in force, and it applies only what its payer meant."""
    broken = []
    ours = [p for p in truth["payments"] if p["external_id"].startswith("arc-") and not p["voided"]]
    for meant in truth["stripe_payments"]:
        posted = [p for p in ours if meant["charge"] in p["external_id"]]
        if len(posted) > 1:
            broken.append(f"charge {meant['charge']} has {len(posted)} ERP payments of ours")
        pays = {(part["invoice"], part["amount"]) for part in meant["pays"]}
        for part in (part for payment in posted for part in payment["applications"]):
            if (part["invoice"], part["amount"]) not in pays:
                broken.append(f"{part['amount']} of {meant['charge']} went to {part['invoice']}, meant were {pays}")
    return broken


def _same(expected: object, actual: object) -> str:
    return "" if expected == actual else str(actual)


def _sorted(parts: str) -> str:
    return ", ".join(sorted(items(parts)))


def _said(row: ReminderStateRow | None) -> str:
    return f"{row.step} is {row.state} because {row.reason!r}" if row else "no such step"
