"""What a payment applies: our lines in NetSuite's lists, what its record shows, when what it had left may be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from lxml import etree
from netsuite_cases import NOW, SEEN, act, mapping, settings, with_credits

from connector.adapters.lanes import Lanes
from connector.adapters.netsuite import acts
from connector.adapters.netsuite.applied import Applied, meant, shown
from connector.adapters.netsuite.names import Names
from connector.adapters.netsuite.payments import Held, Payments
from connector.adapters.netsuite.soap import Found, Soap
from connector.adapters.netsuite.unapplied import Standing, judged, own
from connector.adapters.netsuite.values import LONG_TEXT_MAX, MEMO_MAX, TEXT_MAX, fit
from connector.errors import Terminal
from connector.money import Money
from connector.receivables import CreditUse, Parked, PaymentApplication, PaymentSeen, PaymentToPost


def usd(text: str) -> Money:
    return Money.of(text, "USD")


# ---- Our lines ----


def test_what_goes_to_one_invoice_is_one_line() -> None:
    applications = (
        PaymentApplication("104", usd("60"), discount=usd("1")),
        PaymentApplication("104", usd("40"), discount=usd("0.50")),
        PaymentApplication("105", usd("5")),
    )
    uses = (CreditUse("71", usd("3")), CreditUse("71", usd("4")))
    post = replace(act().payment, applications=applications, credits=uses)

    expected = Applied({"104": usd("100"), "105": usd("5")}, {"104": usd("1.50")}, {"71": usd("7")})
    assert expected == meant(post)


def test_absolute_amounts_are_of_our_lines_alone() -> None:
    ours = Applied({"104": usd("100")}, {"104": usd("2")}, {"71": usd("7")})
    before = Applied({"104": usd("30"), "105": usd("5")}, {"104": usd("1"), "105": usd("1")}, {"72": usd("9")})

    raised = ours.raised_to(before)

    assert Applied({"104": usd("130")}, {"104": usd("3")}, {"71": usd("7")}) == raised
    assert Applied({"104": usd("130")}, {"104": usd("1")}) == Applied({"104": usd("100")}).raised_to(before)


@pytest.mark.parametrize(
    ("whole", "is_covered"),
    [
        (Applied({"104": usd("100")}, {"104": usd("2")}, {"71": usd("7")}), True),
        (Applied({"104": usd("101"), "9": usd("1")}, {"104": usd("3")}, {"71": usd("8")}), True),
        (Applied({"104": usd("99.99")}, {"104": usd("2")}, {"71": usd("7")}), False),
        (Applied({"104": usd("100")}, {}, {"71": usd("7")}), False),
        (Applied({"104": usd("100")}, {"104": usd("2")}, {"71": usd("6")}), False),
        (Applied({"105": usd("100")}, {"104": usd("2")}, {"71": usd("7")}), False),
    ],
)
def test_a_whole_covers_a_part_line_by_line(whole: Applied, is_covered: bool) -> None:
    assert is_covered == whole.covers(Applied({"104": usd("100")}, {"104": usd("2")}, {"71": usd("7")}))


def test_a_payment_with_credits_and_discount_is_compared_in_both() -> None:
    intent = with_credits()
    seen = replace(
        SEEN,
        amount=usd("150"),
        applications=(("104", usd("180")),),
        credits=(("71", usd("30")),),
        discounts=(("104", usd("3.60")),),
    )

    assert [] == acts.differences(intent, seen, {}, "221")
    ours = "180.00 USD to 104 (3.60 USD discount), 30.00 USD used of credit 71"
    without = replace(seen, credits=(), discounts=())
    assert [f"applied as 180.00 USD to 104 instead of {ours}"] == acts.differences(intent, without, {}, "221")
    assert ours == str(shown(seen))


# ---- The record ----


class Ql:
    """Answers what is asked of SuiteQL beside the records: currencies, and what credits are applied to."""

    def __init__(self) -> None:
        self.links: list[dict[str, str]] = []

    def by_offset(self, what: str, sql: str, params: Sequence[object] = ()) -> list[dict[str, str]]:
        if what == "currencies":
            return [{"id": "1", "symbol": "USD"}]
        assert "applications of credits" == what
        return [link for link in self.links if int(link["payment"]) in params]


@pytest.fixture
def ql() -> Ql:
    return Ql()


@pytest.fixture
def soap() -> Iterator[Soap]:
    made = Soap(settings(), Lanes(1, 1, lambda _: None), NOW.timestamp)
    yield made
    made.close()


@pytest.fixture
def payments(soap: Soap, ql: Ql) -> Payments:
    return Payments(soap, ql, Names(ql, soap, mapping()), mapping())  # type: ignore[arg-type]


Lines = dict[str, str]


def record(soap: Soap, applied: Lines, credits: Lines, unapplied: str = "", payment: str = "150.00") -> Found:
    """A payment of 150.00 with these lines in its lists, and one more in each that could be applied and is not."""

    def listed(name: str, line: str, lines: Lines) -> str:
        parts = [("true", doc, amount) for doc, amount in lines.items()] + [("false", "999", "5.00")]
        told = "".join(
            f"<{line}><apply>{on}</apply><doc>{doc}</doc><amount>{amount}</amount></{line}>"
            for on, doc, amount in parts
        )
        return f"<{name}>{told}</{name}>"

    text = (
        f'<record xmlns="{soap.tag("customers:x")[1:-2]}" internalId="9"><customer internalId="4"/>'
        f'<currency internalId="1"/><payment>{payment}</payment>'
        + (f"<unapplied>{unapplied}</unapplied>" if unapplied else "")
        + listed("applyList", "apply", applied)
        + listed("creditList", "credit", credits)
        + "</record>"
    )
    return Found(etree.fromstring(text))


def held(payments: Payments, found: Found) -> Held:
    one = payments.of(found)
    assert one is not None
    return one


@pytest.mark.parametrize("unapplied", ["20.00", ""])
def test_only_what_is_ticked_is_applied(soap: Soap, payments: Payments, unapplied: str) -> None:
    one = held(payments, record(soap, {"104": "160.00"}, {"71": "30.00"}, unapplied))

    assert (usd("20"), (("104", usd("160")),)) == (one.unapplied, one.seen.applications)
    assert (("71", usd("30")),) == one.seen.credits


def test_an_invoice_in_instalments_has_several_lines_and_is_one(soap: Soap, payments: Payments) -> None:
    twice = "<apply><apply>true</apply><doc>104</doc><amount>10.00</amount></apply>"
    found = record(soap, {"104": "30.00"}, {}, "110.00")
    assert found.record is not None
    applied = found.record.find(soap.tag("customers:applyList"))
    assert applied is not None
    applied.append(etree.fromstring(f'<x xmlns="{soap.tag("customers:x")[1:-2]}">{twice}</x>')[0])

    assert (("104", usd("40")),) == held(payments, found).seen.applications


def test_where_lines_show_the_payments_own_money_the_credits_are_added(soap: Soap, ql: Ql, payments: Payments) -> None:
    """Which of the two NetSuite's lists show is not in its help."""
    ql.links = [
        {"payment": "71", "invoice": "104", "amount": "-20.00"},
        {"payment": "71", "invoice": "105", "amount": "-10.00"},
    ]

    one = held(payments, record(soap, {"104": "130.00"}, {"71": "30.00"}, "20.00"))

    assert (usd("20"), (("104", usd("150")), ("105", usd("10")))) == (one.unapplied, one.seen.applications)


