"""Which objects and fields the company has now: Intacct's own, and the custom ones that people may take away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sandbox.intacct.fields import Field, ObjectType
from sandbox.intacct.objects import own_objects, standard_objects
from sandbox.intacct.schema import CUSTOM_FIELDS, CUSTOM_OBJECTS

__all__ = ["FIELDS", "OBJECTS", "Catalogue", "CustomField", "Field", "ObjectType"]


@dataclass(frozen=True, slots=True)
class CustomField:
    object: str
    name: str
    kind: str
    label: str


FIELDS = tuple(CustomField(*words) for words in CUSTOM_FIELDS)
_ALIAS = {"ARINVOICEITEM": "e", "CUSTOMER": "c"}


class Catalogue:
    """Which objects and fields the company has now. `generation` rises whenever a person changes that."""

    def __init__(self) -> None:
        self.generation = 0
        self.objects: dict[str, ObjectType] = standard_objects() | own_objects()
        for own in FIELDS:
            self.add_field(own)

    def object(self, name: str) -> ObjectType | None:
        return self.objects.get(name.upper())

    def custom(self, name: str) -> dict[str, CustomField]:
        """The custom fields that an object has now, by name."""
        known = self.objects[name.upper()].fields
        return {own.name: own for own in FIELDS if own.object == name.upper() and own.name in known}

    def add_field(self, own: CustomField) -> None:
        kind = self.objects[own.object]
        alias = _ALIAS.get(own.object, "t")
        made = Field(f'{alias}."{own.name}"', own.kind, own.label, custom=True)
        self._change(own.object, {**kind.fields, own.name: made})

    def remove_field(self, name: str, object_name: str = "") -> None:
        """The company no longer has this custom field; its values stay in the books."""
        there = [own for own in FIELDS if own.name == name and own.object == (object_name or own.object)]
        if not there and not self._is_own(name):
            raise KeyError(f"no object has a custom field {name}")
        for own in there:
            self._drop(own.object, name)
        for kind in [known for known in self.objects.values() if known.key == "id"]:
            if name in kind.fields:
                self._drop(kind.name.upper(), name)

    def restore_field(self, name: str, object_name: str = "") -> None:
        for own in FIELDS:
            if own.name == name and own.object == (object_name or own.object):
                self.add_field(own)
        for known, kind in own_objects().items():
            if name in kind.fields and known in self.objects:
                self._change(known, {**self.objects[known].fields, name: kind.fields[name]})

    def remove_object(self, name: str) -> None:
        """The company doesn't have this custom object."""
        del self.objects[name.upper()]
        self.generation += 1

    def restore_object(self, name: str) -> None:
        self.objects[name.upper()] = own_objects()[name.upper()]
        self.generation += 1

    @staticmethod
    def _is_own(name: str) -> bool:
        return any(name in columns for columns in CUSTOM_OBJECTS.values())

    def _drop(self, object_name: str, name: str) -> None:
        fields = dict(self.objects[object_name].fields)
        fields.pop(name, None)
        self._change(object_name, fields)

    def _change(self, object_name: str, fields: Mapping[str, Field]) -> None:
        self.objects[object_name] = replace(self.objects[object_name], fields=fields)
        self.generation += 1


# What a new company has, for those that only want to know the names.
OBJECTS: Mapping[str, ObjectType] = Catalogue().objects
