"""Backups: the whole store in one file, whichever database it is in, and a store made from such a file again.

The file is a SQLite store of its own with a mark in it that says what it is, so any SQL tool can read it, and either
database can be restored from it. PostgreSQL's own dump is not used: its program must be at hand and no older than the
server, and what it writes can't be read by anything else. Rows are read at one moment, while the daemon goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, MetaData, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from connector.errors import ConfigError, StoreBusy, Terminal, Transient
from connector.store import migrations
from connector.store.database import Database, open_database
from connector.store.tables import metadata

# The setting that makes a store a backup: nobody works on one, it is restored.
MARK = "backup"
ROWS_AT_ONCE = 5000
_FORMAT = 1
_VERSION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself. `schema` and `release` are of the store as it was; `rows` counts them by table."""

    installation: str
    epoch: str
    release: str
    schema: str
    taken_at: datetime
    database: str  # sqlite or postgresql
    last_seq: int
    rows: Mapping[str, int]
    digest: str  # SHA-256 over all rows but this mark

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())


def schema_of(where: Path | str) -> str:
    """The schema that the store has now, which may be an earlier release's; '' if there is no store yet."""
    with _opened(where) as database:
        if database.engine.dialect.name == "sqlite" and not Path(database.name).exists():
            return ""
        with database.engine.connect().execution_options(**database.reading) as connection:
            return migrations.read_version(connection) or ""


def name_of(where: Path | str) -> str:
    """The store as people are told of it, without a password."""
    with _opened(where) as database:
        return database.name


# ---- making one ----


def write(where: Path | str, file: Path, installation: str, release: str, now: datetime) -> Backup:
    """A consistent copy of the store, whole or not there at all; only its owner may read it. An earlier release's
    store is copied as it is, and brought up to date by nobody.

    Raises ConfigError if the file is there already or there is no store, Terminal if the disk won't take it.
    """
    if file.exists():
        raise ConfigError(f"Could not back up: {file} is there already. Nothing was written. Name another file.")
    if not file.parent.is_dir():
        raise ConfigError(f"Could not back up: there is no folder {file.parent}. Nothing was written.")
    partial = file.with_name(f".{file.name}.partial")
    try:
        _empty(partial)
        with _opened(where) as database:
            _copy(database, partial)
            kind = database.engine.dialect.name
        backup = _mark(partial, installation, release, kind, now)
        _settle(partial, file)
    except (OSError, sqlite3.Error, DBAPIError, Transient) as error:
        # The store's own server may be away, which is another thing than a file that can't be written.
        if isinstance(error, Transient) and not isinstance(error.__cause__, sqlite3.Error):
            raise
        why = error.__cause__ if isinstance(error, Transient) else getattr(error, "orig", None) or error
        raise Terminal(
            f"Could not back up to {file}: {why}. Nothing is left there; the store is as it was. Is there room on the "
            "disk, and may this user write there?"
        ) from None
    finally:
        for leftover in (partial, *_beside(partial)):
            leftover.unlink(missing_ok=True)
    return backup


def _copy(database: Database, partial: Path) -> None:
    if database.engine.dialect.name == "sqlite":
        path = Path(database.name)
        if not path.exists():
            raise ConfigError(f"Could not back up: there is no store {path} yet. Nothing was written.")
        _copy_file(path, partial)
    else:
        _copy_server(database, partial)
    with closing(sqlite3.connect(partial)) as copy:
        if not copy.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [_VERSION_TABLE]).fetchone():
            raise ConfigError(f"Could not back up: {database.name} holds no store of a connector. Nothing was written.")


def _copy_file(path: Path, target: Path) -> None:
    """SQLite's own online backup: it sees one moment, and writers go on."""
    with closing(_connect(path, "rw")) as ours, closing(sqlite3.connect(target)) as theirs:
        ours.backup(theirs)
        theirs.execute("PRAGMA journal_mode=DELETE")  # one file, without others beside it


def _copy_server(database: Database, target: Path) -> None:
    """All rows of one moment into tables of the very schema that the server's store has."""
    with (
        database.engine.connect().execution_options(**database.reading) as source,
        _opened(target) as copy,
        copy.engine.begin() as made,
    ):
        version = migrations.read_version(source)
        if version is None:
            raise ConfigError(f"Could not back up: {database.name} holds no store of a connector. Nothing was written.")
        if version not in migrations.known():
            raise ConfigError(
                f"Could not back up: the schema of {database.name} is {version}; a newer release has written it. "
                "Back it up with that release. Nothing was written."
            )
        migrations.make(made) if version == migrations.known()[-1] else migrations.upgrade(made, to=version)
        _copy_rows(source, made)
    with closing(sqlite3.connect(target)) as file:
        file.execute("PRAGMA journal_mode=DELETE")


