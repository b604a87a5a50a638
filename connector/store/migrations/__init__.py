"""The store's schema, step by step: a store of any earlier release is brought up to date when it is opened.

Each file in versions/ is one step, named by its number. A change of the tables is written by `scripts/migration WHAT`,
read, corrected where data must move, and kept for ever. A store that a newer release wrote is refused.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, PrimaryKeyConstraint, String, Table, inspect, select, text
from sqlalchemy.schema import SetTableComment

from connector.errors import ConfigError
from connector.store.tables import metadata

HERE = Path(__file__).resolve().parent

# As alembic makes it.
_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def known() -> list[str]:
    """The numbers of all steps that this release knows, oldest first."""
    return sorted(path.stem.partition("_")[0] for path in (HERE / "versions").glob("[0-9]*.py"))


def migrate(engine: Engine, store: str, may_upgrade: bool = True) -> None:
    """Bring the database to this program's schema; raises ConfigError if it is newer, or not a connector's at all.

    An empty one is made in any case; one of an earlier release only with `may_upgrade`. `store` names it in errors. The
    steps and the new version commit together. Two that start at once are queued by the write transaction: the second
    finds nothing to do.
    """
    newest = known()[-1]
    with engine.connect().execution_options(arc_read=True) as connection:
        if read_version(connection) == newest:
            return
    with engine.begin() as connection:
        version = read_version(connection)
        if version == newest:
            return
        _refuse_unknown(connection, version, store)
        if version and not may_upgrade:
            raise ConfigError(
                f"Could not open the store {store}: an earlier release made it (schema {version}, this release has "
                f"{newest}). Nothing was changed. Run `connector upgrade`, which backs it up first; or the release "
                "before, until you do."
            )
        if version:
            upgrade(connection)
        else:
            make(connection)


def make(connection: Connection) -> None:
    """All tables of this release, in an empty database and in the transaction of this connection."""
    # A new store is made whole; tests/unit/test_migrations.py shows that the steps lead to the same.
    metadata.create_all(connection, checkfirst=False)
    _version.create(connection)
    connection.execute(_version.insert().values(version_num=known()[-1]))
    _settle_text(connection)


def upgrade(connection: Connection, to: str = "head") -> None:
    """Take every step that is missing, in the transaction of this connection."""
    # Only an old store needs alembic, and to import it takes longer than the rest of the start.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    command.upgrade(config, to)
    _settle_text(connection)


def _settle_text(connection: Connection) -> None:
    """On PostgreSQL: text of any length, in the order of its bytes, as SQLite has it, whatever the database's locale.

    So what one store takes the other takes, ids sort alike in both, and no update of the system's locales can break an
    index. Costs nothing on a new table; on an old column, which has it already, nothing is done.
    """
    if connection.dialect.name != "postgresql":
        return
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(text(_OTHER_TEXT)):
        columns.setdefault(table, []).append(f'ALTER COLUMN "{column}" TYPE text COLLATE "C"')
    for table, changes in columns.items():
        connection.exec_driver_sql(f'ALTER TABLE "{table}" {", ".join(changes)}')
    # The steps keep the sentences of their day.
    for name in inspect(connection).get_table_names():
        if name in metadata.tables:
            connection.execute(SetTableComment(metadata.tables[name]))


_OTHER_TEXT = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND data_type IN ('character varying', 'text')
    AND (data_type <> 'text' OR collation_name IS DISTINCT FROM 'C') ORDER BY table_name, ordinal_position
"""


def read_version(connection: Connection) -> str | None:
    """The number of the last step that this database has taken; None: no release of the connector made it."""
    if not inspect(connection).has_table(_version.name):
        return None
    return connection.execute(select(_version.c.version_num)).scalar()


def _refuse_unknown(connection: Connection, version: str | None, store: str) -> None:
    if version is None and (tables := inspect(connection).get_table_names()):
        raise ConfigError(
            f"Could not open the store {store}: it holds tables ({', '.join(tables[:3])}) but no schema version, so no "
            "release of the connector made it. Nothing was changed. Name another file or database (CONNECTOR_STORE), "
            "or move this one away."
        )
    if version is not None and version not in known():
        raise ConfigError(
            f"Could not open the store {store}: its schema is {version}, and this release knows none after "
            f"{known()[-1]}; a newer release has written it. Nothing was changed. Run that release, or restore the "
            "copy of the store that was made before the upgrade."
        )
