"""The watched folder: which files are there, which are still being written, and what each of them holds.

Files are only read, never moved, changed or deleted. A file is known by name, size and modification time, so one that
didn't change isn't parsed again. Subfolders and hidden files are left alone, and links are not followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connector.adapters import bank_statement_bai2, bank_statement_camt, bank_statement_csv, bank_statement_mt940
from connector.adapters.bank_statement_mapping import BankStatementMapping
from connector.adapters.bank_statement_values import Broken, Contents, Unfinished, Unreadable
from connector.errors import Terminal, Transient

FILES_MAX = 20_000
FILE_BYTES_MAX = 32 * 1024 * 1024
UNFINISHED_MAX = timedelta(minutes=10)  # a file without an end is waited for that long, then it is named
TEMPORARY = (".part", ".partial", ".tmp", ".filepart", ".crdownload")


@dataclass(frozen=True, slots=True)
class Found:
    """A file as the folder lists it."""

    name: str
    size: int
    modified_ns: int

    @property
    def modified_at(self) -> datetime:
        return datetime.fromtimestamp(self.modified_ns / 1_000_000_000, UTC)


@dataclass(frozen=True, slots=True)
class Listing:
    """What may be read now; `waiting` files may still be growing."""

    files: tuple[Found, ...]
    waiting: tuple[str, ...] = ()
    strange: tuple[Broken, ...] = ()


class Folder:
    """One folder of statement files, and what was found in those that didn't change since."""

    def __init__(self, path: Path, mapping: BankStatementMapping, settle_seconds: int) -> None:
        self.path = path
        self._mapping = mapping
        self._settle = timedelta(seconds=settle_seconds)
        self._known: dict[Found, Contents] = {}

    def listing(self, now: datetime) -> Listing:
        """Raises Transient if the folder can't be listed: a share may be away for a while."""
        files: list[Found] = []
        waiting: list[str] = []
        strange: list[Broken] = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name.endswith(TEMPORARY):
                        continue
                    if entry.is_symlink():
                        strange.append(Broken("", "", "it is a link, and links are not followed", shown(entry.name)))
                    elif entry.is_file(follow_symlinks=False):
                        facts = entry.stat(follow_symlinks=False)
                        found = Found(entry.name, facts.st_size, facts.st_mtime_ns)
                        if abs(now - found.modified_at) < self._settle:
                            waiting.append(shown(entry.name))
                        else:
                            files.append(found)
        except OSError as error:
            raise Transient(
                f"Could not list the bank statements in {self.path}: {error.strerror}. Nothing was read; the next tick "
                "tries again. Is the folder there, and may the connector read it?"
            ) from None
        if len(files) > FILES_MAX:
            raise Terminal(
                f"Could not read the bank statements: {self.path} holds {len(files)} files, more than {FILES_MAX}. "
                "Nothing was read; move old ones elsewhere."
            )
        return Listing(
            tuple(sorted(files, key=lambda one: one.name)),
            tuple(sorted(waiting)),
            tuple(sorted(strange, key=lambda one: one.file)),
        )

    def contents(self, listing: Listing, now: datetime) -> Iterator[tuple[Found, Contents]]:
        """What each file holds; one that seems to have no end yet is left out for a while."""
        known: dict[Found, Contents] = {}
        for found in listing.files:
            if (contents := self._known.get(found)) is None:
                try:
                    contents = self._parsed(found)
                except Unfinished as error:
                    if timedelta() <= now - found.modified_at < UNFINISHED_MAX:
                        continue
                    contents = Contents(broken=(Broken("", "", f"{error}, or the file is not whole"),))
                except Unreadable as error:
                    contents = Contents(broken=(Broken("", "", str(error)),))
                contents = _named(contents, shown(found.name))
            known[found] = contents
            yield found, contents
        self._known = known

    def is_known(self, listing: Listing) -> bool:
        """Was everything in it read, so that only a change of the folder can say more?"""
        return all(found in self._known for found in listing.files)

    def _parsed(self, found: Found) -> Contents:
        return parsed(self._raw(found), found.name, self._mapping)

    def _raw(self, found: Found) -> bytes:
        if found.size > FILE_BYTES_MAX:
            raise Unreadable(
                f"it has {found.size // 1024 // 1024} MiB, and at most {FILE_BYTES_MAX // 1024 // 1024} are read"
            )
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            with open(os.open(self.path / found.name, flags), "rb") as file:
                raw = file.read(found.size + 1)
        except OSError as error:
            raise Unreadable(f"it can't be opened ({error.strerror})") from None
        if len(raw) != found.size:
            raise Unfinished("it changed while it was read")
        return raw


def parsed(raw: bytes, name: str, mapping: BankStatementMapping) -> Contents:
    """What is in a file, by what it looks like; its name only tells which CSV profile is meant."""
    start = raw.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:16]
    if not start:
        raise Unfinished("it is empty")
    if start.startswith(b"<"):
        return bank_statement_camt.read(raw)
    if start.startswith(b"01,"):
        return bank_statement_bai2.read(_text(raw))
    if start.startswith((b"{1:", b":20:")):
        return bank_statement_mt940.read(_text(raw))
    if profiles := mapping.csv_of(name):
        if len({profile.name for profile, _ in profiles}) > 1:
            raise Unreadable("its name fits the csv_files of accounts with different profiles in the mapping")
        return bank_statement_csv.read(raw, profiles[0][0], [one for _, one in profiles])
    raise Unreadable("it is neither camt, MT940 nor BAI2, and no account's csv_files in the mapping fits its name")


def shown(name: str) -> str:
    """A file's name as text, whatever its bytes are."""
    return name.encode("utf-8", "backslashreplace").decode()


def _text(raw: bytes) -> str:
    """Banks write MT940 and BAI2 in UTF-8 or in one of the old western sets."""
    if b"\0" in raw:
        raise Unreadable("it holds signs that no text has")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _named(contents: Contents, file: str) -> Contents:
    return replace(
        contents,
        statements=tuple(replace(one, file=file) for one in contents.statements),
        broken=tuple(replace(one, file=file) for one in contents.broken),
    )
