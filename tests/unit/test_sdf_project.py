"""The SDF project by our own rules of form: no NetSuite account is here to validate it.

What SDF asks of an object is Oracle's reference of the XML (SDFxml_3330726969 and its neighbours); that a deployment
would work is not shown by any of this.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from lxml import etree

from connector.adapters.netsuite.settings import is_day

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
SOURCE = MAPPINGS / "netsuite" / "src"
OBJECTS = {path.stem: etree.parse(path).getroot() for path in sorted((SOURCE / "Objects").glob("*.xml"))}
README = (MAPPINGS / "netsuite" / "README.md").read_text(encoding="utf-8")

# root -> prefix of its script ids, their greatest length, children that it must have
KINDS = {
    "transactionbodycustomfield": ("custbody_", 38, {"label", "fieldtype"}),
    "transactioncolumncustomfield": ("custcol_", 37, {"label", "fieldtype"}),
    "entitycustomfield": ("custentity_", 40, {"label", "fieldtype"}),
    "customrecordtype": ("customrecord_", 40, {"recordname", "accesstype", "permissions"}),
    "role": ("customrole_", 40, {"name", "centertype", "permissions"}),
}
FIELD_TYPES = {"CHECKBOX", "TEXT", "TEXTAREA", "DATE", "CURRENCY", "URL", "SELECT"}
# What the connector reads or writes of a field, by its place in netsuite.yaml; all others are text.
TYPES = {
    "fields.invoice_hold": "CHECKBOX",
    "fields.invoice_pay_url": "URL",
    "fields.invoice_promise_amount": "CURRENCY",
    "fields.invoice_plan": "TEXTAREA",
    "fields.line_dispute": "CHECKBOX",
    "fields.line_dispute_detail": "TEXTAREA",
    "fields.customer_do_not_contact": "CHECKBOX",
    "fields.customer_autopay": "CHECKBOX",
    "fields.customer_arr": "CURRENCY",
    "fields.customer_cc": "TEXTAREA",
    "fields.customer_mails_parent": "CHECKBOX",
    "records.receipt.text": "TEXTAREA",
    "records.status.card": "TEXTAREA",
    "records.exception.reason": "TEXTAREA",
    "records.proof.text": "TEXTAREA",
    "records.cancellation.invoice": "SELECT",
    "records.status.invoice": "SELECT",
    "records.exception.invoice": "SELECT",
}
# The first word of a name in `fields` -> the switches that put a field where it belongs, and only there.
APPLIED = {
    "invoice": {"bodysale": "T", "bodycustomerpayment": "F"},
    "payment": {"bodysale": "F", "bodycustomerpayment": "T"},
    "line": {"colsale": "T"},
    "customer": {"appliestocustomer": "T"},
}
TRANSACTION = "-30"


def mapped() -> dict[str, str]:
    """Place in netsuite.yaml -> script id, of our own fields and record types."""
    given = yaml.safe_load((MAPPINGS / "netsuite.yaml").read_text(encoding="utf-8"))
    found = {f"fields.{name}": script_id for name, script_id in given["fields"].items()}
    for record, names in given["records"].items():
        found |= {f"records.{record}.{name}": script_id for name, script_id in names.items()}
    return found


def _type(place: str) -> str:
    """A day that people enter is a date; days that the connector writes are text."""
    is_entered = place.startswith("fields.") and is_day(place)
    return "DATE" if is_entered else TYPES.get(place, "TEXT")


def fields() -> dict[str, etree._Element]:
    """Script id -> every custom field of the project."""
    alone = {name: root for name, root in OBJECTS.items() if root.tag.endswith("customfield")}
    inside = [field for root in OBJECTS.values() for field in root.iter("customrecordcustomfield")]
    return alone | {str(field.get("scriptid")): field for field in inside}


def roles() -> dict[str, dict[str, str]]:
    """Role -> permission -> level, with those that the record types give it."""
    found = {name: dict(_permissions(root)) for name, root in OBJECTS.items() if root.tag == "role"}
    for name, root in OBJECTS.items():
        for permission in root.findall("permissions/permission") if root.tag == "customrecordtype" else ():
            role = _text(permission, "permittedrole").removeprefix("[scriptid=").removesuffix("]")
            found[role][name] = _text(permission, "permittedlevel")
    return found


def _permissions(role: etree._Element) -> Iterator[tuple[str, str]]:
    for permission in role.findall("permissions/permission"):
        yield _text(permission, "permkey"), _text(permission, "permlevel")


def _text(element: etree._Element, name: str) -> str:
    return str(element.findtext(name) or "")


# ---- form ----


def test_every_file_is_well_formed_and_named_after_its_script_id() -> None:
    assert 24 <= len(OBJECTS)
    assert [] == [name for name, root in OBJECTS.items() if root.get("scriptid") != name]
    assert [] == [path.name for path in (SOURCE / "Objects").iterdir() if path.suffix != ".xml"]


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_has_the_prefix_the_length_and_the_parts_of_its_kind(name: str) -> None:
    root = OBJECTS[name]
    prefix, longest, parts = KINDS[str(root.tag)]

    assert re.fullmatch(rf"{prefix}arc_[a-z_]+", name)
    assert len(name) <= longest
    assert [] == sorted(part for part in parts if root.find(part) is None)
    assert [] == [
        tag for tag, count in Counter(child.tag for child in root).items() if count > 1 and tag != etree.Comment
    ]


def test_no_script_id_is_there_twice() -> None:
    ids = [
        str(element.get("scriptid"))
        for root in OBJECTS.values()
        for element in root.iter("*")
        if element.get("scriptid")
    ]

    assert [] == [script_id for script_id, count in Counter(ids).items() if count > 1]


@pytest.mark.parametrize("name", fields())
def test_a_field_has_a_label_a_type_and_what_its_type_asks_for(name: str) -> None:
    field = fields()[name]

    assert 0 < len(_text(field, "label")) <= 200
    assert _text(field, "fieldtype") in FIELD_TYPES
    assert (TRANSACTION if _text(field, "fieldtype") == "SELECT" else "") == _text(field, "selectrecordtype")
    assert ("T", "F") == (_text(field, "storevalue"), _text(field, "isformula"))
    # A field that is locked or hidden on the form can't be written by the web services either.
    assert "NORMAL" == _text(field, "displaytype")
    assert {"F", ""} >= {_text(field, "ismandatory")}
    if field.tag == "customrecordcustomfield":
        assert re.fullmatch(r"custrecord_arc_[a-z]+_[a-z_]+", name) and len(name) <= 40


def test_every_switch_is_t_or_f() -> None:
    switches = re.compile(r"^(is|allow|enable|show|include|body|col|appliesto|storevalue|defaultchecked|restrict)")
    wrong = [
        f"{name} {element.tag}={element.text}"
        for name, root in OBJECTS.items()
        for element in root.iter("*")
        if switches.match(str(element.tag)) and not len(element) and element.text not in ("T", "F")
    ]

    assert [] == wrong


def test_every_reference_to_another_object_leads_to_one() -> None:
    texts = [element.text or "" for root in OBJECTS.values() for element in root.iter("*")]
    named = {found for text in texts for found in re.findall(r"\[scriptid=([^\]]+)\]", text)}

    assert named
    assert set() == named - OBJECTS.keys()
    assert [] == [text for text in texts if text.startswith("[") and not re.fullmatch(r"\[scriptid=[a-z_]+\]", text)]


def test_the_manifest_names_the_features_that_the_objects_need() -> None:
    manifest = etree.parse(SOURCE / "manifest.xml").getroot()
    features = {str(one.text): one.get("required") for one in manifest.iter("feature")}
    needed = {
        "CUSTOMRECORDS": any(root.tag == "customrecordtype" for root in OBJECTS.values()),
        "RECEIVABLES": any(root.find("bodycustomerpayment") is not None for root in OBJECTS.values()),
        "WEBSERVICES": any(_text(root, "iswebserviceonlyrole") == "T" for root in OBJECTS.values()),
    }
    optional = {
        "SUBSIDIARIES": "LIST_SUBSIDIARY",
        "MULTICURRENCY": "LIST_CURRENCY",
        "ACCOUNTINGPERIODS": "ADMI_ACCTPERIODS",
    }
    given = {key for permissions in roles().values() for key in permissions}

    assert "ACCOUNTCUSTOMIZATION" == manifest.get("projecttype")
    assert "1.0" == _text(manifest, "frameworkversion") and _text(manifest, "projectname")
    assert {name for name, is_needed in needed.items() if is_needed} == {
        f for f, must in features.items() if must == "true"
    }
    assert {name for name, key in optional.items() if key in given} == {
        f for f, must in features.items() if must == "false"
    }


def test_everything_in_the_objects_folder_is_deployed_and_nothing_else() -> None:
    deploy = etree.parse(SOURCE / "deploy.xml").getroot()

    assert {"manifest.xml", "deploy.xml", "Objects"} == {path.name for path in SOURCE.iterdir()}
    assert ["objects"] == [child.tag for child in deploy]
    assert ["~/Objects/*"] == [path.text for path in deploy.iter("path")]


def test_no_saved_search_is_forged() -> None:
    """Its definition is a block that only NetSuite can make (searches.md is the recipe book instead)."""
    assert [] == [
        name for name, root in OBJECTS.items() if root.tag == "savedsearch" or root.find("definition") is not None
    ]


# ---- the same names as the mapping ----


def test_every_name_of_the_mapping_is_defined_once_and_nothing_else_is() -> None:
    defined = fields().keys() | {name for name in OBJECTS if name.startswith("customrecord_")}

    assert defined == set(mapped().values())
    assert len(mapped()) == len(set(mapped().values()))


def test_every_field_has_the_type_that_the_connector_expects() -> None:
    expected = {script_id: _type(place) for place, script_id in mapped().items() if not place.endswith(".type")}
    types = {name: _text(field, "fieldtype") for name, field in fields().items()}

    assert expected == types


def test_every_field_stands_on_the_record_that_the_connector_reads_it_from() -> None:
    standing = {
        place: {switch: _text(fields()[script_id], switch) for switch in APPLIED[place.split(".")[1].split("_")[0]]}
        for place, script_id in mapped().items()
        if place.startswith("fields.")
    }

    assert {place: APPLIED[place.split(".")[1].split("_")[0]] for place in standing} == standing


def test_every_field_of_a_record_is_inside_its_record_type() -> None:
    given = yaml.safe_load((MAPPINGS / "netsuite.yaml").read_text(encoding="utf-8"))["records"]
    inside = {
        name: {str(field.get("scriptid")) for field in OBJECTS[name].iter("customrecordcustomfield")}
        for name in (names["type"] for names in given.values())
    }

    assert {names["type"]: {v for k, v in names.items() if k != "type"} for names in given.values()} == inside


# ---- what the roles may do (RULES 7) ----

RECORDS = ("cancellation", "exception", "installation", "proof", "receipt", "status")
INTEGRATION = {
    "TRAN_CUSTPYMT": "CREATE",
    "TRAN_DEPOSIT": "CREATE",
    "TRAN_DEPAPPL": "CREATE",
    "TRAN_CUSTCRED": "EDIT",
    "TRAN_CUSTINVC": "VIEW",
    "LIST_CUSTJOB": "VIEW",
    "TRAN_CUSTDEP": "VIEW",
    "TRAN_CUSTRFND": "VIEW",
    "TRAN_JOURNAL": "VIEW",
    "TRAN_FIND": "VIEW",
    "LIST_ACCOUNT": "VIEW",
    "LIST_CURRENCY": "VIEW",
    "LIST_SUBSIDIARY": "VIEW",
    "ADMI_ACCOUNTINGLIST": "VIEW",
    "ADMI_ACCTPERIODS": "VIEW",
    "ADMI_CUSTRECORD": "VIEW",
    "LIST_MESSAGE_UNRESTRICTED": "VIEW",
    "REPO_ANALYTICS": "EDIT",
    "ADMI_RESTWEBSERVICES": "FULL",
    "ADMI_WEBSERVICES": "FULL",
    "ADMI_LOGIN_OAUTH": "FULL",
} | {f"customrecord_arc_{name}": "EDIT" for name in RECORDS}
# The permissions that have no level below Full.
FULL_ALONE = {"ADMI_RESTWEBSERVICES", "ADMI_WEBSERVICES", "ADMI_LOGIN_OAUTH"}
# Past the period lock, other people's rights, imports in bulk, and the log that shows who did it.
FORBIDDEN = {
    "ADMI_PERIODOVERRIDE",
    "ADMI_ALLOWNONGLCHANGES",
    "ADMI_CLOSEPERIOD",
    "ADMI_PERIODCLOSING",
    "ADMI_KERNEL",
    "ADMI_ACCOUNTING",
    "ADMI_ACCTSETUP",
    "ADMI_MANAGEROLES",
    "ADMI_MANAGEUSERS",
    "ADMI_MANAGE_OAUTH_TOKENS",
    "ADMI_IMPORTCSVFILE",
    "ADMI_CUSTOMSCRIPT",
    "ADMI_DELETEDRECORD",
    "LIST_MASSUPDATES",
    "LIST_CUSTRECORDENTRY",
}
SIGN_IN = {"ADMI_LOGIN_OAUTH", "ADMI_LOGIN_OAUTH2", "ADMI_RESTWEBSERVICES", "ADMI_WEBSERVICES"}


def test_the_integration_has_what_the_rules_allow_and_no_more() -> None:
    assert INTEGRATION == roles()["customrole_arc_integration"]


def test_what_some_installations_need_beyond_it_is_marked_and_not_given() -> None:
    """Journals only with journal_negative or for returns, changes of invoices only where NetSuite's own dunning is
    paused, changes of payments only where what they have left is applied later, or for returns."""
    role = OBJECTS["customrole_arc_integration"]
    marked = {
        _text(comment.getnext(), "permkey"): _text(comment.getnext(), "permlevel")
        for comment in role.iter(etree.Comment)
        if "variant" in str(comment.text) and comment.getparent() is not None
    }

    assert {"TRAN_CUSTINVC": "VIEW", "TRAN_JOURNAL": "VIEW", "TRAN_CUSTPYMT": "CREATE"} == marked


def test_the_integration_can_not_sign_in_to_the_screens_and_people_can_not_by_token() -> None:
    only_services = {name: _text(root, "iswebserviceonlyrole") for name, root in OBJECTS.items() if root.tag == "role"}
    human = {name: given.keys() & SIGN_IN for name, given in roles().items() if name != "customrole_arc_integration"}

    assert ["customrole_arc_integration"] == [name for name, value in only_services.items() if value == "T"]
    assert {"customrole_arc_analyst", "customrole_arc_approver", "customrole_arc_auditor"} == human.keys()
    assert [set()] * 3 == list(human.values())


def test_no_role_may_delete_override_a_period_or_give_rights() -> None:
    """Full is the level that deletes."""
    for name, given in roles().items():
        assert set() == given.keys() & FORBIDDEN, name
        assert set() == {key for key, level in given.items() if level == "FULL"} - FULL_ALONE, name
        assert "F" == _text(OBJECTS[name], "coreadminpermission")


def test_nobody_can_both_propose_and_approve() -> None:
    """The analyst sets holds and disputes; credit memos, journals and deposits are the approver's."""
    analyst, approver = roles()["customrole_arc_analyst"], roles()["customrole_arc_approver"]
    writes = {name: {key for key, level in given.items() if level != "VIEW"} for name, given in roles().items()}

    assert ("EDIT", "EDIT") == (analyst["TRAN_CUSTINVC"], analyst["LIST_CUSTJOB"])
    assert ("VIEW", "VIEW") == (approver["TRAN_CUSTINVC"], approver["LIST_CUSTJOB"])
    approving = {"TRAN_CUSTCRED", "TRAN_JOURNAL", "TRAN_DEPOSIT", "TRAN_CUSTRFND"}
    assert approving <= writes["customrole_arc_approver"]
    assert set() == approving & writes["customrole_arc_analyst"]
    assert set() == writes["customrole_arc_auditor"]


