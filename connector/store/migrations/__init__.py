"""The store's schema, step by step: a store of any earlier release is brought up to date when it is opened.

Each file in versions/ is one step, named by its number. A change of the tables is written by `scripts/migration NAME`,
read, corrected where data must move, and kept for ever. A store written by a newer release is refused, never guessed at.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from connector.errors import ConfigError

HERE = Path(__file__).resolve().parent


def known() -> list[str]:
    """The numbers of all steps that this release knows, oldest first."""
    return sorted(path.stem.partition("_")[0] for path in (HERE / "versions").glob("[0-9]*.py"))


def migrate(engine: Engine) -> None:
    """Bring the database to this program's schema; raises ConfigError if it is newer, or not a connector's at all.

    The steps and the new version commit together. Two that start at once are queued by BEGIN IMMEDIATE: the second
    finds nothing to do.
    """
    with engine.connect().execution_options(arc_read=True) as connection:
        if _version(connection) == known()[-1]:
            return
    with engine.begin() as connection:
        version = _version(connection)
        if version == known()[-1]:
            return
        _refuse_unknown(connection, version)
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Take every step that is missing, in the transaction of this connection."""
    # Alembic takes a fifth of a second to import, and a store is nearly always up to date.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _refuse_unknown(connection: Connection, version: str | None) -> None:
    store = connection.engine.url.database
    if version is None and (tables := inspect(connection).get_table_names()):
        raise ConfigError(
            f"Could not open the store {store}: it holds tables ({', '.join(tables[:3])}, ...) but no schema version, so no "
            "release of the connector made it. Nothing was changed. Name another file (CONNECTOR_STORE), or move this one away."
        )
    if version is not None and version not in known():
        raise ConfigError(
            f"Could not open the store {store}: its schema is {version}, and this release knows none after {known()[-1]}; "
            "a newer release has written it. Nothing was changed. Run that release, or restore the copy of the store "
            "that was made before the upgrade."
        )
