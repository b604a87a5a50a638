"""Records of the custom objects: lower-case names, the key is `id`, texts and days as ISO (Platform Services).

Source: developer.intacct.com (custom objects). The length of `name`, and that it need not be unique, is K.
"""

from __future__ import annotations

from sandbox.intacct.books import Books, Who
from sandbox.intacct.catalogue import ObjectType
from sandbox.intacct.refusal import refused
from sandbox.intacct.sent import Sent

FIRST_ID = 10001
TEXT_MAX = 4000


def create(books: Books, kind: ObjectType, sent: Sent, who: Who) -> int:
    who.require("edit_custom_objects")
    values = _values(books, kind, sent)
    if not values.get("name"):
        raise refused("wants_value", field="name")
    now = books.now()
    stamps = {"createdAt": now, "updatedAt": now, "createdBy": who.user, "updatedBy": who.user}
    key = books.insert(kind.name, {"id": books.next_number(kind.name, FIRST_ID), **values, **stamps})
    books.commit(f"{kind.name}_saved {key} {values['name']}")
    return key


def update(books: Books, kind: ObjectType, sent: Sent, who: Who) -> int:
    who.require("edit_custom_objects")
    values = _values(books, kind, sent)
    key = sent.key("id")
    if key is None:
        raise refused("wants_value", field="id")
    if books.row(f"SELECT 1 FROM {kind.name} WHERE id = ?", key) is None:
        raise refused("absent", what=kind.name, key=key)
    books.change(kind.name, key, {**values, "updatedAt": books.now(), "updatedBy": who.user}, key="id")
    books.commit(f"{kind.name}_saved {key} {values.get('name') or ''}".rstrip())
    return key


def delete(books: Books, kind: ObjectType, key: int, who: Who) -> None:
    who.require("edit_custom_objects")
    if books.row(f"SELECT 1 FROM {kind.name} WHERE id = ?", key) is None:
        raise refused("absent", what=kind.name, key=key)
    books.db.execute(f"DELETE FROM {kind.name} WHERE id = ?", (key,))
    books.commit(f"{kind.name}_deleted {key}")


def _values(books: Books, kind: ObjectType, sent: Sent) -> dict[str, object]:
    known = {name for name, field in kind.fields.items() if field.custom} | {"name"}
    sent.require_known("id", *known)
    values: dict[str, object] = {name: sent.text(name) for name in known if sent.has(name)}
    for name, value in values.items():
        most = books.guesses.name_max if name == "name" else TEXT_MAX
        if value is not None and len(str(value)) > most:
            raise refused("bad_value", field=name, value=f"{str(value)[:40]}...")
    return values
