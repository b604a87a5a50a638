"""mappings/README.md shows every key of every file in an example that works."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from connector import config, mapping
from connector.receivables import ExceptionKind, Rung

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
README = (MAPPINGS / "README.md").read_text(encoding="utf-8")

# file -> its model
MODELS = {
    "policy.yaml": "connector.policy_file:PolicyFile",
    "netsuite.yaml": "connector.adapters.netsuite.settings:NetSuiteMapping",
    "intacct.yaml": "connector.adapters.intacct.settings:IntacctMapping",
    "stripe.yaml": "connector.adapters.stripe_mapping:StripeMapping",
    "salesforce.yaml": "connector.adapters.salesforce_mapping:SalesforceMapping",
    "bank_statement.yaml": "connector.adapters.bank_statement_mapping:BankStatementMapping",
}
# Keys that exclude one another in one file; the other is shown as a comment.
SHOWN_AS_COMMENT: dict[str, set[str]] = {"intacct.yaml": {"advance_label"}}


def model(file: str) -> type[BaseModel]:
    module, name = MODELS[file].split(":")
    found: type[BaseModel] = getattr(importlib.import_module(module), name)
    return found


def example(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n.*?```yaml\n(.*?)```", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"mappings/README.md has no example of {title}"
    return found[1]


def keys(model: Any, before: str = "") -> Iterator[str]:
    """Every key path of a model, down to the last part; keys that a person makes up (of a dict) are left out."""
    for name in mapping.keys_at(model, ()):
        yield f"{before}{name}"
        for part in (name,), (name, 0):
            for inner in mapping.keys_at(model, part):
                yield from _below(model, part, inner, f"{before}{name}.")


def _below(model: Any, loc: tuple[str | int, ...], name: str, before: str) -> Iterator[str]:
    yield f"{before}{name}"
    for inner in mapping.keys_at(model, (*loc, name)):
        yield from _below(model, (*loc, name), inner, f"{before}{name}.")


def shown(data: Any, before: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield f"{before}{key}"
            yield from shown(value, f"{before}{key}.")
    if isinstance(data, list):
        for item in data:
            yield from shown(item, before)


@pytest.mark.parametrize("file", MODELS)
def test_the_example_of_a_file_is_read_by_its_model(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.write_text(example(file), encoding="utf-8")

    assert isinstance(mapping.load(path, model(file)), model(file))


@pytest.mark.parametrize("file", MODELS)
def test_the_example_of_a_file_shows_every_key(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.write_text(example(file), encoding="utf-8")
    missing = set(keys(model(file))) - set(shown(mapping.read(path).data)) - SHOWN_AS_COMMENT.get(file, set())

    assert set() == missing
    assert all(f"# {key.rsplit('.')[-1]}:" in example(file) for key in SHOWN_AS_COMMENT.get(file, ()))


def test_the_policy_example_makes_sense(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    for name in ("pre_due", "due_today", "urgent", "courtesy"):
        (tmp_path / "templates" / f"{name}.txt.j2").write_text("", encoding="utf-8")
    path = tmp_path / "policy.yaml"
    path.write_text(example("policy.yaml"), encoding="utf-8")

    policy = config.read_policy(path)

    assert ["-7", "0", "two weeks"] == [step.name for step in policy.steps]
    assert {"key accounts": "default", "often late": "close"} == {one.name: one.cadence for one in policy.segments}


def test_every_class_of_evidence_and_every_kind_of_exception_is_explained() -> None:
    tables = README.partition("The classes of evidence")[2].partition("## netsuite.yaml")[0]
    explained = {name for row in tables.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)`", row)}

    assert {*Rung, *ExceptionKind} == explained


def test_the_settings_example_shows_every_key_but_the_secrets(tmp_path: Path) -> None:
    path = tmp_path / "connector.yaml"
    path.write_text(example("connector.yaml"), encoding="utf-8")
    secrets = {f"{section}.{key}" for section, names in config.SECRET_KEYS.items() for key in names}

    assert config.read_settings(path, {}).installation == "main"
    assert set(keys(config.Settings)) - secrets == set(shown(mapping.read(path).data))
    assert all(f"`{config.variable(*secret.split('.'))}`" in README for secret in secrets)


@pytest.mark.parametrize("file", MODELS)
def test_the_file_in_the_repository_is_read_by_its_model(file: str) -> None:
    if not (MAPPINGS / file).exists():
        pytest.skip(f"mappings/{file} is not there yet")

    assert isinstance(mapping.load(MAPPINGS / file, model(file)), model(file))


def test_every_mapping_file_has_a_model_and_a_section() -> None:
    assert {path.name for path in MAPPINGS.glob("*.yaml")} <= set(MODELS)
