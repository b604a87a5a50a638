"""`connector backup`, `restore` and `upgrade`: the store as a whole, from before anybody opened it.

Each step may be killed and the command run again: a backup has its name only when it is whole, a restore is one
transaction of the store, and every step of an upgrade looks what is done already.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime
from importlib import metadata
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from connector import engine
from connector.config import Settings
from connector.engine import reached
from connector.errors import ConfigError
from connector.parts import Parts
from connector.ports import Clock
from connector.reports_upkeep import BackupReport, RestoreReport, UnfinishedRow, UpgradeReport
from connector.store import Store, Tx, backup, migrations, restoring, reversing, settling, writing
from connector.store import closing as acts
from connector.store.backup import Backup


class Drained(Protocol):
    """The service, as an upgrade needs it."""

    def drain(self) -> tuple[UnfinishedRow, ...]: ...
    def reread(self) -> int: ...
    def close(self) -> None: ...


def back_up(settings: Settings, file: Path, now: datetime) -> BackupReport:
    """A copy of the store in this file, or in this folder under a name of its own, with the daemon up or down."""
    if file.is_dir():
        file /= f"connector-{settings.installation}-{now:%Y%m%dT%H%M%SZ}.backup"
    made = backup.write(settings.store_at, file, settings.installation, _release(), now)
    return _report(file, made)


def look(file: Path) -> BackupReport:
    """What this backup is, and that it is whole."""
    return _report(file, backup.read(file))


def restore(settings: Settings, file: Path, clock: Clock, whose: str = "") -> RestoreReport:
    """Put this backup in the store's place. `whose`: another installation, whose place this one takes on purpose.

    Raises ConfigError, and changes nothing, for a damaged file, a newer release's, or another installation's.
    """
    found = backup.read(file)
    if found.installation not in (settings.installation, whose):
        raise ConfigError(
            f"Could not restore {file}: it is of installation {found.installation!r}, and the settings say "
            f"{settings.installation!r}. Nothing was changed. Is this the right file, and are these the right "
            f"settings? If this installation shall go on in its place: --installation {found.installation}"
        )
    if found.schema not in migrations.known():
        raise ConfigError(
            f"Could not restore {file}: its schema is {found.schema}, and this release knows none after "
            f"{migrations.known()[-1]}; release {found.release} made it. Nothing was changed. Restore it with that "
            "release, or a later one."
        )
    with tempfile.TemporaryDirectory(prefix="connector-restore-") as folder:
        prepared = Path(folder) / "prepared.db"
        backup.unpack(file, prepared)
        with closing(Store(prepared, clock)) as store:
            report = _mark(store, settings, found)
        reached("restore.prepared")
        kept = backup.put_in_place(prepared, settings.store_at, clock.now())
    reached("restore.replaced")
    with closing(Store(settings.store_at, clock)) as store:
        engine.forget(store.engine_url)
    return RestoreReport(**{**asdict(report), "kept_at": kept, "store": named(settings)})


def restore_here(settings: Settings, clock: Clock) -> RestoreReport:
    """The store was put back by other means (a disk snapshot, the database's own tools): the same follows from it."""
    with closing(Store(settings.store_at, clock)) as store:
        store.become_daemon()
        with store.tx() as tx:
            if tx.get(backup.MARK):
                restoring.refuse_backup(tx)
        report = _mark(store, settings, None)
        engine.forget(store.engine_url)
    return RestoreReport(**{**asdict(report), "store": named(settings)})


def _mark(store: Store, settings: Settings, found: Backup | None) -> RestoreReport:
    whose = found.installation if found else settings.installation
    with store.tx() as tx:
        counted = restoring.mark(
            tx, found.taken_at if found else None, whose, settings.installation, latest_day(settings, tx.at)
        )
        count = len(acts.acts(tx, acts.UNFINISHED)) + len(settling.deposits(tx, writing.UNFINISHED))
        count += len(reversing.reversals(tx, writing.UNFINISHED))
    return RestoreReport(
        "", whose, found.taken_at if found else None, migrations.known()[-1], "", counted, unfinished=count
    )


def latest_day(settings: Settings, now: datetime) -> date:
    """The day where it is furthest on: there the most may have been sent."""
    zones = [settings.zone, *map(ZoneInfo, settings.subsidiary_zones.values())]
    return max(now.astimezone(zone).date() for zone in zones)


def upgrade(
    settings: Settings,
    open_service: Callable[[], Drained],
    clock: Clock,
    tell: Callable[[str], None],
    file: Path | None = None,
    anyway: bool = False,
) -> UpgradeReport:
    """Finish what was begun, back up, bring the store to this release's schema, read the whole open set again.

    With the release that made the store it prepares for the next one; with a later one it does the rest. `tell` hears
    each step. Unless `anyway`, it ends before the backup if something can't be finished.
    """
    before = backup.schema_of(settings.store_at)
    if not before:
        raise ConfigError("Could not upgrade: there is no store yet. Nothing was changed. `connector once` makes one.")
    newest = migrations.known()[-1]
    left: tuple[UnfinishedRow, ...] = ()
    if before == newest:
        tell("Finishing what was begun; nothing new begins.")
        with closing(open_service()) as service:
            left = service.drain()
        if left and not anyway:
            return UpgradeReport(before, before, left, "", 0, is_done=False)
    else:
        tell(
            "The store is of an earlier release: what is unfinished is looked up in the ERP once the store is upgraded."
        )
    reached("upgrade.drained")
    # A daemon of the earlier release would go on writing as that one did.
    with backup.alone(settings.store_at, "upgrade"):
        made = back_up(settings, file or _beside_the_store(settings), clock.now())
        tell(f"Backed up to {made.file}.")
        reached("upgrade.backed_up")
        restoring.hold(settings.store_at)
        reached("upgrade.held")
        # Opened, the store takes every step of the schema in one transaction.
        with closing(Store(settings.store_at, clock)) as store, store.tx() as tx:
            restoring.look_up_first(tx, "the store was upgraded")
    if before != newest:
        tell(f"Brought the store from schema {before} to {newest}.")
    reached("upgrade.migrated")
    with closing(open_service()) as service:
        left = service.drain()
        records = service.reread()
    tell(f"Read the whole open set: {records} records. No reminder leaves before a pass has read every other source.")
    reached("upgrade.read")
    return UpgradeReport(before, newest, left, made.file, records, is_done=True)


def unfinished(tx: Tx, parts: Parts) -> tuple[UnfinishedRow, ...]:
    """Acts, deposits and reversals that are not at their end, each with what stands against it."""
    found = []
    for act in acts.acts(tx, acts.UNFINISHED):
        forbidden = parts.posting_forbidden(tx, bool(act.approved_by), act.invoice_ids)
        found.append(UnfinishedRow(act.id, "posting", act.state.value, forbidden or act.problem or "not tried yet"))
    for deposit in settling.deposits(tx, writing.UNFINISHED):
        why = parts.posting_forbidden(tx) or deposit.problem or "not tried yet"
        found.append(UnfinishedRow(deposit.id, "deposit", deposit.state.value, why))
    for reversal in reversing.reversals(tx, writing.UNFINISHED):
        why = parts.posting_forbidden(tx, invoice_ids=reversal.invoice_ids) or reversal.problem or "not tried yet"
        found.append(UnfinishedRow(reversal.id, "reversal", reversal.state.value, why))
    return tuple(found)


def _beside_the_store(settings: Settings) -> Path:
    return settings.store_at.parent if isinstance(settings.store_at, Path) else Path()


def named(settings: Settings) -> str:
    """The store as people are told of it."""
    return backup.name_of(settings.store_at)


def _release() -> str:
    try:
        return metadata.version("ar-connector")
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"


def _report(file: Path, made: Backup) -> BackupReport:
    return BackupReport(
        str(file),
        file.stat().st_size,
        made.installation,
        made.epoch,
        made.release,
        made.schema,
        made.taken_at,
        made.database,
        made.last_seq,
        made.row_count,
        dict(made.rows),
        made.digest,
    )
