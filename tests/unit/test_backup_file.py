"""A backup is whole or isn't there, says what it is, and makes either database again, row by row; what can't be used is
refused before anything is changed.
"""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, select

from connector import engine
from connector.errors import ConfigError, StoreBusy
from connector.store import Store, backup, migrations
from connector.store.tables import metadata
from tests import postgres
from tests.unit.test_migrations import _fill, database

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
FIRST = migrations.known()[0]


class Noon:
    def now(self) -> datetime:
        return NOON


def filled(where: str) -> None:
    """A store with two rows in every table."""
    Store(where, Noon()).close()
    with database(where) as opened, opened.begin() as connection:
        for table in metadata.sorted_tables:
            _fill(connection, table)


def rows(where: str | Path) -> dict[str, list[str]]:
    """Every row of every table but the number of the daemon's term, which no two stores share."""
    with database(str(where)) as opened, opened.connect() as connection:
        return {table.name: _of(connection, table.name) for table in metadata.sorted_tables}


def _of(connection: Connection, name: str) -> list[str]:
    found = connection.execute(select(metadata.tables[name])).mappings()
    return sorted(repr(dict(row)) for row in found if row.get("name") not in ("daemon_term", backup.MARK))


def made(where: str, folder: Path, name: str = "one.backup") -> Path:
    backup.write(where, folder / name, "t1", "0.1.0", NOON)
    return folder / name


def unpacked(file: Path) -> Path:
    """As a restore has it, before it is put in place."""
    prepared = file.with_suffix(".prepared")
    backup.unpack(file, prepared)
    return prepared


# ---- there and back ----


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_every_row_comes_back_on_either_database(where: str, target: str, tmp_path: Path) -> None:
    filled(where)
    file = made(where, tmp_path)
    before = rows(where)

    with postgres.on(target, tmp_path / "restored") as there:
        assert "" == backup.put_in_place(unpacked(file), there, NOON)
        assert before == rows(there)
        again = backup.write(there, tmp_path / "again.backup", "t1", "0.1.0", NOON)
        store = Store(there, Noon())
        with store.tx() as tx:
            line = tx.journal("after")
        store.close()
    assert backup.read(file).rows == {**again.rows, "setting": again.rows["setting"] - 1}  # its daemon's term
    assert line == 3  # the numbers go on after the last


def test_it_says_what_it_is_and_only_its_owner_may_read_it(where: str, tmp_path: Path) -> None:
    store = Store(where, Noon())
    with store.tx() as tx:
        tx.set("epoch", "7")
        tx.journal("one")
    store.close()
    file = made(where, tmp_path)
    said = backup.read(file)

    assert ("t1", "7", "0.1.0", migrations.known()[-1], NOON, 1) == (
        said.installation,
        said.epoch,
        said.release,
        said.schema,
        said.taken_at,
        said.last_seq,
    )
    assert said.database == ("postgresql" if "://" in where else "sqlite")
    assert (1, 0) == (said.rows["journal"], said.rows["invoice"])
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert ["one.backup"] == [one.name for one in tmp_path.iterdir() if "backup" in one.name]


def test_the_same_rows_have_the_same_digest_whichever_database_they_are_in(where: str, tmp_path: Path) -> None:
    filled(where)
    one = backup.read(made(where, tmp_path))
    copy = tmp_path / "copy.db"
    backup.put_in_place(unpacked(tmp_path / "one.backup"), copy, NOON)
    with database(str(copy)) as opened, opened.begin() as connection:
        connection.exec_driver_sql("DELETE FROM setting WHERE name = 'daemon_term'")
    other = backup.read(made(str(copy), tmp_path, "other.backup"))

    assert (one.digest, one.rows) == (other.digest, other.rows)


def test_a_backup_sees_one_moment_while_others_write(where: str, tmp_path: Path) -> None:
    store = Store(where, Noon())
    with store.tx() as tx:
        tx.set("a", "1")
    file = made(where, tmp_path)
    with store.tx() as tx:
        tx.set("a", "2")
    store.close()

    with closing(sqlite3.connect(file)) as copy:
        assert ("1",) == copy.execute("SELECT value FROM setting WHERE name = 'a'").fetchone()


def test_an_earlier_releases_store_is_copied_as_it_is_and_stays_so(where: str, tmp_path: Path) -> None:
    earlier = MetaData()
    with database(where) as opened, opened.begin() as connection:
        migrations.upgrade(connection, to=FIRST)
        earlier.reflect(connection)
        for table in earlier.sorted_tables:
            if table.name != "alembic_version":
                _fill(connection, table)
    file = made(where, tmp_path)

    assert FIRST == backup.read(file).schema == backup.schema_of(where)
    assert 2 == backup.read(file).rows["invoice"]
    # Restored, it is brought up to date like any store of an earlier release.
    prepared = unpacked(file)
    Store(prepared, Noon()).close()
    assert migrations.known()[-1] == backup.schema_of(prepared)


# ---- what was there ----


def test_what_was_there_is_kept_and_its_daemons_term_is_over(where: str, tmp_path: Path) -> None:
    old = Store(where, Noon())
    old.become_daemon()
    with old.tx() as tx:
        tx.set("whose", "the lost one's")
    file = made(where, tmp_path)
    with pytest.raises(StoreBusy, match="Nothing was changed"):
        backup.put_in_place(unpacked(file), where, NOON)
    with old.tx() as tx:
        tx.set("whose", "the later one's")
    old.close()

    kept = backup.put_in_place(unpacked(file), where, NOON)
    store = Store(where, Noon())
    with store.read() as tx:
        assert ("the lost one's", "2") == (tx.get("whose"), tx.get("daemon_term"))
    store.close()
    assert "the later one's" in _kept(where, kept)


