"""The store is lost and restored from a backup: nobody is mailed twice, nothing is posted twice, and the lost store's
daemon stops. An upgrade that is killed anywhere is simply begun again.
"""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector import upkeep
from connector.errors import ConfigError, StoreBusy, Terminal
from connector.store import backup, closing, restoring
from connector.store.closing import ActState
from connector.wiring import open_service
from sandbox.plan import Part
from tests.acceptance.commands import bill, run, until
from tests.acceptance.settling import assert_ties, pay_out, settle
from tests.acceptance.test_daemon import Daemon
from tests.harness import Desk, WorldTime, banked, desk

ON_BOTH = pytest.mark.parametrize("store", ["sqlite", "postgresql"])
PAYER, OWER = "Northfield Robotics", "Sandbar Analytics"


@pytest.fixture
def at(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """OWED-1 and PAID-1 are due for their first reminder on the second day; the connector has read them."""
    store = getattr(request, "param", "") or ""
    with desk(tmp_path, store=store) as made:
        made.world.add_customer(PAYER, "ap@northfield.example", 30)
        made.world.add_customer(OWER, "ap@sandbar.example", 30)
        bill(made, OWER, "OWED-1", "77.70", due_in=8)
        bill(made, PAYER, "PAID-1", "1000.00", due_in=9)
        made.tick()
        yield made


on_each_store = pytest.mark.parametrize("at", ["sqlite", "postgresql"], indirect=True)


def _back_up(at: Desk, name: str = "monday.backup") -> Path:
    upkeep.back_up(at.settings, at.folder / name, at.world.clock())
    return at.folder / name


def _restore(at: Desk, file: Path) -> Any:
    """As a person does it, once the daemon is gone."""
    at.close()
    return upkeep.restore(at.settings, file, WorldTime(at.served))


def _days_later(at: Desk, days: int) -> None:
    at.world.advance_to(at.world.clock() + timedelta(days=days))


def _ours(at: Desk) -> list[dict[str, Any]]:
    return [one for one in at.truth()["payments"] if one["external_id"].startswith("arc-")]


def _pay(at: Desk) -> None:
    at.world.pay(PAYER, "1000.00", description="PAID-1", pays=[Part("PAID-1", "1000.00")])


def _epoch(at: Desk) -> str:
    (held,) = at.kept("installation")
    return str(held["epoch"])


# ---- what is lost and comes back ----


@on_each_store
def test_what_the_lost_store_mailed_and_posted_is_neither_mailed_nor_posted_again(at: Desk) -> None:
    file = _back_up(at)
    _days_later(at, 1)
    at.tick()
    _pay(at)
    at.tick()
    assert (1, 1, "0.00") == (len(at.mails_about("OWED-1")), len(_ours(at)), at.balance("PAID-1"))

    report = _restore(at, file)
    before = _epoch(at)
    at.tick()
    at.tick()
    assert (1, 1) == (len(at.mails_about("OWED-1")), len(_ours(at)))
    assert int(_epoch(at)) == int(before) + 1
    assert [] == at.truth()["violations"]

    at.service.go_on("bo", "looked at it")
    at.tick()
    assert (1, 1) == (len(at.mails_about("OWED-1")), len(_ours(at)))
    assert report.counted_as_sent == 1
    # Life goes on with the next step, on the due day.
    _days_later(at, 7)
    at.tick()
    assert 2 == len(at.mails_about("OWED-1"))
    assert [] == at.mails_about("PAID-1")


def test_an_invoice_that_the_copy_never_saw_is_not_reminded_of_twice(at: Desk) -> None:
    file = _back_up(at)
    bill(at, OWER, "NEW-1", "10.00", due_in=7)
    at.tick()
    assert 1 == len(at.mails_about("NEW-1"))

    _restore(at, file)
    at.tick()
    at.service.go_on("bo", "")
    at.tick()

    assert 1 == len(at.mails_about("NEW-1"))


def test_until_a_person_has_looked_everything_runs_as_suggest(at: Desk) -> None:
    file = _back_up(at)
    _restore(at, file)
    with pytest.raises(Terminal, match="no pass has read every source"):
        at.service.go_on("bo", "too early")
    _pay(at)
    bill(at, OWER, "LATER-1", "10.00", due_in=9)
    at.tick()
    _days_later(at, 2)
    at.tick()

    assert ([], [], "1000.00") == (at.mails(), _ours(at), at.balance("PAID-1"))
    explanation = str(at.service.explain("LATER-1"))
    assert "the store was restored from the backup of 2026-09-07" in explanation
    assert "connector restore --go-on" in at.service.policies().standing().blocked

    shown = at.service.preview(at.world.clock().date())
    assert "LATER-1" in str(shown.messages)  # what would leave once somebody has looked

    at.service.go_on("bo", "all of it is there")
    at.tick()
    assert (1, 1, "0.00") == (len(at.mails_about("LATER-1")), len(_ours(at)), at.balance("PAID-1"))
    with pytest.raises(Terminal, match="wasn't restored"):
        at.service.go_on("bo", "again")


@on_each_store
def test_the_lost_stores_daemon_stops_when_it_comes_back(at: Desk, tmp_path: Path) -> None:
    at.tick()
    file = _back_up(at)
    _days_later(at, 1)
    at.close()
    lost = open_service(at.settings, WorldTime(at.served))
    other = at.settings.model_copy(update={"store": tmp_path / "elsewhere.db"})
    try:
        lost.start()
        upkeep.restore(other, file, WorldTime(at.served))
        here = open_service(other, WorldTime(at.served))
        try:
            here.start()
            here.tick()
        finally:
            here.close()
        _pay(at)
        troubles = " ".join(lost.tick().troubles)
    finally:
        lost.close()

    assert ([], []) == (at.mails(), _ours(at))
    assert "The ERP is in the hands of installation 't1'" in troubles


def test_in_shadow_nothing_is_written_into_the_erp_after_a_restore_either(tmp_path: Path) -> None:
    with desk(tmp_path, policy={"post": "shadow", "send": "shadow"}) as at:
        at.world.add_customer(OWER, "ap@sandbar.example", 30)
        bill(at, OWER, "OWED-1", "77.70")
        at.tick()
        file = _back_up(at)
        _restore(at, file)
        at.tick()
        at.service.go_on("bo", "")
        at.tick()

        assert ([], []) == (at.kept("installation"), at.mails())


def test_a_payout_that_the_lost_store_deposited_is_not_deposited_again(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        accounts = settle(at)
        at.world.add_customer(PAYER, "ap@northfield.example", 30)
        bill(at, PAYER, "PAID-1", "1000.00", due_in=20)
        _pay(at)
        at.tick()
        file = _back_up(at)
        _days_later(at, 3)
        pay_out(at)
        at.tick()
        assert 1 == len(banked(at.truth(), accounts["bank"]))

        _restore(at, file)
        at.tick()
        at.service.go_on("bo", "")
        at.tick()

        assert 1 == len(banked(at.truth(), accounts["bank"]))
        assert_ties(at, accounts)


def test_a_copy_put_in_place_by_hand_is_refused_and_a_snapshot_can_be_owned_up_to(at: Desk) -> None:
    file = _back_up(at)
    _days_later(at, 1)
    at.tick()
    at.close()
    Path(at.store_at).unlink()
    Path(at.store_at).write_bytes(file.read_bytes())
    with pytest.raises(ConfigError, match="this store is a backup that was copied into its place"):
        at.service.tick()
    at.close()

    # As a snapshot of the disk would be: the same rows without the mark.
    with at.opened_store() as store, store.tx() as tx:
        tx.connection.exec_driver_sql(f"DELETE FROM setting WHERE name = '{backup.MARK}'")
    report = upkeep.restore_here(at.settings, WorldTime(at.served))
    at.tick()
    at.service.go_on("bo", "")
    at.tick()

    assert 1 == report.counted_as_sent == len(at.mails_about("OWED-1"))


# ---- what was begun ----


@ON_BOTH
@pytest.mark.parametrize("is_written", [False, True])
def test_an_act_that_was_begun_is_read_back_before_anything_is_written(
    tmp_path: Path, store: str, is_written: bool
) -> None:
    # What isn't there yet may still be on its way to Sage for minutes: there it would wait as long.
    with desk(tmp_path, now=None, store=store, erp="" if is_written else "netsuite") as at:
        at.world.add_customer(PAYER, "ap@northfield.example", 30)
        bill(at, PAYER, "PAID-1", "1000.00", due_in=20)
        _pay(at)
        assert -signal.SIGKILL == at.process("once", kill_at="match.committed").returncode
        file = at.folder / "begun.backup"
        assert 0 == run(at, "backup", str(file)).returncode
        if is_written:
            assert 0 == run(at, "once").returncode
        assert 0 == run(at, "restore", str(file), "--yes").returncode

        run(at, "once")
        assert is_written == bool(_ours(at))  # found in the ERP, or not written while everything is as suggest
        with at.opened_store() as opened, opened.read() as tx:
            states = [act.state for act in closing.acts(tx, ActState)]
        assert [ActState.CONFIRMED if is_written else ActState.INTENDED] == states
        assert 0 == run(at, "restore", "--go-on", "--who", "bo", "--reason", "looked").returncode
        assert 0 == run(at, "once").returncode

        assert (1, "0.00") == (len(_ours(at)), at.balance("PAID-1"))
        assert [] == at.truth()["violations"]
        assert [] == at.mails_about("PAID-1")


# ---- killed, refused ----


@ON_BOTH
@pytest.mark.parametrize("point", ["restore.prepared", "restore.replaced"])
def test_a_restore_killed_anywhere_is_begun_again(tmp_path: Path, store: str, point: str) -> None:
    with desk(tmp_path, now=None, store=store) as at:
        at.world.add_customer(OWER, "ap@sandbar.example", 30)
        bill(at, OWER, "OWED-1", "77.70")
        file = at.folder / "early.backup"
        assert 0 == run(at, "backup", str(file)).returncode
        assert 0 == run(at, "once").returncode
        assert 1 == len(at.mails_about("OWED-1"))

        killed = at.process("restore", str(file), "--yes", kill_at=point)
        assert -signal.SIGKILL == killed.returncode, killed.stderr
        with at.opened_store() as opened, opened.read() as tx:
            assert (point == "restore.replaced") == bool(restoring.why_blocked(tx))
        assert 0 == run(at, "restore", str(file), "--yes").returncode
        assert 0 == run(at, "once").returncode
        assert 0 == run(at, "restore", "--go-on").returncode
        assert 0 == run(at, "once").returncode

        assert 1 == len(at.mails_about("OWED-1"))


def test_a_store_in_use_is_backed_up_and_not_replaced(tmp_path: Path) -> None:
    with desk(tmp_path, now=None) as at:
        at.world.add_customer(OWER, "ap@sandbar.example", 30)
        bill(at, OWER, "OWED-1", "77.70")
        daemon = Daemon.start(at)
        try:
            until(lambda: daemon.events("tick_finished") or daemon.process.poll() is not None)
            made = at.folder / "running.backup"
            ended = run(at, "backup", str(made), "--json")
            assert 0 == ended.returncode, ended.stderr
            assert 2 == run(at, "backup", str(made)).returncode  # never over another one
            daemon.lives_through(1)
            refused = run(at, "restore", str(made), "--yes")
        finally:
            daemon.stop()

    said = json.loads(ended.stdout)
    assert (4, True) == (refused.returncode, "is in use by a connector (process" in refused.stderr)
    assert ("t1", "1", "sqlite") == (said["installation"], said["epoch"], said["database"])
    assert 0o600 == stat.S_IMODE(made.stat().st_mode)
    assert said["digest"] == backup.read(made).digest


def test_another_installations_backup_is_taken_only_on_purpose(at: Desk) -> None:
    file = _back_up(at)
    at.close()
    other = at.settings.model_copy(update={"installation": "t2"})
    with pytest.raises(ConfigError, match=r"it is of installation 't1', and the settings say\s+'t2'"):
        upkeep.restore(other, file, WorldTime(at.served))

    upkeep.restore(other, file, WorldTime(at.served), whose="t1")
    service = open_service(other, WorldTime(at.served))
    try:
        service.start()
        service.tick()
        service.go_on("bo", "it goes on as t2")
    finally:
        service.close()
    (held,) = at.kept("installation")
    assert "t2" in str(held)


def test_a_store_in_use_by_this_very_process_is_not_replaced(at: Desk) -> None:
    file = _back_up(at)
    with pytest.raises(StoreBusy, match="Nothing was changed"):
        upkeep.restore(at.settings, file, WorldTime(at.served))


# ---- the upgrade ----

UPGRADE_POINTS = ("upgrade.drained", "upgrade.backed_up", "upgrade.held", "upgrade.migrated", "upgrade.read")


@pytest.mark.parametrize(("point", "store"), [*((one, "") for one in UPGRADE_POINTS), ("upgrade.held", "postgresql")])
def test_an_upgrade_killed_anywhere_is_begun_again_and_posts_once(tmp_path: Path, point: str, store: str) -> None:
    with desk(tmp_path, now=None, store=store) as at:
        at.world.add_customer(PAYER, "ap@northfield.example", 30)
        bill(at, PAYER, "PAID-1", "1000.00", due_in=20)
        _pay(at)
        assert -signal.SIGKILL == at.process("once", kill_at="act.answered").returncode

        assert -signal.SIGKILL == at.process("upgrade", "--backup", str(at.folder), kill_at=point).returncode
        ended = at.process("upgrade", "--backup", str(at.folder / "last.backup"))

        assert 0 == ended.returncode, ended.stderr + ended.stdout
        assert "Read the whole open set" in ended.stdout
        assert (1, "0.00") == (len(_ours(at)), at.balance("PAID-1"))
        with at.opened_store() as opened, opened.read() as tx:
            assert [] == list(closing.acts(tx, closing.UNFINISHED))
        assert backup.read(at.folder / "last.backup").row_count > 0


def test_after_an_upgrade_nothing_is_sent_before_every_source_was_read(at: Desk) -> None:
    _days_later(at, 1)
    at.close()
    told: list[str] = []
    clock = WorldTime(at.served)
    report = upkeep.upgrade(at.settings, lambda: open_service(at.settings, clock), clock, told.append, at.folder)

    assert report.is_done
    assert "Backed up to" in " ".join(told)
    with at.opened_store() as store, store.read() as tx:
        fresh = dict(tx.connection.exec_driver_sql("SELECT name, fresh_as_of FROM source").all())
    assert fresh.pop("erp")
    assert {None} == set(fresh.values())
    at.tick()
    assert 1 == len(at.mails_about("OWED-1"))


def test_what_cannot_be_finished_is_named_and_stops_the_upgrade_unless_told(at: Desk) -> None:
    _pay(at)
    at.break_erp("server_error", "act", times=99)
    at.tick()
    at.close()
    clock = WorldTime(at.served)

    def service() -> Any:
        return open_service(at.settings, clock)

    report = upkeep.upgrade(at.settings, service, clock, lambda _: None, at.folder)
    assert (False, 1, "posting") == (report.is_done, len(report.unfinished), report.unfinished[0].kind)
    assert [] == list(at.folder.glob("*.backup"))
    report = upkeep.upgrade(at.settings, service, clock, lambda _: None, at.folder, anyway=True)
    assert (True, 1) == (report.is_done, len(list(at.folder.glob("*.backup"))))


def test_the_days_that_a_restore_counts_end_where_the_day_is_furthest_on(at: Desk) -> None:
    settings = at.settings.model_copy(update={"subsidiary_zones": {"3": "Pacific/Auckland"}})

    assert date(2026, 9, 8) == upkeep.latest_day(settings, datetime(2026, 9, 7, 20, tzinfo=UTC))