def _copy_rows(source: Connection, target: Connection) -> None:
    """Every row, table by table in an order that foreign keys allow; both have the same tables."""
    tables = MetaData()
    tables.reflect(target if target.dialect.name == "sqlite" else source)
    for table in tables.sorted_tables:
        if table.name == _VERSION_TABLE:
            continue
        streamed = source.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table))
        for rows in streamed.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in rows])


def _mark(partial: Path, installation: str, release: str, database: str, now: datetime) -> Backup:
    with closing(sqlite3.connect(partial)) as copy:
        # A copy of a copy says of itself what it is, not what the one before it was.
        copy.execute("DELETE FROM setting WHERE name = ?", [MARK])
        rows, digest = _digest(copy)
        one = {
            "epoch": "SELECT value FROM setting WHERE name = 'epoch'",
            "schema": f"SELECT version_num FROM {_VERSION_TABLE}",
            "seq": "SELECT max(seq) FROM journal",
        }
        found = {name: (copy.execute(sql).fetchone() or [None])[0] for name, sql in one.items()}
        backup = Backup(
            installation,
            found["epoch"] or "",
            release,
            str(found["schema"]),
            now.astimezone(UTC),
            database,
            int(found["seq"] or 0),
            rows,
            digest,
        )
        said = json.dumps(asdict(backup) | {"format": _FORMAT, "taken_at": backup.taken_at.isoformat()})
        copy.execute("INSERT INTO setting (name, value) VALUES (?, ?)", [MARK, said])
        copy.commit()
    return backup


def _digest(copy: sqlite3.Connection) -> tuple[dict[str, int], str]:
    """How many rows each table has, and one digest over all of them, in the order of their keys."""
    total, counts = hashlib.sha256(), {}
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    for (table,) in copy.execute(names).fetchall():
        columns = copy.execute(f'PRAGMA table_info("{table}")').fetchall()
        order = ", ".join(f'"{column[1]}"' for column in sorted(columns, key=lambda one: one[5]) if column[5])
        listed = sorted(column[1] for column in columns)
        total.update(json.dumps([table, listed]).encode())
        chosen = ", ".join(f'"{name}"' for name in listed)
        where = f"WHERE name <> '{MARK}'" if table == "setting" else ""
        counts[table] = 0
        for row in copy.execute(f'SELECT {chosen} FROM "{table}" {where} ORDER BY {order or 1}'):
            total.update(json.dumps(row).encode())
            counts[table] += 1
    return counts, total.hexdigest()


def _settle(partial: Path, file: Path) -> None:
    """On the disk first, then by its own name: a file that has the name is whole."""
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# ---- reading one ----


def read(file: Path) -> Backup:
    """What this backup is; ConfigError if it is none, or isn't what it was when it was made."""
    try:
        with closing(_connect(file, "ro")) as copy:
            row = copy.execute("SELECT value FROM setting WHERE name = ?", [MARK]).fetchone()
            said = json.loads(row[0]) if row else {}
            if said.get("format") == _FORMAT and _digest(copy) != (said["rows"], said["digest"]):
                raise ConfigError(
                    f"Could not use {file}: it isn't what it was when it was made (its digest differs), so it is "
                    "damaged or was changed. Nothing was restored. Take another copy of it, or an older backup."
                )
    except (sqlite3.Error, OSError, ValueError) as error:
        raise ConfigError(
            f"Could not use {file}: it can't be read as a backup ({error}). Nothing was changed."
        ) from None
    if said.pop("format", None) != _FORMAT:
        raise ConfigError(
            f"Could not use {file}: it is no backup that this release made or knows. Nothing was changed. A copy of a "
            "store that was made by other means is put in its place, and then: connector restore --here"
        )
    return Backup(**said | {"taken_at": datetime.fromisoformat(said["taken_at"])})


def unpack(file: Path, target: Path) -> None:
    """The rows of a backup as a SQLite file of its own that may be changed; the backup stays as it is."""
    _empty(target)
    with closing(_connect(file, "ro")) as copy, closing(sqlite3.connect(target)) as ours:
        copy.backup(ours)


# ---- putting one in a store's place ----