def _kept(where: str, kept: str) -> str:
    if "://" not in where:
        assert 0o600 == stat.S_IMODE(Path(kept).stat().st_mode)
        with closing(sqlite3.connect(kept)) as copy:
            return str(copy.execute("SELECT * FROM setting").fetchall())
    with database(where) as opened, opened.connect() as connection:
        return str(connection.exec_driver_sql(f"SELECT * FROM {kept.removeprefix('schema ')}.setting").all())


def test_a_newer_releases_store_can_be_put_back_to_before_its_upgrade(where: str, tmp_path: Path) -> None:
    Store(where, Noon()).close()
    file = made(where, tmp_path)
    with database(where) as opened, opened.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9917'")
        connection.exec_driver_sql("CREATE TABLE of_the_newer (name TEXT)")

    backup.put_in_place(unpacked(file), where, NOON)

    Store(where, Noon()).close()
    assert migrations.known()[-1] == backup.schema_of(where)


def test_a_store_that_sqlite_cannot_read_any_more_is_moved_aside(tmp_path: Path) -> None:
    place = tmp_path / "connector.db"
    Store(place, Noon()).close()
    file = made(str(place), tmp_path)
    place.write_bytes(b"this was a store once" * 500)

    kept = backup.put_in_place(unpacked(file), place, NOON)

    assert Path(kept).read_bytes().startswith(b"this was a store")
    Store(place, Noon()).close()


def test_the_engines_own_tables_go_and_nothing_else(where: str) -> None:
    store = Store(where, Noon())
    url = store.engine_url
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).write_bytes(b"")
    else:
        with database(where) as opened, opened.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {engine.SCHEMA}")
    engine.forget(url)
    engine.forget(url)  # that there is none is no trouble

    assert 0 == store.last_seq()
    store.close()


# ---- what is refused ----


def test_a_changed_or_broken_file_is_refused(tmp_path: Path) -> None:
    place = str(tmp_path / "connector.db")
    Store(place, Noon()).close()
    file = made(place, tmp_path)
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("INSERT INTO stop VALUES ('send', '2026', 'mallory', '')")
        copy.commit()
    with pytest.raises(ConfigError, match="its digest differs"):
        backup.read(file)
    with pytest.raises(ConfigError, match="it is no backup"):
        backup.read(Path(place))
    file.write_bytes(b"no database")
    with pytest.raises(ConfigError, match="can't be read as a backup"):
        backup.read(file)
    with pytest.raises(ConfigError, match="can't be read as a backup"):
        backup.read(tmp_path / "mistyped.backup")
    assert not (tmp_path / "mistyped.backup").exists()


def test_nothing_is_written_over_a_file_or_from_nothing(tmp_path: Path) -> None:
    place = tmp_path / "connector.db"
    with pytest.raises(ConfigError, match="there is no store"):
        backup.write(place, tmp_path / "one.backup", "t1", "0.1.0", NOON)
    assert not place.exists()
    Store(place, Noon()).close()
    (tmp_path / "one.backup").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        backup.write(place, tmp_path / "one.backup", "t1", "0.1.0", NOON)
    with pytest.raises(ConfigError, match="there is no folder"):
        backup.write(place, tmp_path / "none" / "one.backup", "t1", "0.1.0", NOON)

    assert "mine" == (tmp_path / "one.backup").read_text()


def test_somebody_elses_database_is_not_filled(tmp_path: Path, postgres_url: str) -> None:
    place = str(tmp_path / "connector.db")
    Store(place, Noon()).close()
    with database(postgres_url) as opened, opened.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE contacts (name TEXT)")

    with pytest.raises(ConfigError, match="that no connector made"):
        backup.put_in_place(unpacked(made(place, tmp_path)), postgres_url, NOON)
    with pytest.raises(ConfigError, match="holds no store of a connector"):
        backup.write(postgres_url, tmp_path / "theirs.backup", "t1", "0.1.0", NOON)


def test_a_run_that_was_killed_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    place = str(tmp_path / "connector.db")
    Store(place, Noon()).close()
    (tmp_path / ".one.backup.partial").write_bytes(b"half of it")

    assert backup.read(made(place, tmp_path)).schema == migrations.known()[-1]
    assert not (tmp_path / ".one.backup.partial").exists()


def test_a_full_disk_leaves_nothing_behind_and_is_said(where: str, tmp_path: Path) -> None:
    store = Store(where, Noon())
    with store.tx() as tx:
        for number in range(200):
            tx.journal("one", text="x" * 5000, number=number)
    store.close()
    program = (
        "import resource, sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from connector.errors import Terminal; from connector.store import backup\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "try: backup.write(sys.argv[1], Path(sys.argv[2]), 't1', '0.1.0', datetime.now(UTC))\n"
        "except Terminal as error: print(error)"
    )
    file = tmp_path / "kept" / "one.backup"
    file.parent.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", program, where, str(file)], capture_output=True, text=True, check=True
    )

    assert "Nothing is left there; the store is as it was" in ended.stdout
    assert [] == list(file.parent.iterdir())
