"""Which line of which invoice gets how much: exact to the cent, never more than is due, disputed lines last."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.intacct.lines import CreditNow, Detail, InvoiceNow, LineNow, Unpayable, details, divided
from connector.money import Money
from connector.receivables import (
    CreditKind,
    CreditUse,
    LineShare,
    OpenInvoice,
    PaymentApplication,
    PaymentToPost,
)

INVOICE = "INV-7__C1"
MEMO = CreditNow("cm-CM-1__C1", "C1", CreditKind.CREDIT_MEMO, "501", "", Money(3000, "USD"))


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def line(number: str, due: str, *, disputed: bool = False, tax_of: str = "") -> LineNow:
    """Line 1 has entry key 1001."""
    return LineNow(number, f"10{number.zfill(2)}", usd(due), disputed, f"10{tax_of.zfill(2)}" if tax_of else "")


def invoice(*lines: LineNow, known_id: str = INVOICE, record_no: str = "100", customer: str = "C1") -> InvoiceNow:
    due = Money.total((one.due for one in lines), "USD")
    facts = OpenInvoice(known_id, "INV-7", customer, due, due, date(2026, 9, 1), date(2026, 10, 1))
    return InvoiceNow(facts, record_no, "", lines)


def application(amount: str, *shares: tuple[str, str], discount: str = "", of: str = INVOICE) -> PaymentApplication:
    parts = tuple(LineShare(number, usd(part)) for number, part in shares)
    return PaymentApplication(of, usd(amount), parts, usd(discount) if discount else None)


def payment(amount: str, *applications: PaymentApplication, credits: tuple[CreditUse, ...] = ()) -> PaymentToPost:
    return PaymentToPost(
        "arc-x-pay-ch_1-1", "C1", usd(amount), date(2026, 9, 20), applications, "stripe ch_1", credits=credits
    )


def paid(application: PaymentApplication, now: InvoiceNow) -> dict[str, str]:
    return {one.entry_key: amount.plain() for one, amount in divided(application, now)}


# ---- One invoice over its lines ----


def test_a_whole_payment_pays_each_line_what_it_has_due() -> None:
    now = invoice(line("1", "60"), line("2", "0"), line("3", "40"))

    assert {"1001": "60.00", "1003": "40.00"} == paid(application("100"), now)


def test_a_part_payment_pays_undisputed_lines_from_the_first_and_disputed_ones_last() -> None:
    now = invoice(line("1", "30", disputed=True), line("2", "40"), line("3", "50"))

    assert {"1002": "40.00", "1003": "20.00"} == paid(application("60"), now)
    assert {"1001": "5.00", "1002": "40.00", "1003": "50.00"} == paid(application("95"), now)


def test_the_order_is_that_of_the_invoice_whatever_order_the_lines_came_in() -> None:
    now = invoice(line("10", "10"), line("9", "10"), line("2", "10"))

    assert ["1002", "1009"] == [one.entry_key for one, _ in divided(application("15"), now)]


def test_two_clean_lines_are_closed_and_the_disputed_one_is_left() -> None:
    """M41."""
    now = invoice(line("1", "60"), line("2", "25", disputed=True), line("3", "40"))

    assert {"1001": "60.00", "1003": "40.00"} == paid(application("100", ("1", "60"), ("3", "40")), now)


def test_tax_goes_with_its_line_and_is_as_disputed() -> None:
    now = invoice(
        line("1", "100", disputed=True), line("2", "50"), line("11", "20", tax_of="1"), line("12", "10", tax_of="2")
    )

    assert {"1002": "50.00", "1012": "10.00"} == paid(application("60", ("2", "60")), now)
    assert {"1002": "50.00", "1012": "10.00"} == paid(application("60"), now)
    assert {"1001": "100.00", "1011": "20.00"}.items() <= paid(application("180"), now).items()


def test_what_a_shares_line_has_no_more_due_goes_to_other_undisputed_lines() -> None:
    """A share is of the line's amount as it was billed; somebody paid part of it before."""
    now = invoice(line("1", "0"), line("2", "40"), line("3", "30", disputed=True))

    assert {"1002": "40.00"} == paid(application("40", ("1", "40")), now)


def test_shares_never_reach_a_disputed_line() -> None:
    now = invoice(line("1", "60"), line("2", "40", disputed=True))

    with pytest.raises(Unpayable, match=r"its undisputed lines take 60\.00 USD"):
        divided(application("61", ("1", "61")), now)


def test_more_than_is_due_is_not_payable() -> None:
    with pytest.raises(Unpayable, match=r"100\.01 USD was meant for it, its lines take 100\.00 USD"):
        divided(application("100.01"), invoice(line("1", "60"), line("2", "40")))


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 60_000),
)
def test_every_cent_goes_to_one_line_and_none_takes_more_than_its_due(dues: list[tuple[int, bool]], cents: int) -> None:
    lines = [LineNow(str(n), f"k{n}", Money(due, "USD"), disputed) for n, (due, disputed) in enumerate(dues, 1)]
    now, wanted = invoice(*lines), PaymentApplication(INVOICE, Money(cents, "USD"))
    whole = sum(due for due, _ in dues)
    if cents > whole:
        with pytest.raises(Unpayable):
            divided(wanted, now)
        return

    found = divided(wanted, now)

    assert cents == sum(amount.minor for _, amount in found)
    assert all(0 < amount.minor <= one.due.minor for one, amount in found)
    undisputed = sum(due for due, disputed in dues if not disputed)
    assert max(cents - undisputed, 0) == sum(amount.minor for one, amount in found if one.disputed)


