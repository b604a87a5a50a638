"""What an Intacct administrator makes by hand, held against the names and types that the connector works with.

No Intacct company is here to say that it takes these definitions; that the two sides agree is all that is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from connector.adapters.intacct import IntacctMapping
from connector.adapters.intacct.records import LONG_TEXT_MAX, TEXT_MAX
from connector.adapters.intacct.settings import Fields, is_day

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
FOLDER = MAPPINGS / "intacct"
DEFINED: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "definitions.yaml").read_text(encoding="utf-8"))
VIEWS: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "views.yaml").read_text(encoding="utf-8"))["views"]
MAPPING = IntacctMapping.model_validate(yaml.safe_load((MAPPINGS / "intacct.yaml").read_text(encoding="utf-8")))
README = (FOLDER / "README.md").read_text(encoding="utf-8")

TYPES = {"checkbox", "date", "text", "text area", "currency", "URL"}
# The first word of a key in `fields` -> the objects on which the field has to be.
OBJECTS = {
    "invoice": ("ARINVOICE",),
    "line": ("ARINVOICEITEM",),
    "customer": ("CUSTOMER",),
    "payment": ("ARPYMT", "ARADVANCE"),
}
# What the connector reads or writes of a field, where it is neither a text nor a day.
OTHER_TYPES = {
    "invoice_hold": "checkbox",
    "invoice_promise_amount": "currency",
    "invoice_plan": "text area",
    "invoice_pay_url": "URL",
    "line_dispute": "checkbox",
    "line_dispute_detail": "text area",
    "customer_do_not_contact": "checkbox",
    "customer_autopay": "checkbox",
    "customer_mails_parent": "checkbox",
    "customer_arr": "currency",
    "customer_cc": "text area",
    "status.reason": "text area",
    "proof.text": "text area",
    "status.card": "text area",
    "cancellation.steps": "text area",
    "cancellation.reason": "text area",
    "receipt.text": "text area",
    "exception.reason": "text area",
}


def own_fields() -> Iterator[tuple[str, str, str]]:
    """Key in intacct.yaml, object, integration name of every custom field on Intacct's own objects."""
    for key, name in MAPPING.fields.model_dump().items():
        for object_name in OBJECTS[key.partition("_")[0]]:
            yield key, object_name, name
    for key, name in MAPPING.status.model_dump().items():
        yield f"status.{key}", "ARINVOICE", name


def object_fields() -> Iterator[tuple[str, str, str]]:
    """Record and key in intacct.yaml, custom object, field."""
    for record, names in MAPPING.objects.model_dump().items():
        for key, name in names.items():
            if key != "type":
                yield f"{record}.{key}", names["type"], name


def type_of(key: str) -> str:
    is_written_day = key in ("status.next_on", "exception.deadline", "proof.day")
    return "date" if is_written_day or is_day(key) else OTHER_TYPES.get(key, "text")


def test_every_name_of_the_mapping_is_defined_once_and_nothing_else_is() -> None:
    assert {(object_name, name) for _, object_name, name in own_fields()} == {
        (object_name, name) for object_name, fields in DEFINED["fields"].items() for name in fields
    }
    assert {(object_name, name) for _, object_name, name in object_fields()} == {
        (object_name, name) for object_name, one in DEFINED["objects"].items() for name in one["fields"]
    }


@pytest.mark.parametrize(("key", "object_name", "name"), list(own_fields()))
def test_a_field_has_the_type_that_the_connector_reads_or_writes(key: str, object_name: str, name: str) -> None:
    field = DEFINED["fields"][object_name][name]

    assert type_of(key) == field["type"]
    assert field["type"] in TYPES and field["label"].startswith("AR ") and field["what"]
    is_ours = key.startswith(("status.", "payment_"))
    assert ("connector" if is_ours else "people") == field["by"]


@pytest.mark.parametrize(("key", "object_name", "name"), list(object_fields()))
def test_a_field_of_an_object_has_the_type_that_the_connector_writes(key: str, object_name: str, name: str) -> None:
    field = DEFINED["objects"][object_name]["fields"][name]

    assert (type_of(key), True) == (field["type"], bool(field["label"]))


def test_what_may_be_left_out_may_be_left_empty_in_the_mapping() -> None:
    for key, object_name, name in own_fields():
        needed = DEFINED["fields"][object_name][name].get("needed", False)
        if key.startswith("status."):
            assert needed
            continue
        try:
            Fields.model_validate({key: ""})
        except ValidationError:
            assert needed, key
        else:
            assert not needed, key


def test_the_widths_are_those_to_which_texts_are_cut() -> None:
    text = (FOLDER / "definitions.yaml").read_text(encoding="utf-8")

    assert f"text ({TEXT_MAX} characters), text area ({LONG_TEXT_MAX:,} characters)" in text


def test_the_page_names_every_object_and_its_commands_exist() -> None:
    for word in ("definitions.yaml", "views.yaml", *(f"`{name}`" for name in ("fields:", "objects:", "settlement"))):
        assert word in README
    (command,) = re.findall(r"^`scripts/test (.+)`$", README, re.MULTILINE)
    assert all((MAPPINGS.parent / path).is_file() for path in command.split())


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_says_what_it_is_for_and_shows_fields_that_are_there(name: str) -> None:
    view = VIEWS[name]

    assert view["title"] and view["question"].endswith("?") and view["for"] and view["filter"]
    known = {object_name: set(fields) for object_name, fields in DEFINED["fields"].items()}
    known |= {object_name: set(one["fields"]) for object_name, one in DEFINED["objects"].items()}
    ours = {field for field in view["columns"] if field.lower().startswith("arc_")}
    assert ours <= known.get(view["object"], set())
