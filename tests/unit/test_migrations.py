"""The steps in connector/store/migrations lead to the tables of connector/store/tables.py, once, never backwards: on
SQLite and on PostgreSQL, from nothing and from every earlier schema with rows in it.
"""

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
from sqlalchemy import Column, Connection, Engine, MetaData, Table, inspect, select

from connector.errors import ConfigError
from connector.store import Store, migrations
from connector.store.database import open_database
from tests import postgres

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOON


@contextmanager
def database(where: str) -> Iterator[Engine]:
    opened = open_database(where)
    yield opened.engine
    opened.close()


@contextmanager
def two_databases(store: str, folder: Path) -> Iterator[tuple[Engine, Engine]]:
    with (
        postgres.on(store, folder / "one") as one,
        postgres.on(store, folder / "other") as other,
        database(one) as first,
        database(other) as second,
    ):
        yield first, second


def shape(connection: Connection) -> dict[str, dict[str, Any]]:
    """All that the database itself knows of its tables, whatever the order in which it was made."""
    seen = inspect(connection)
    is_file = connection.dialect.name == "sqlite"
    master = "SELECT name, sql FROM sqlite_master"
    sql = {name: text for name, text in connection.exec_driver_sql(master)} if is_file else {}
    return {
        table: {
            "columns": {column["name"]: {**column, "type": repr(column["type"])} for column in seen.get_columns(table)},
            "primary key": seen.get_pk_constraint(table),
            "foreign keys": sorted(seen.get_foreign_keys(table), key=repr),
            "checks": sorted(seen.get_check_constraints(table), key=repr),
            "unique": sorted(seen.get_unique_constraints(table), key=repr),
            "indexes": sorted(seen.get_indexes(table), key=repr),
            "counts upwards for ever": "AUTOINCREMENT" in sql.get(table, "")
            or "nextval" in repr(seen.get_columns(table)),
            "sentence": None if is_file else seen.get_table_comment(table),
        }
        for table in seen.get_table_names()
    }


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_all_steps_lead_to_the_tables_of_a_new_store(store: str, tmp_path: Path) -> None:
    """If this fails after a change of tables.py: scripts/migration "WHAT CHANGES" writes the step that is missing."""
    with two_databases(store, tmp_path) as (new, stepped):
        migrations.migrate(new, "new")
        with stepped.begin() as connection:
            migrations.upgrade(connection)
            by_steps = shape(connection)
        with new.connect() as connection:
            made_whole = shape(connection)

    assert made_whole == by_steps
    assert made_whole["journal"]["counts upwards for ever"]
    assert "ck_invoice_apply_once" in {check["name"] for check in made_whole["invoice"]["checks"]}


# ---- rows that are there ----


@pytest.mark.parametrize("first", migrations.known())
def test_the_rows_of_an_earlier_schema_come_through_every_later_step(first: str, where: str) -> None:
    earlier = MetaData()
    with database(where) as engine:
        with engine.begin() as connection:
            migrations.upgrade(connection, to=first)
            earlier.reflect(connection)
            tables = [table for table in earlier.sorted_tables if table.name != "alembic_version"]
            for table in tables:
                _fill(connection, table)
            before = {table.name: _rows(connection, table) for table in tables}
        migrations.migrate(engine, "earlier")
        with engine.connect() as connection:
            after = {table.name: _rows(connection, table) for table in tables}

    assert {2} == {len(some) for some in before.values()}
    assert before == after


def _fill(connection: Connection, table: Table) -> None:
    """Two rows with something in every field; amounts are 1, which fits their checks."""
    for number in (1, 2):
        connection.execute(table.insert().values({column.name: _value(column, number) for column in table.columns}))


def _value(column: Column[Any], number: int) -> Any:
    kind = column.type.python_type
    return str(number) if kind is str else kind(number if column.primary_key else 1)


def _rows(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


# ---- the steps ----


def test_the_steps_stand_in_one_row_and_their_files_are_named_by_number() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    config.set_main_option("path_separator", "newline")
    steps = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]

    assert migrations.known() == steps[::-1]