# ---- A whole payment ----


def test_cash_and_credits_are_details_of_their_own_that_sum_to_the_application() -> None:
    now = invoice(line("1", "60"), line("2", "40"))
    post = payment("70", application("100"), credits=(CreditUse(MEMO.id, usd("30")),))

    assert (
        Detail("100", "1001", usd("30"), MEMO),
        Detail("100", "1001", usd("30")),
        Detail("100", "1002", usd("40")),
    ) == details(post, {INVOICE: now}, {MEMO.id: MEMO})


def test_a_credit_pays_only_invoices_of_its_own_customer() -> None:
    child = invoice(line("1", "50"), known_id="INV-8__C2", record_no="200", customer="C2")
    own = invoice(line("1", "20"))
    post = payment("40", application("50", of="INV-8__C2"), application("20"), credits=(CreditUse(MEMO.id, usd("30")),))
    both = {INVOICE: own, "INV-8__C2": child}

    with pytest.raises(Unpayable, match="of customer C1, whose invoices take less of it"):
        details(post, both, {MEMO.id: MEMO})
    less = payment("50", *post.applications, credits=(CreditUse(MEMO.id, usd("20")),))
    assert [("100", "501"), ("200", "")] == [
        (one.record_key, one.credit.record_no if one.credit else "") for one in details(less, both, {MEMO.id: MEMO})
    ]


@pytest.mark.parametrize(
    ("use", "why"),
    [
        (CreditUse(MEMO.id, Money(3001, "USD")), "has 30.00 USD left, and 30.01 USD was to be used"),
        (CreditUse(MEMO.id, Money(3000, "EUR")), "is in USD"),
        (CreditUse("cm-CM-2__C1", Money(1, "USD")), "no open credit cm-CM-2__C1"),
    ],
)
def test_a_credit_that_is_no_more_what_it_was_is_not_used(use: CreditUse, why: str) -> None:
    with pytest.raises(Unpayable, match=why):
        details(
            payment("10", application("100"), credits=(use,)), {INVOICE: invoice(line("1", "100"))}, {MEMO.id: MEMO}
        )


def test_a_discount_settles_the_invoice_as_a_whole() -> None:
    now = invoice(line("1", "60"), line("2", "40"))

    assert (Detail("100", "", usd("98"), discount=usd("2")),) == details(
        payment("98", application("98", discount="2")), {INVOICE: now}, {}
    )
    with pytest.raises(Unpayable, match=r"97.00 USD and 2.00 USD discount don't settle the 100.00 USD"):
        details(payment("97", application("97", discount="2")), {INVOICE: now}, {})


def test_credits_cover_what_has_no_discount_first_since_a_discount_needs_cash() -> None:
    discounted, plain = invoice(line("1", "100")), invoice(line("1", "30"), known_id="INV-9__C1", record_no="300")
    post = payment(
        "98",
        application("98", discount="2"),
        application("30", of="INV-9__C1"),
        credits=(CreditUse(MEMO.id, usd("30")),),
    )

    assert (
        Detail("300", "1001", usd("30"), MEMO),
        Detail("100", "", usd("98"), discount=usd("2")),
    ) == details(post, {INVOICE: discounted, "INV-9__C1": plain}, {MEMO.id: MEMO})


def test_credits_alone_take_no_discount() -> None:
    post = payment("0", application("30", discount="2"), credits=(CreditUse(MEMO.id, usd("30")),))

    with pytest.raises(Unpayable, match="credits alone"):
        details(post, {INVOICE: invoice(line("1", "32"))}, {MEMO.id: MEMO})


def test_what_a_payment_had_left_pays_instead_of_cash() -> None:
    rest = CreditNow("88", "C1", CreditKind.UNAPPLIED_PAYMENT, "89", "", usd("50"))
    now = invoice(line("1", "60"))

    assert (Detail("100", "1001", usd("50"), rest),) == details(
        payment("50", application("50")), {INVOICE: now}, {}, rest
    )


def test_an_invoice_that_is_not_there_or_there_twice_is_not_paid() -> None:
    with pytest.raises(Unpayable, match="no open invoice INV-7__C1, or has it twice"):
        details(payment("50", application("50")), {}, {})


def test_lines_below_zero_are_left_to_a_person() -> None:
    with pytest.raises(Unpayable, match="invoice INV-7 has lines below zero"):
        details(payment("80", application("80")), {INVOICE: invoice(line("1", "100"), line("2", "-20"))}, {})


def test_money_of_one_currency_pays_no_invoice_of_another() -> None:
    euros = PaymentApplication(INVOICE, Money(100, "EUR"))

    with pytest.raises(Unpayable, match="invoice INV-7 is in USD, and the payment in EUR"):
        details(payment("1", euros), {INVOICE: invoice(line("1", "100"))}, {})