def test_people_see_the_records_and_only_the_integration_writes_them() -> None:
    records = {f"customrecord_arc_{name}" for name in RECORDS}
    levels = {name: {given.get(record) for record in records} for name, given in roles().items()}

    assert {"EDIT"} == levels.pop("customrole_arc_integration")
    assert [{"VIEW"}] * 3 == list(levels.values())
    assert {"USEPERMISSIONLIST"} == {_text(OBJECTS[record], "accesstype") for record in records}


def test_a_role_names_each_permission_once() -> None:
    for name, root in OBJECTS.items():
        if root.tag == "role":
            keys = [key for key, _ in _permissions(root)]
            assert len(keys) == len(set(keys)), name


# ---- what a person reads ----


def test_the_readme_lists_every_field_with_its_label_and_type() -> None:
    words = {"CHECKBOX": "Check Box", "TEXT": "Free-Form Text", "TEXTAREA": "Text Area", "DATE": "Date"}
    words |= {"CURRENCY": "Currency", "URL": "Hyperlink", "SELECT": "List/Record: Transaction"}
    rows = [line.split("|") for line in README.splitlines() if line.startswith("| `cust")]
    listed = {cells[1].strip(" `"): (cells[2].strip(), cells[3].strip()) for cells in rows}

    assert {n: (_text(f, "label"), words[_text(f, "fieldtype")]) for n, f in fields().items()} == listed


def test_the_readme_lists_what_the_integration_may_do() -> None:
    rows = [line.split("|") for line in README.splitlines() if re.match(r"\| [^|]+ \| `[A-Z]{4}_", line)]
    listed = {cells[2].strip(" `"): cells[3].strip().upper() for cells in rows}

    assert {key: level for key, level in INTEGRATION.items() if not key.startswith("custom")} == listed


def test_the_readme_says_that_no_account_has_seen_it() -> None:
    assert "No NetSuite account has validated this project" in " ".join(README.split())
