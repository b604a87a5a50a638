"""mappings/netsuite/searches.yaml as a page for people: our fields by their labels, each query ready to be copied."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml
from lxml import etree

FOLDER = Path(__file__).resolve().parents[1] / "mappings" / "netsuite"
HEAD = """<!-- Written by scripts/recipes from searches.yaml: change that file, not this page. -->

# Saved searches

A saved search can't be shipped: NetSuite keeps it as a block that only its own screens can make. Each recipe is
clicked together once under *Lists > Search > Saved Searches > New*, from the search type named here: criteria on the
tab *Criteria > Standard*, columns on *Results*. *A : B* is field B of the record that field A points to (*A Fields...*
in the list). Make it public, or give it to the roles of [this project](README.md) under *Audience*.

The query is the same question in SuiteQL. Put a day in place of `:today` and an instant in place of `:now`, in quotes
and in the account's own time zone: `'2026-11-23'`, `'2026-11-23 09:30:00'`. Each query is proved on the sandbox: a row
that belongs comes, one that just misses doesn't. **Nobody has tried the searches in a live account**; where we are
unsure, it says so.
"""


def labels() -> dict[str, str]:
    """Script id -> what the screens call it, from the project's own objects."""
    found: dict[str, str] = {}
    for path in sorted((FOLDER / "src" / "Objects").glob("*.xml")):
        for element in etree.parse(path).iter("*"):
            label = element.findtext("label")
            if label and element.get("scriptid"):
                found[str(element.get("scriptid"))] = label
    return found


def shown(field: str, names: dict[str, str]) -> str:
    """A field as the screens show it; in a formula the script ids stay."""
    if field.startswith("Formula"):
        kind, _, formula = field.partition(": ")
        return f"{kind}: `{' '.join(formula.split())}`"
    parts = [part.strip() for part in field.split(" > ")]
    return " : ".join(f"{names[part]} (`{part}`)" if part in names else part for part in parts)


def row(cells: list[Any], names: dict[str, str], width: int) -> str:
    rest = [str(cell) for cell in cells[1:]]
    texts = [shown(str(cells[0]), names), *rest, *[""] * (width - len(cells))]
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def recipe(name: str, one: dict[str, Any], names: dict[str, str]) -> str:
    lines = [f"## {one['title']}", "", f"*{one['question']}*", ""]
    lines += [f"- For: {one['for']}", f"- Filled by: {one['filled_by']}"]
    lines += [f"- Search type: **{one['record']}**; ID `_arc_{name}`"]
    lines += [f"- **Unsure:** {one['unsure']}"] if "unsure" in one else []
    lines += ["", "| criterion | is | value |", "|---|---|---|", *(row(cells, names, 3) for cells in one["criteria"])]
    lines += ["", "| column | how |", "|---|---|", *(row(cells, names, 2) for cells in one["columns"])]
    return "\n".join([*lines, "", "```sql", one["query"].rstrip(), "```", ""])


def page() -> str:
    given, names = yaml.safe_load((FOLDER / "searches.yaml").read_text(encoding="utf-8")), labels()
    index = [f"- [{one['title']}](#{anchor(one['title'])})" for one in given["searches"].values()]
    recipes = [recipe(name, one, names) for name, one in given["searches"].items()]
    missing = [f"- **{one['what']}.** {one['why']}" for one in given["not_yet"]]
    return "\n".join([HEAD, *index, "", *recipes, "## Not yet", "", *missing, ""])


def anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    sys.stdout.write(page())