def test_a_credit_that_was_also_used_elsewhere_does_not_say_what_it_gave_here(
    soap: Soap, ql: Ql, payments: Payments
) -> None:
    ql.links = [{"payment": "71", "invoice": "104", "amount": "50.00"}]

    one = held(payments, record(soap, {"104": "130.00"}, {"71": "30.00"}, "20.00"))

    assert ((("104", usd("130")),), (("71", usd("30")),)) == (one.seen.applications, one.seen.credits)


def test_a_record_that_cannot_be_read_is_named(soap: Soap, payments: Payments) -> None:
    with pytest.raises(Terminal, match=r"Could not understand customer payment 9 in NetSuite: amount: '1\.x'"):
        payments.of(record(soap, {"104": "1.x"}, {}))


def test_a_past_payment_that_cannot_be_read_is_parked(
    soap: Soap, payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [record(soap, {"104": "1.x"}, {}), record(soap, {"104": "150.00"}, {}), Found(None, "RCRD_DSNT_EXIST")]
    monkeypatch.setattr(soap, "read", lambda doing, references: tuple(answers))

    found = payments.one_by_one(["9", "10", "11"])

    assert Parked("erp", "9", "amount", "'1.x' is no decimal amount") == found["9"]
    assert isinstance(found["10"], Held)
    assert {"9", "10"} == found.keys()


# ---- May the rest of a payment be applied? ----

REST = replace(act(applied=(("104", "200.00"),)).payment, erp_id="9", unapplied_before=usd("250"))


def there(**changes: object) -> Held:
    """Payment 9 with 250.00 of 300.00 left, the rest on another invoice."""
    given: dict[str, object] = {"amount": usd("300"), "applications": (("7", usd("50")),), "left": usd("250")}
    given |= changes
    left = given.pop("left")
    assert isinstance(left, Money)
    return Held(replace(SEEN, **given), {}, left)  # type: ignore[arg-type]


ALL_OF_IT = (("104", usd("200")), ("7", usd("50")))
EUROS = {"amount": Money.of("300", "EUR"), "left": Money.of("250", "EUR"), "applications": ()}


@pytest.mark.parametrize(
    ("held", "standing", "told", "is_own"),
    [
        (None, Standing.IMPOSSIBLE, "NetSuite has no customer payment 9", False),
        (there(voided=True, customer_id="5"), Standing.IMPOSSIBLE, "payment 9 is voided", True),
        (there(customer_id="5", left=usd("1")), Standing.IMPOSSIBLE, "payment 9 belongs to customer 5, not 4", True),
        (there(**EUROS), Standing.IMPOSSIBLE, "payment 9 is in EUR", True),
        (there(applications=ALL_OF_IT, left=usd("50")), Standing.DONE, "", True),
        (there(applications=ALL_OF_IT, left=usd("49")), Standing.CHANGED, "payment 9 has 49.00 USD unapplied", True),
        # Somebody applied just as much to another invoice.
        (there(applications=(("7", usd("250")),), left=usd("50")), Standing.CHANGED, "payment 9 has 50.00 USD", False),
        (there(left=usd("300"), applications=()), Standing.CHANGED, "payment 9 has 300.00 USD unapplied", False),
        (there(), Standing.DUE, "", False),
        # What it had on our invoice before is no sign of ours.
        (there(applications=(("104", usd("50")),)), Standing.DUE, "", False),
    ],
)
def test_a_rest_is_applied_only_as_it_was(held: Held | None, standing: Standing, told: str, is_own: bool) -> None:
    """The first that holds; `own` is the payment as the act's read-back tells it."""
    found, why = judged(REST, held)

    assert (standing, told) == (found, why[: len(told)])
    assert is_own == (own(REST, held) is not None)
    assert bool(why) == (standing in (Standing.IMPOSSIBLE, Standing.CHANGED))


def test_a_rest_that_nobody_can_judge_is_impossible() -> None:
    assert Standing.IMPOSSIBLE == judged(replace(REST, unapplied_before=None), there())[0]
    parked = Parked("erp", "9", "amount", "'1.x' is no decimal amount")
    told = "payment 9 is not understood (amount: '1.x' is no decimal amount)"
    assert (Standing.IMPOSSIBLE, told) == judged(REST, parked)


def test_credits_beside_a_rest_spare_its_money() -> None:
    post: PaymentToPost = replace(REST, credits=(CreditUse("71", usd("30")),))
    seen: PaymentSeen = replace(SEEN, amount=usd("300"), applications=ALL_OF_IT, credits=(("71", usd("30")),))

    assert Standing.DONE == judged(post, Held(seen, {}, usd("80")))[0]
    assert Standing.CHANGED == judged(post, Held(replace(seen, credits=()), {}, usd("80")))[0]


# ---- Long texts ----


@pytest.mark.parametrize("limit", [TEXT_MAX, MEMO_MAX, LONG_TEXT_MAX])
def test_a_long_split_is_cut_between_two_words_and_the_cut_is_shown(limit: int) -> None:
    text = ", ".join(f"line {number}: 1,000.00 USD" for number in range(1, 300))

    cut = fit(text, limit)

    assert len(cut) <= limit
    assert cut.endswith("…")
    assert text.startswith(cut[:-1])
    assert text[len(cut) - 1] == " "
    assert text == fit(text, len(text))


def test_a_text_area_keeps_its_lines_and_other_fields_have_one() -> None:
    assert "paid\nby wire" == fit("paid\nby\x00wire", LONG_TEXT_MAX)
    assert "paid by wire" == fit("paid\nby\x00wire", MEMO_MAX)