def put_in_place(prepared: Path, where: Path | str, now: datetime) -> str:
    """Make this file's rows the store's, at once and whole; returns where what was there before is kept, '' if nothing.

    The file has this release's schema. Raises StoreBusy if a daemon works on the store. Killed half-way, the store is
    as it was. A daemon that is only paused finds, when it comes back, that its term is over.
    """
    with _opened(where) as database:
        _take_role(database, "restore")
        stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        if database.engine.dialect.name == "sqlite":
            return _into_file(Path(database.name), prepared, stamp)
        return _into_server(database, prepared, stamp)


@contextmanager
def alone(where: Path | str, what: str) -> Iterator[None]:
    """No daemon works on the store meanwhile, of whatever release; StoreBusy if one does. `what` is not done then."""
    with _opened(where) as database:
        _take_role(database, what)
        yield


def _take_role(database: Database, what: str) -> None:
    if holder := database.take_role():
        raise StoreBusy(
            f"Could not {what}: the store {database.name} is in use by a connector ({holder}). Nothing was changed. "
            "Stop that one first."
        )


def _into_file(path: Path, prepared: Path, stamp: str) -> str:
    """By SQLite's own backup into the store's file: one transaction of that file, whoever has it open."""
    kept = path.with_name(f"{path.name}.replaced-{stamp}") if path.exists() and path.stat().st_size else None
    term = _keep_file(path, kept) if kept else 0
    with _opened(prepared) as copy, copy.engine.begin() as connection:
        _end_terms(connection, term)
    with closing(_connect(prepared, "ro")) as source, closing(sqlite3.connect(path, timeout=30)) as target:
        source.backup(target)
    path.chmod(0o600)
    return str(kept or "")


def _keep_file(path: Path, kept: Path) -> int:
    """Copy what is there, and return the number of its last term. What SQLite can't read any more is moved aside."""
    _empty(kept)
    try:
        _copy_file(path, kept)
        with closing(_connect(kept, "ro")) as copy:
            row = copy.execute("SELECT value FROM setting WHERE name = 'daemon_term'").fetchone()
            return int(row[0]) if row else 0
    except sqlite3.DatabaseError:
        for old, new in zip((path, *_beside(path)), (kept, *_beside(kept)), strict=True):
            if old.exists():
                old.replace(new)
        return 0


def _into_server(database: Database, prepared: Path, stamp: str) -> str:
    """In one transaction: what is there moves into a schema of its own, and the tables are made anew and filled."""
    kept = f"connector_replaced_{stamp.lower()}"
    with _opened(prepared) as copy, database.engine.begin() as server:
        there = inspect(server).get_table_names()
        if there and migrations.read_version(server) is None:
            raise ConfigError(
                f"Could not restore into {database.name}: it holds tables ({', '.join(there[:3])}) that no connector "
                "made. Nothing was changed. Give the store a database of its own (CONNECTOR_STORE)."
            )
        term = None
        if there:
            term = server.execute(text("SELECT value FROM setting WHERE name = 'daemon_term'")).scalar()
            server.execute(text(f'CREATE SCHEMA "{kept}"'))
        for name in there:
            server.execute(text(f'ALTER TABLE "{name}" SET SCHEMA "{kept}"'))
        migrations.make(server)
        with copy.engine.connect().execution_options(**copy.reading) as source:
            _copy_rows(source, server)
        _end_terms(server, int(term or 0))
        for table in metadata.sorted_tables:
            for column in table.primary_key if table.dialect_options["sqlite"].get("autoincrement") else ():
                last = f'SELECT coalesce(max("{column.name}"), 0) + 1 FROM "{table.name}"'
                sequence = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
                server.execute(text(f"SELECT setval({sequence}, ({last}), false)"))
    return f"schema {kept}" if there else ""


def _end_terms(connection: Connection, term: int) -> None:
    """Whoever was the daemon of the store that is replaced, or of the one that was copied, is it no longer."""
    own = connection.execute(text("SELECT value FROM setting WHERE name = 'daemon_term'")).scalar()
    connection.execute(text("DELETE FROM setting WHERE name = 'daemon_term'"))
    ended = max(term, int(own or 0)) + 1
    connection.execute(text("INSERT INTO setting (name, value) VALUES ('daemon_term', :term)"), {"term": str(ended)})


# ---- files ----


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """Opened, never made: a path that is mistyped is told."""
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode={mode}", uri=True, timeout=30)


def _empty(path: Path) -> None:
    """A new, empty file that only its owner may read; one that a killed run left is taken away first."""
    for leftover in (path, *_beside(path)):
        leftover.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _beside(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + ending) for ending in ("-journal", "-wal", "-shm"))


@contextmanager
def _opened(where: Path | str) -> Iterator[Database]:
    database = open_database(where)
    try:
        yield database
    finally:
        database.close()
