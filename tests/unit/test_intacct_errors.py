"""What an error of Intacct's gateway means, told by its fine id, its number and its words."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_wire_cases import ROLLED_BACK, error
from lxml import etree

from connector.adapters.intacct.answers import Error, Result, Results, Status, Why, leading
from connector.adapters.intacct.errors import errors_of


def told(*errors: str, duplicates: tuple[str, ...] = (), secrets: tuple[str, ...] = ()) -> tuple[Error, ...]:
    message = etree.fromstring(f"<errormessage>{''.join(errors)}</errormessage>")
    return errors_of(message, duplicates, secrets)


@pytest.mark.parametrize(
    ("number", "text", "why"),
    [
        (
            ROLLED_BACK,
            "The entire transaction in this operation has been rolled back due to an error.",
            Why.ROLLED_BACK,
        ),
        ("GW-0010", "", Why.BUSY),
        ("X", "API rate limit exceeded", Why.BUSY),
        ("X", "Too many concurrent requests for this company", Why.BUSY),
        ("BL01001973", "The controlid arc-1 has already been used", Why.DUPLICATE_CONTROL_ID),
        ("X", "Operation with control ID arc-1 was previously executed and completed", Why.DUPLICATE_CONTROL_ID),
        ("X", "Duplicate control id", Why.DUPLICATE_CONTROL_ID),
        ("X", "A function with this controlid is not unique", Why.DUPLICATE_CONTROL_ID),
        ("BL34000061", "Another Customer with the given value(s) C1 already exists", Why.DUPLICATE),
        ("BL34000061", "Value taken", Why.DUPLICATE),
        ("BL01001973", "Your transaction date is within a period that's been closed", Why.CLOSED_PERIOD),
        ("BL01001973", "The period for 10/31/2026 is closed for Accounts Receivable", Why.CLOSED_PERIOD),
        ("XL03000006", "You do not have permission for API operation CREATE on objects of type ARPYMT", Why.PERMISSION),
        ("XL03000006", "The sender ID is not authorized for this company", Why.PERMISSION),
        ("DL02000001", "ARPYMT with key 9 does not exist", Why.NOT_THERE),
        ("BL01001973", "Could not create ARPYMT record!", Why.OTHER),
        ("XL03000009x", "Something new", Why.OTHER),
        ("", "", Why.OTHER),
    ],
)
def test_an_error_means_what_its_number_and_words_say(number: str, text: str, why: Why) -> None:
    (found,) = told(error(number, text))

    assert (why, number, number) == (found.why, found.number, found.code)


def test_the_fine_id_goes_before_the_number() -> None:
    (found,) = told(error("BL01001973", "No reason", "GW-0010"))

    assert (Why.BUSY, "GW-0010") == (found.why, found.code)


def test_a_company_may_name_the_numbers_of_its_repeats() -> None:
    (by_number,) = told(error("XL03000099", "No"), duplicates=("XL03000099",))
    (by_id,) = told(error("X", "No", "GW-0099"), duplicates=("GW-0099",))

    assert Why.DUPLICATE_CONTROL_ID is by_number.why and Why.DUPLICATE_CONTROL_ID is by_id.why


SAID = "This period is closed for 10/31/2026 & earlier."


@pytest.mark.parametrize("text", [f"{SAID} [Support ID: kBq7%7EX%261]", quote_plus(f"{SAID} [Support ID: kBq7~X&1]")])
def test_the_support_id_is_set_apart_and_the_sentence_is_plain(text: str) -> None:
    (found,) = told(error("BL01001973", text))

    assert Why.CLOSED_PERIOD is found.why
    assert "This period is closed for 10/31/2026 & earlier [support id kBq7~X&1]" == found.text


def test_a_percent_sign_of_a_sentence_stays() -> None:
    (found,) = told(error("X", "A discount of 2%+1 is too much: 100%"))

    assert "A discount of 2%+1 is too much: 100%" == found.text


def test_all_sentences_are_told_once_and_where_the_fault_lies() -> None:
    (found,) = told(
        "<error><errorno>X</errorno><description>Second.</description><description2>First</description2>"
        "<correction>Second.</correction><additionalinfo><target><object>ARPYMT</object><field>RECEIPTDATE</field>"
        "</target></additionalinfo></error>"
    )

    assert ("First. Second", "ARPYMT.RECEIPTDATE") == (found.text, found.target)


def test_no_message_is_no_error() -> None:
    assert () == errors_of(None, (), ())
    assert () == told()


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=400))
def test_any_sentence_is_taken_bounded_on_one_line_and_without_secrets(text: str) -> None:
    (found,) = told(error("X", f"{text} hush-hush"), secrets=("hush-hush", ""))

    assert "\n" not in found.text and len(found.text) < 900 and "hush-hush" not in found.text


def test_no_secret_is_told_in_part_nor_beside_the_sentence() -> None:
    """A sentence is cut to its length, and a support id is decoded, only once what is secret is masked."""
    at_the_cut = error("X", f"{'x' * 290} hush-hush-hush")
    beside = f"""<error><errorno>hush-hush-hush</errorno><description2>Bad [Support ID: {quote_plus("hush-hush-hush")}]
    </description2><additionalinfo><errorid>hush-hush-hush</errorid><target><field>hush-hush-hush</field></target>
    </additionalinfo></error>"""

    assert "hush" not in repr(told(at_the_cut, beside, secrets=("hush-hush-hush",)))


def made_of(*whys: Why) -> tuple[Error, ...]:
    return tuple(Error(why, f"N{number}", "", "") for number, why in enumerate(whys))


@pytest.mark.parametrize(
    ("whys", "number"),
    [
        ((Why.OTHER, Why.CLOSED_PERIOD, Why.ROLLED_BACK), "N1"),
        ((Why.CLOSED_PERIOD, Why.OTHER), "N0"),
        ((Why.OTHER, Why.OTHER), "N0"),
        ((Why.ROLLED_BACK, Why.OTHER), "N1"),
        ((Why.ROLLED_BACK,), None),
        ((), None),
    ],
)
def test_the_leading_error_is_the_one_that_says_most(whys: tuple[Why, ...], number: str | None) -> None:
    found = leading(made_of(*whys))

    assert number == (found.number if found else None)


def test_results_without_a_cause_are_still_not_committed() -> None:
    results = Results((Result("a", "create", Status.SUCCESS), Result("b", "create", Status.ABORTED)))

    assert not results.is_committed and results.offender is None and results.cause is None and not results.is_repeat


def test_one_key_is_told_and_of_several_none() -> None:
    assert "7" == Result("a", "create", Status.SUCCESS, ("7",)).key
    assert "" == Result("a", "create", Status.SUCCESS, ("7", "8")).key
