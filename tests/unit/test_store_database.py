"""What the store promises of its database, on SQLite and on PostgreSQL alike; then what only a server can do to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from connector.errors import ConfigError, Transient
from connector.store import Store
from connector.store import tables as t
from tests import postgres

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOON


@contextmanager
def opened(where: str) -> Iterator[Store]:
    with closing(Store(where, Noon())) as store:
        yield store


def numbers(store: Store) -> list[int]:
    with store.read() as tx:
        return list(tx.execute(select(t.journal.c.seq).order_by(t.journal.c.seq)).scalars())


def customer(customer_id: str, name: str = "Northfield Robotics") -> dict[str, str]:
    more = dict.fromkeys(("email", "family", "parent_id", "exclusion", "requested_at"), "")
    return {"id": customer_id, "name": name, **more}


# ---- writing ----


def test_what_one_writer_looked_up_still_stands_when_it_writes(where: str) -> None:
    """Four writers of two processes' kind raise one number: none of them may read what another is about to replace."""
    with opened(where) as one, opened(where) as other:

        def raise_it(store: Store) -> None:
            for _ in range(25):
                with store.tx() as tx:
                    tx.set("count", str(int(tx.get("count", "0")) + 1))

        threads = [threading.Thread(target=raise_it, args=(store,)) for store in (one, other, one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with one.read() as tx:
            assert "100" == tx.get("count")


def test_the_journals_numbers_are_the_order_of_commits(where: str) -> None:
    """Whoever sees a line sees every line before it: no lower number ever comes later."""
    with opened(where) as one, opened(where) as other, opened(where) as reader:

        def write(store: Store) -> None:
            for _ in range(40):
                with store.tx() as tx:
                    tx.journal("payment_seen")
                    tx.journal("payment_matched")

        threads = [threading.Thread(target=write, args=(store,)) for store in (one, other)]
        for thread in threads:
            thread.start()
        seen = []
        while any(thread.is_alive() for thread in threads):
            seen.append(numbers(reader))
        seen.append(numbers(reader))

        assert [] == [some for some in seen if some != list(range(1, len(some) + 1))]
        assert 160 == len(seen[-1])


def test_a_write_that_fails_leaves_nothing(where: str) -> None:
    def fail(store: Store) -> None:
        with store.tx() as tx:
            tx.set("epoch", "1")
            tx.journal("payment_seen")
            _ = 1 // 0

    with opened(where) as store:
        with pytest.raises(ZeroDivisionError):
            fail(store)
        with store.read() as tx:
            assert ("", []) == (tx.get("epoch"), numbers(store))


def test_a_read_sees_one_moment_and_holds_nobody_up(where: str) -> None:
    with opened(where) as store, opened(where) as other:
        with store.read() as tx:
            before = tx.get("epoch")
            with other.tx() as writing:
                writing.set("epoch", "2")
            after = tx.get("epoch")
        with store.read() as tx:
            later = tx.get("epoch")

    assert ("", "", "2") == (before, after, later)


# ---- what is kept ----


def test_text_of_any_length_and_with_any_sign_is_taken(where: str) -> None:
    strange = "Brightwater\0 \N{SNOWMAN}" + "x" * 5000
    with opened(where) as store:
        with store.tx() as tx:
            tx.execute(insert(t.customer).values(customer("c" * 300, strange)))
        with store.read() as tx:
            found = tx.execute(select(t.customer.c.id, t.customer.c.name)).one()

    assert "c" * 300 == found.id
    assert strange.replace("\0", "\N{REPLACEMENT CHARACTER}") == found.name.replace("\0", "\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize("locale", ["", "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' TEMPLATE template0"])
def test_ids_sort_by_their_bytes_whatever_the_servers_language(tmp_path: Path, locale: str) -> None:
    ids = ["b", "A", "a-1", "B", "a1", "ä", "10", "9"]
    orders = []
    try:
        database = postgres.database(locale)
        url = database.__enter__()
    except psycopg.errors.FeatureNotSupported as error:
        pytest.skip(f"this server can't: {error}")
    try:
        for place in (str(tmp_path / "connector.db"), url):
            with opened(place) as store:
                with store.tx() as tx:
                    tx.execute(insert(t.customer), [customer(one) for one in ids])
                with store.read() as tx:
                    orders.append(list(tx.execute(select(t.customer.c.id).order_by(t.customer.c.id)).scalars()))
    finally:
        database.__exit__(None, None, None)

    assert [sorted(ids)] * 2 == orders


def test_a_refused_row_is_told_without_what_is_in_it(where: str) -> None:
    with opened(where) as store:
        with store.tx() as tx:
            tx.execute(insert(t.customer).values(customer("C1")))
        with pytest.raises(IntegrityError) as refused, store.tx() as tx:
            tx.execute(insert(t.customer).values(customer("C1")))
        with pytest.raises(IntegrityError) as incomplete, store.tx() as tx:
            tx.execute(insert(t.customer).values({**customer("C2"), "email": None}))

    told = [f"{error}{error.__cause__}" for error in (refused.value, incomplete.value)]
    assert [] == [text for text in told if "Northfield" in text or "C1" in text]


# ---- a copy ----


def test_a_copy_holds_every_row_of_its_moment_and_lives_by_itself(where: str, tmp_path: Path) -> None:
    with opened(where) as store:
        with store.tx() as tx:
            tx.execute(insert(t.customer), [customer(f"C{number}") for number in range(12_000)])
            for _ in range(3):
                tx.journal("payment_seen", payment="ch_1")
            tx.execute(t.message.insert().values(id="m", customer_id="C1", day="", state="sent", mail="{}", owner="o"))
            tx.execute(t.lease.insert().values(invoice_id="1", message_id="m", owner="o", deadline_at=""))
        with closing(store.copy(tmp_path / "copy.db")) as copy:
            held = [rows_of(one) for one in (store, copy)]
            with copy.tx() as tx:
                seq = tx.journal("payment_matched")

        assert held[0] == held[1]
        assert (4, 3) == (seq, store.last_seq())


def rows_of(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.read() as tx:
        return {
            table.name: sorted(tuple(row) for row in tx.execute(select(table))) for table in t.metadata.sorted_tables
        }


# ---- a server that goes away ----


def cut(url: str) -> None:
    """End every session of this database, as a restart or a failover of the server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        connection.execute(f"{ended} WHERE datname = current_database() AND pid <> pg_backend_pid()")


def test_a_connection_lost_in_the_midst_of_a_write_leaves_nothing_and_is_told(postgres_url: str) -> None:
    def write(store: Store) -> None:
        with store.tx() as tx:
            tx.set("epoch", "1")
            cut(postgres_url)
            tx.set("clock_mark", "1")

    with opened(postgres_url) as store:
        with pytest.raises(Transient) as lost:
            write(store)
        with store.tx() as tx:
            kept = tx.get("epoch")
            tx.set("epoch", "2")

    assert "" == kept
    assert "Could not reach the store postgresql://127.0.0.1:" in str(lost.value)
    assert "is there as a whole or not at all" in str(lost.value)


def test_a_connection_lost_between_two_writes_is_not_noticed(postgres_url: str) -> None:
    with opened(postgres_url) as store:
        store.last_seq()
        cut(postgres_url)
        with store.tx() as tx:
            tx.set("epoch", "1")
        with store.read() as tx:
            assert "1" == tx.get("epoch")


# what is wrong with the URL | the error | what it says
UNUSABLE = [
    ("postgresql://someone:open-sesame@127.0.0.1:1/arc", Transient, "Could not reach the store postgresql://127"),
    ("postgresql://someone@127.0.0.1:1/arc?password=open-sesame", Transient, "Could not reach the store"),
    ("postgresql://someone:open-sesame@127.0.0.1:open-sesame/arc", ConfigError, "is not a URL such as postgresql://"),
    ("mysql://someone:open-sesame@127.0.0.1/arc", ConfigError, "is not a URL such as postgresql://"),
]


@pytest.mark.parametrize(("url", "kind", "words"), UNUSABLE)
def test_a_store_that_cannot_be_opened_is_told_without_the_password(url: str, kind: type, words: str) -> None:
    with pytest.raises(kind) as refused:
        Store(url, Noon())

    assert words in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_wrong_password_is_told_without_it(postgres_url: str) -> None:
    right = urlsplit(postgres_url)
    assert right.password
    wrong = postgres_url.replace(right.password, "open-sesame")
    with pytest.raises(Transient, match="password authentication failed") as refused:
        Store(wrong, Noon())

    assert "sesame" not in str(refused.value)
