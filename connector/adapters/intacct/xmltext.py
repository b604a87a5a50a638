"""XML out and in, as immutable values: nobody above this room sees a parser, and no text is ever pasted into markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

# A page of 2,000 wide rows is some 10 MB; nothing that the gateway answers is near this.
ANSWER_BYTES_MAX = 64_000_000
# What XML 1.0 can't carry, not even escaped.
_UNSAYABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Unreadable(ValueError):
    """This is no XML that is taken: not well formed, with a document type, or too large."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element that is sent: text, or elements in their order."""

    name: str
    value: str | tuple[Node, ...] = ""
    attributes: tuple[tuple[str, str], ...] = ()


def node(name: str, *value: str | Node, **attributes: str) -> Node:
    """node("CUSTOMERID", "C1"); node("ARPYMTDETAILS", detail, detail); node("REASON") is empty, which clears a field.

    Characters that no XML can carry, such as a NUL that came with a name, become blanks.
    """
    given = tuple(sorted(attributes.items()))
    texts = [part for part in value if isinstance(part, str)]
    nodes = tuple(part for part in value if isinstance(part, Node))
    if texts and (nodes or len(texts) > 1):
        raise ValueError(f"<{name}> holds one text or elements, not both")
    return Node(name, nodes or sayable("".join(texts)), given)


def record(name: str, fields: Mapping[str, str | None], *owned: Node) -> Node:
    """An object with its fields, those that are None left out, and whatever it owns (lines) at its end."""
    told = [node(field, text) for field, text in fields.items() if text is not None]
    return Node(name, (*told, *owned))


def sayable(text: str) -> str:
    """This text as it stands in Intacct once it was sent: without what XML can't carry."""
    return _UNSAYABLE.sub(" ", text)


def serialized(root: Node) -> bytes:
    """This element as the bytes that are sent, with its declaration; lxml escapes whatever has to be."""
    return etree.tostring(_element(root), xml_declaration=True, encoding="UTF-8")


def parsed(content: bytes) -> etree._Element:
    """The whole of an answer; Unreadable unless it is well formed, of bearable size and without a document type.

    Nothing is fetched and no entity is resolved: an answer can make the parser do nothing but parse.
    """
    if len(content) > ANSWER_BYTES_MAX:
        raise Unreadable(f"more than {ANSWER_BYTES_MAX} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("not well-formed XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("a document type")
    return root


def name_of(element: etree._Element) -> str:
    """An element's name in capitals: Intacct writes the same one in either case (recorded answers of readByQuery)."""
    tag = str(element.tag)
    return tag[tag.rfind("}") + 1 :].upper()


def child(element: etree._Element, name: str) -> etree._Element | None:
    """The first child of this name, whatever its case."""
    return next((found for found in element if name_of(found) == name.upper()), None)


def children(element: etree._Element, name: str) -> list[etree._Element]:
    return [found for found in element if name_of(found) == name.upper()]


def text_of(element: etree._Element | None, name: str) -> str:
    """The text of the first child of this name without blanks around it, '' where there is none."""
    found = None if element is None else child(element, name)
    return (found.text or "").strip() if found is not None else ""


def attribute(element: etree._Element, name: str) -> str:
    """An attribute, whatever the case of its name; '' where there is none."""
    return next((str(value) for key, value in element.attrib.items() if str(key).lower() == name.lower()), "")


def _element(source: Node) -> etree._Element:
    element = etree.Element(source.name, dict(source.attributes))
    if isinstance(source.value, str):
        element.text = source.value or None
    else:
        element.extend(_element(part) for part in source.value)
    return element
