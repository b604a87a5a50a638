"""The rules of the house that no linter knows. Each failure names the file and says what to do.

Facts of the text are read from git's own list of files (a plain walk where there is no git); facts of the code from its
syntax tree, without importing it, unless a promise is about what the program really has (its commands, its log events).
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer

from connector import errors
from connector.log import Event

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT / ".." / "shared"

FUNCTION_LINES_MAX = 50
PURE = (
    "connector/decisions/",
    "connector/measures.py",
    "connector/money.py",
    "connector/policy.py",
    "connector/receivables.py",
)
UNTRACKED = {".venv", ".state", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache"}
# Written by alembic: a list of tables is as long as the schema.
GENERATED = ("connector/store/migrations/versions/",)


@cache
def files() -> tuple[str, ...]:
    """Every file of the project, as git sees it, with those that are not committed yet."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(listing, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        walked = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        listed = [str(path) for path in walked if not UNTRACKED.intersection(path.parts)]
    return tuple(sorted(name for name in listed if name and (ROOT / name).is_file()))


@cache
def text(name: str) -> str:
    """A file's text, line ends as they stand; '' if it is not text."""
    raw = (ROOT / name).read_bytes()
    return "" if b"\0" in raw else raw.decode("utf-8")


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(text(name), name)


def python(*folders: str) -> list[str]:
    return [name for name in files() if name.endswith(".py") and name.startswith(folders)]


def is_enum(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith(("Enum", "Flag")) for base in node.bases)


def enums(*folders: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for name in python(*folders):
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.ClassDef) and is_enum(node):
                yield name, node


