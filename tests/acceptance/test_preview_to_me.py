"""`connector preview --send-to me@...`: real mail through the real channel, to me alone, while sending is in shadow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.errors import ConfigError
from connector.reports_policy import PreviewReport
from tests.acceptance.commands import bill, run, store_content
from tests.harness import Desk, desk

ME = "me@ours.example"


def _book(at: Desk) -> None:
    """Northfield's first step is due tomorrow; Brightwater's too, of two invoices; one is on hold, one is paid."""
    at.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
    at.world.add_customer("Brightwater Freight", "billing@brightwater.example", 60)
    bill(at, "Northfield Robotics", "INV-101", "12000.00", due_in=8)
    bill(at, "Northfield Robotics", "INV-102", "8000.00", due_in=8)
    bill(at, "Brightwater Freight", "INV-201", "50000.00", due_in=8)
    bill(at, "Brightwater Freight", "INV-202", "1200.00", due_in=8)
    at.world.erp.set_hold(at.world.invoice_id("INV-102"), "waiting for the renewal")


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, policy={"send": "shadow"}) as made:
        _book(made)
        yield made


def _said(report: PreviewReport) -> dict[str, list[str]]:
    return {one.subject: [item.invoice for item in one.items] for one in report.messages}


def test_in_shadow_its_messages_come_to_me_and_nothing_goes_to_a_customer(at: Desk) -> None:
    at.tick()
    assert [] == at.mails()
    report = at.service.preview(None, ME, 10)
    mails: list[Any] = at.mails()

    assert {(ME,)} == {mail.rcpt_to for mail in mails}
    assert [["INV-201", "INV-202"], ["INV-101"]] == list(_said(report).values())
    assert [f"[Preview] {one.subject}" for one in report.messages] == [mail.header("Subject") for mail in mails]
    for shown, mail in zip(report.messages, mails, strict=True):
        assert f"Preview of {report.on}: to " in mail.text
        assert "the customer got nothing" in mail.text
        assert "the customer got nothing" in mail.html
        # It is no reminder of anybody's, and no copy of one.
        assert ("yes", "", "") == tuple(mail.header(name) for name in ("X-AR-Preview", "X-AR-Reminder", "Cc"))
        # The rest is the message itself.
        assert " ".join(shown.text.split()) in " ".join(mail.text.split())
    assert ["INV-102"] == [one.invoice for one in report.held]


def test_a_preview_leaves_no_trace_and_the_real_mail_leaves_all_the_same(at: Desk) -> None:
    at.tick()
    before, requests = store_content(at), at.world.requests()["erp_writes"]
    report = at.service.preview(None, ME, 10)
    mailed = len(at.mails())

    assert (before, requests) == (store_content(at), at.world.requests()["erp_writes"])

    at.close()
    switched = (at.folder / "mappings" / "policy.yaml").read_text().replace("send: shadow", "send: auto")
    (at.folder / "mappings" / "policy.yaml").write_text(switched)
    at.world.advance_to(at.world.clock() + timedelta(days=1))
    at.tick()
    real = at.mails()[mailed:]

    assert sorted(one.subject for one in report.messages) == sorted(mail.header("Subject") for mail in real)
    assert {("everything@test.example",)} == {mail.rcpt_to for mail in real}
    assert not {mail.header("Message-ID") for mail in real} & {
        mail.header("Message-ID") for mail in at.mails()[:mailed]
    }


def test_an_address_of_a_customer_is_refused_before_anything_leaves(at: Desk) -> None:
    at.tick()
    with pytest.raises(ConfigError, match="a preview never goes to a customer"):
        at.service.preview(None, "AP@northfield.example", 10)

    assert [] == at.mails()


def test_no_more_messages_than_asked_for(at: Desk) -> None:
    at.tick()
    report = at.service.preview(None, ME, 1)

    assert (2, 1, 1) == (len(report.messages), len(report.mailed), len(at.mails()))


def test_a_policy_that_nobody_approved_is_shown_as_it_would_be(tmp_path: Path) -> None:
    with desk(tmp_path, approves=False) as at:
        _book(at)
        at.tick()
        report = at.service.preview(None, "", 0)
        at.world.advance_to(at.world.clock() + timedelta(days=1))
        at.tick()

        assert [["INV-201", "INV-202"], ["INV-101"]] == list(_said(report).values())
        assert any("The policy may not send by itself yet" in text for text in report.assumed)
        assert [] == at.mails()


@pytest.mark.long
def test_the_command_beside_a_running_store(tmp_path: Path) -> None:
    """A process of its own: exit code, JSON, and what it never says."""
    with desk(tmp_path, policy={"send": "shadow"}, now=None) as at:
        _book(at)
        run(at, "once")
        tomorrow = (at.world.clock() + timedelta(days=1)).date().isoformat()
        ended = at.process("preview", "--day", tomorrow, "--json", "--send-to", ME)

        assert 0 == ended.returncode, ended.stderr
        told = json.loads(ended.stdout)
        assert (tomorrow, 2) == (told["on"], len(told["messages"]))
        assert {(ME,)} == {mail.rcpt_to for mail in at.mails()}
        assert not [address for address in ("ap@northfield", "billing@brightwater") if address in ended.stdout]