def test_an_up_to_date_store_is_opened_without_alembic(where: str) -> None:
    Store(where, Noon()).close()
    program = (
        "import sys; from datetime import UTC, datetime; from connector.store import Store\n"
        "class Noon:\n  def now(self): return datetime(2026, 11, 2, tzinfo=UTC)\n"
        "Store(sys.argv[1], Noon()).close(); sys.exit('alembic' in sys.modules)"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program, where], check=False).returncode


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """The steps of a release that knows one more."""
    here = tmp_path / "next"
    shutil.copytree(migrations.HERE, here)
    (here / "versions" / "9001_one_more.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = '9001'\ndown_revision = '{migrations.known()[-1]}'\n"
        "def upgrade() -> None:\n"
        "    with op.batch_alter_table('setting', schema=None) as batch_op:\n"
        "        batch_op.add_column(sa.Column('note', sa.String(length=3), server_default='', nullable=False))\n"
        "        batch_op.add_column(sa.Column('shown', sa.Boolean(), server_default='0', nullable=False))\n",
        encoding="utf-8",
    )
    return here


def test_a_store_of_an_earlier_release_is_brought_up_to_date_and_keeps_what_it_holds(
    where: str, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = Store(where, Noon())
    with earlier.tx() as tx:
        tx.set("epoch", "4f2a")
    earlier.close()

    monkeypatch.setattr(migrations, "HERE", next_release)
    later = Store(where, Noon())
    with later.tx() as tx:
        row = tx.connection.exec_driver_sql("SELECT name, value, note, shown FROM setting").one()
        tx.connection.exec_driver_sql("UPDATE setting SET note = 'longer than three'")
    later.close()

    assert ("epoch", "4f2a", "", False) == tuple(row)


def test_two_programs_that_open_an_old_store_at_once_take_its_steps_once(where: str, next_release: Path) -> None:
    Store(where, Noon()).close()
    program = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime; import alembic.command\n"
        "from connector.store import Store, migrations\n"
        "class Noon:\n  def now(self): return datetime(2026, 11, 2, tzinfo=UTC)\n"
        "migrations.HERE = Path(sys.argv[2]); print('ready', flush=True); sys.stdin.readline()\n"
        "store = Store(sys.argv[1], Noon()); print(store.last_seq()); store.close()"
    )
    command = [sys.executable, "-c", program, where, str(next_release)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ready = [one.stdout.readline() for one in both if one.stdout]
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()

    assert ["ready\n", "ready\n"] == ready
    assert ["0\n", "0\n"] == [one.communicate(timeout=60)[0] for one in both]
    assert [0, 0] == [one.returncode for one in both]


# ---- what is refused ----


def test_a_command_leaves_a_store_of_an_earlier_release_alone_and_says_how_to_upgrade_it(
    where: str, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only `connector upgrade` backs it up first; a new store is made by whoever comes first."""
    Store(where, Noon(), may_upgrade=False).close()
    monkeypatch.setattr(migrations, "HERE", next_release)

    with pytest.raises(ConfigError, match=r"an earlier release made it .* `connector upgrade`"):
        Store(where, Noon(), may_upgrade=False)

    with database(where) as engine, engine.connect() as connection:
        assert migrations.read_version(connection) != "9001"


def test_a_store_of_a_newer_release_is_refused_by_name_and_left_alone(where: str) -> None:
    Store(where, Noon()).close()
    with database(where) as engine, engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9917'")

    with pytest.raises(ConfigError, match=r"its schema is 9917, .* newer release") as refused:
        Store(where, Noon())

    assert f"Could not open the store {_shown(where)}: " in str(refused.value)
    assert "Nothing was changed" in str(refused.value)
    with database(where) as engine, engine.connect() as connection:
        assert "9917" == connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def test_somebody_elses_database_is_refused_and_left_alone(where: str) -> None:
    with database(where) as engine, engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE contacts (name TEXT)")

    with pytest.raises(ConfigError, match=r"it holds tables \(contacts\) but no schema version") as refused:
        Store(where, Noon())

    assert f"Could not open the store {_shown(where)}: " in str(refused.value)
    with database(where) as engine:
        assert ["contacts"] == inspect(engine).get_table_names()


def _shown(where: str) -> str:
    """As people are told of it: without user and password."""
    scheme, at, place = where.partition("@")
    return f"postgresql://{place}" if at else scheme