def members(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The name and the value of each."""
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            yield item.targets[0].id, ast.unparse(item.value).strip("'\"")


# --- code


def test_no_two_test_files_have_one_name() -> None:
    """Folders of tests are no packages: of two files of one name pytest can't import the second."""
    names = Counter(Path(name).name for name in python("tests/") if Path(name).name != "conftest.py")

    assert [] == sorted(name for name, count in names.items() if count > 1)


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{name}:{node.lineno} {node.name} has {lines} lines"
        for name in python("connector/", "sandbox/")
        if not name.startswith(GENERATED)
        for node in ast.walk(tree(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert [] == long


def test_every_module_says_what_it_is_for() -> None:
    modules = python("connector/", "sandbox/", "tests/", "scripts/")

    assert [] == [name for name in modules if not ast.get_docstring(tree(name))]


def test_pure_rooms_open_nothing_print_nothing_and_know_no_float() -> None:
    found = [
        f"{name}:{node.lineno} {ast.unparse(node)}"
        for name in python(*PURE)
        for node in ast.walk(tree(name))
        if (isinstance(node, ast.Name) and node.id in {"open", "print", "input", "float"})
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]

    assert [] == found


# The glossary's not-used list. A name is split at its underscores and capitals.
WHOLE = {"transaction", "transactions", "status", "account", "accounts", "charge", "charges"}
PARTS = {"sync", "syncs", "synced", "handle", "handles", "handler", "handlers", "manager", "managers", "process"}
# The ERP's own word for the company that one signs in to; an invoice's status has its owner in the class's name.
MEANT = {
    "connector/config.py": {"account"},
    "connector/ports.py": {"account", "accounts"},  # the ERP's own word for itself; the CRM's accounts
    "connector/settlement.py": {"charge", "manager"},  # the processor's kind of movement; whom an owner reports to
    "connector/policy.py": {"account", "manager"},  # the account manager
    "connector/policy_file/parts.py": {"manager"},  # the same
    "connector/receivables.py": {"status"},
}


def public_names(name: str) -> Iterator[tuple[int, str]]:
    """What others see of a module: its own name, classes, functions, methods, constants and fields."""
    yield 1, Path(name).stem
    rooms: list[ast.Module | ast.ClassDef] = [tree(name)]
    while rooms:
        for node in rooms.pop().body:
            if isinstance(node, ast.ClassDef):
                rooms.append(node)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.lineno, node.name
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield node.lineno, node.target.id
            elif isinstance(node, ast.Assign):
                yield from ((node.lineno, target.id) for target in node.targets if isinstance(target, ast.Name))


def test_public_names_are_the_glossarys() -> None:
    """Adapters and the sandbox are left out: there the vendor's word is the right one."""
    wrong = []
    for file in python("connector/"):
        for line, name in () if file.startswith("connector/adapters/") else public_names(file):
            words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
            bad = PARTS.intersection(words) | ({name.lower()} & WHOLE)
            if bad - MEANT.get(file, set()) and not name.startswith("_"):
                wrong.append(f"{file}:{line} {name}")

    assert [] == wrong


def test_every_verdict_says_what_it_means() -> None:
    """The docstring of a closed list says what it answers, and the precedence of its members."""
    assert [] == [
        f"{file}:{enum.lineno} {enum.name}"
        for file, enum in enums("connector/decisions/")
        if not ast.get_docstring(enum)
    ]


def test_every_member_of_a_verdict_is_reached_by_a_test() -> None:
    """By its name, or by its value in a table of a test of the same decision."""
    unreached = []
    for file, enum in enums("connector/decisions/"):
        room = Path(file).relative_to("connector/decisions").parts[0].removesuffix(".py")
        about = "\n".join(text(name) for name in python("tests/decisions/") if re.search(rf"\b{room}\b", text(name)))
        unreached += [
            f"{file} {enum.name}.{member}"
            for member, value in members(enum)
            if not re.search(rf"""\b[A-Z]\w*\.{member}\b|["']{re.escape(value)}["']""", about)
        ]

    assert [] == unreached


def test_every_error_has_words_of_its_own() -> None:
    """The docstring of an error is its default message."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]

    assert [] == [kind.__name__ for kind in kinds if not (kind.__doc__ or "").strip().endswith(".")]


def test_every_task_left_has_an_owner() -> None:
    """Write `TODO(lead, issue 12): ...`, or do it."""
    orphan = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\()")

    assert [] == [
        f"{name}:{number}"
        for name in files()
        if name not in ("requirements.lock", "LICENSE")
        for number, line in enumerate(text(name).splitlines(), 1)
        if orphan.search(line)
    ]


# --- documents


def test_every_command_is_in_the_readme() -> None:
    from connector import cli

    apps = [value for value in vars(cli).values() if isinstance(value, typer.Typer)]
    commands = sorted(typer.main.get_command(apps[0]).commands)  # type: ignore[attr-defined]

    assert "once" in commands
    assert [] == [name for name in commands if f"connector {name}" not in text("README.md")]


def test_every_log_event_is_in_the_connectors_readme() -> None:
    assert [] == [event.value for event in Event if f"`{event.value}`" not in text("connector/README.md")]


def test_the_connectors_readme_maps_every_room_and_every_decision() -> None:
    """connector/README.md is the map: a link to each file and folder of connector/, and to each decision."""
    linked = {target.rstrip("/") for target in links("connector/README.md")}
    rooms = {Path(name).relative_to("connector").parts for name in python("connector/")}
    rooms_wanted = {parts[0] for parts in rooms} | {"/".join(parts[:2]) for parts in rooms if parts[0] == "decisions"}
    wanted = {room for room in rooms_wanted if not room.endswith("__init__.py")} - {"decisions"}

    assert [] == sorted(wanted - linked)


def links(document: str) -> list[str]:
    """The targets inside the project of a document's links, without their anchors."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text(document), flags=re.DOTALL))
    return [target.partition("#")[0] for target in found if not re.match(r"https?:|mailto:|#", target)]


def test_every_link_in_a_document_leads_somewhere() -> None:
    assert [] == [
        f"{name}: {target}"
        for name in files()
        if name.endswith(".md")
        for target in links(name)
        if not (ROOT / name).parent.joinpath(target).exists()
    ]


def test_every_top_level_folder_has_its_place_in_the_readme() -> None:
    folders = {Path(name).parts[0] for name in files() if len(Path(name).parts) > 1 and not name.startswith(".")}

    assert [] == sorted(folder for folder in folders if f"{folder}/" not in text("README.md"))


# --- files


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """No path of one machine, no host of a package registry: the same tree must work anywhere, behind any mirror."""
    places = re.compile(
        r"(?<![\w.])/(?:work|root|Users|home/\w+)/" r"|py" r"pi\.org|files\.python" r"hosted|index[-_]url|find[-_]links"
    )

    assert [] == [
        f"{name}:{number} {line.strip()[:80]}"
        for name in files()
        if name != "tests/test_tidy.py"
        for number, line in enumerate(text(name).splitlines(), 1)
        if places.search(line)
    ]


def test_every_address_belongs_to_nobody() -> None:
    """Mail addresses end in .example or .invalid, which can never be delivered to."""
    address = re.compile(r"[\w.+-]+@(?:[\w-]+\.)+([a-z]{2,})\b")

    assert [] == [
        f"{name}: {found[0]}"
        for name in files()
        for found in address.finditer(text(name))
        if found[1] not in ("example", "invalid", "test", "localhost")
    ]


def test_nothing_was_copied_from_the_material_beside_the_project() -> None:
    if not SHARED.is_dir():
        pytest.skip("there is no ../shared beside the project to compare with")
    sizes: dict[int, list[Path]] = {}
    for folder, _, names in os.walk(SHARED):
        for name in names:
            path = Path(folder) / name
            sizes.setdefault(path.stat().st_size, []).append(path)
    copied = [
        f"{name} is {other.relative_to(SHARED)}"
        for name in files()
        if (size := (ROOT / name).stat().st_size)
        for other in sizes.get(size, [])
        if digest(ROOT / name) == digest(other)
    ]

    assert [] == copied


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_scripts_can_be_run_and_say_by_what() -> None:
    scripts = [
        name
        for name in files()
        if name.startswith(("scripts/", ".ci/")) and not Path(name).name.startswith("_") and not Path(name).suffix
    ]

    assert [] == [name for name in scripts if not os.access(ROOT / name, os.X_OK) or not text(name).startswith("#!")]
    assert {"scripts/check", "scripts/demo", "scripts/test", ".ci/run"} <= set(scripts)


def test_every_text_ends_its_lines_with_a_line_feed() -> None:
    assert [] == [name for name in files() if "\r" in text(name) or (text(name) and not text(name).endswith("\n"))]
