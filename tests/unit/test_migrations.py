"""The steps in connector/store/migrations lead to the tables of connector/store/tables.py, once, never backwards."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect

from connector.errors import ConfigError
from connector.store import Store, migrations

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOON


@contextmanager
def database(path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


def shape(connection: Connection) -> dict[str, dict[str, Any]]:
    """All that the database itself knows of its tables, whatever the order in which it was made."""
    seen = inspect(connection)
    sql = {name: text for name, text in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")}
    return {
        table: {
            "columns": {column["name"]: {**column, "type": repr(column["type"])} for column in seen.get_columns(table)},
            "primary key": seen.get_pk_constraint(table),
            "foreign keys": sorted(seen.get_foreign_keys(table), key=repr),
            "checks": sorted(seen.get_check_constraints(table), key=repr),
            "unique": sorted(seen.get_unique_constraints(table), key=repr),
            "indexes": sorted(seen.get_indexes(table), key=repr),
            "counts upwards for ever": "AUTOINCREMENT" in sql[table],
        }
        for table in seen.get_table_names()
    }


def test_all_steps_lead_to_the_tables_of_a_new_store(tmp_path: Path) -> None:
    """If this fails after a change of tables.py: scripts/migration "WHAT CHANGES" writes the step that is missing."""
    with database(tmp_path / "new.db") as new, database(tmp_path / "stepped.db") as stepped:
        migrations.migrate(new)
        with stepped.begin() as connection:
            migrations.upgrade(connection)
            by_steps = shape(connection)
        with new.connect() as connection:
            made_whole = shape(connection)

    assert made_whole == by_steps
    assert made_whole["journal"]["counts upwards for ever"]
    assert "ck_invoice_apply_once" in {check["name"] for check in made_whole["invoice"]["checks"]}


def test_the_steps_stand_in_one_row_and_their_files_are_named_by_number() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    config.set_main_option("path_separator", "newline")
    steps = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]

    assert migrations.known() == steps[::-1]


def test_an_up_to_date_store_is_opened_without_alembic(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with database(path) as engine:
        migrations.migrate(engine)
    program = (
        "import sys; from connector.store import migrations; from sqlalchemy import create_engine\n"
        "migrations.migrate(create_engine(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program, f"sqlite:///{path}"], check=False).returncode


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """The steps of a release that knows one more."""
    here = tmp_path / "next"
    shutil.copytree(migrations.HERE, here)
    (here / "versions" / "9001_one_more.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = '9001'\ndown_revision = '{migrations.known()[-1]}'\n"
        "def upgrade() -> None:\n    op.add_column('setting', sa.Column('note', sa.Text()))\n",
        encoding="utf-8",
    )
    return here


def test_a_store_of_an_earlier_release_is_brought_up_to_date_and_keeps_what_it_holds(
    tmp_path: Path, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    earlier = Store(path, Noon())
    with earlier.tx() as tx:
        tx.set("epoch", "4f2a")
    earlier.close()

    monkeypatch.setattr(migrations, "HERE", next_release)
    later = Store(path, Noon())
    with later.read() as tx:
        row = tx.connection.exec_driver_sql("SELECT name, value, note FROM setting").one()
    later.close()

    assert ("epoch", "4f2a", None) == tuple(row)


def test_two_programs_that_open_an_old_store_at_once_take_its_steps_once(tmp_path: Path, next_release: Path) -> None:
    path = tmp_path / "store.db"
    Store(path, Noon()).close()
    program = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime; import alembic.command\n"
        "from connector.store import Store, migrations\n"
        "class Noon:\n  def now(self): return datetime(2026, 11, 2, tzinfo=UTC)\n"
        "migrations.HERE = Path(sys.argv[2]); print('ready', flush=True); sys.stdin.readline()\n"
        "store = Store(Path(sys.argv[1]), Noon()); print(store.last_seq()); store.close()"
    )
    command = [sys.executable, "-c", program, str(path), str(next_release)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ready = [one.stdout.readline() for one in both if one.stdout]
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()

    assert ["ready\n", "ready\n"] == ready
    assert ["0\n", "0\n"] == [one.communicate(timeout=60)[0] for one in both]
    assert [0, 0] == [one.returncode for one in both]


def test_a_store_of_a_newer_release_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store(path, Noon()).close()
    with database(path) as engine, engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9917'")

    with pytest.raises(ConfigError, match=r"store\.db: its schema is 9917, .* newer release") as refused:
        Store(path, Noon())

    assert "Nothing was changed" in str(refused.value)
    with database(path) as engine, engine.connect() as connection:
        assert "9917" == connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with database(path) as engine, engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE contacts (name TEXT)")

    with pytest.raises(ConfigError, match=r"theirs\.db: it holds tables \(contacts\) but no schema version"):
        Store(path, Noon())

    with database(path) as engine:
        assert ["contacts"] == inspect(engine).get_table_names()
