"""lookup and inspect: which fields an object has. Source: developer.intacct.com, "Objects" and "Queries"."""

from __future__ import annotations

from lxml import etree

from sandbox.intacct.books import Books
from sandbox.intacct.catalogue import Field, ObjectType
from sandbox.intacct.envelope import Element, text_of
from sandbox.intacct.refusal import Refusal

DATA_TYPES = {
    "text": "TEXT",
    "integer": "INTEGER",
    "decimal": "DECIMAL",
    "money": "CURRENCY",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "enum": "ENUM",
}
_MADE_BY_INTACCT = frozenset({"AUWHENCREATED", "WHENMODIFIED", "CREATEDBY", "MODIFIEDBY", "createdAt", "updatedAt"})


def looked_up(books: Books, element: Element) -> Element:
    """All fields that can be queried, with their types and valid values; the lines that an object owns are left out."""
    kind = _asked(books, element)
    data = etree.Element("data", listtype="All", count="1")
    described = etree.SubElement(data, "Type", Name=kind.name, DocumentType="")
    fields = etree.SubElement(described, "Fields")
    for name, field in kind.fields.items():
        if field.query:
            _describe(etree.SubElement(fields, "Field"), kind, name, field)
    etree.SubElement(described, "Relationships")
    return data


def inspected(books: Books, element: Element) -> Element:
    """The legacy way: the names of all objects for `*`, of all fields for one."""
    if text_of(element.find("object")) == "*":
        data = etree.Element("data", listtype="All", count=str(len(books.catalogue.objects)))
        for kind in books.catalogue.objects.values():
            etree.SubElement(data, "type", typename=kind.label or kind.name).text = kind.name
        return data
    kind = _asked(books, element)
    data = etree.Element("data", listtype="All", count="1")
    fields = etree.SubElement(etree.SubElement(data, "Type", Name=kind.name), "Fields")
    for name in kind.fields:
        etree.SubElement(fields, "Field").text = name
    return data


def _asked(books: Books, element: Element) -> ObjectType:
    name = text_of(element.find("object")) or text_of(element.find("name"))
    kind = books.catalogue.object(name) if name else None
    if kind is None:
        raise Refusal("PL03000013", f"Object definition {name} not found")
    return kind


def _describe(element: Element, kind: ObjectType, name: str, field: Field) -> None:
    told = {
        "ID": name,
        "LABEL": field.label,
        "DESCRIPTION": "",
        "REQUIRED": "false",
        "READONLY": "true" if name in _MADE_BY_INTACCT or name == kind.key else "false",
        "DATATYPE": DATA_TYPES[field.kind],
    }
    for tag, text in told.items():
        etree.SubElement(element, tag).text = text or None
    if field.labels:
        values = etree.SubElement(element, "VALIDVALUES")
        for label in field.labels.values():
            etree.SubElement(values, "VALIDVALUE").text = label
    etree.SubElement(element, "ISCUSTOM").text = str(field.custom).lower()
