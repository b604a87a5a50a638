"""A world is the same whichever ERP keeps its books: the same plan comes to pass, and the same people do the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from sandbox.erp_deeds import ERP_DEEDS
from sandbox.world import ERPS, World, build_world, serve

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
# What only NetSuite has; Intacct says so.
NETSUITE_ALONE = {"leave_one_world": {}, "lock_ar": {"month": "2026-10"}}


class Control:
    def __init__(self, url: str, world: World) -> None:
        self.world = world
        self._url = f"{url}/world"

    def get(self, path: str) -> Any:
        return self._answer(requests.get(f"{self._url}/{path}", timeout=10))

    def post(self, path: str, **body: object) -> Any:
        return self._answer(requests.post(f"{self._url}/{path}", json=body, timeout=10))

    def status(self, path: str, **body: object) -> int:
        with requests.post(f"{self._url}/{path}", json=body, timeout=10) as response:
            return response.status_code

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        with response:
            assert response.ok, response.text
            return response.json()


@pytest.fixture(params=ERPS)
def control(request: pytest.FixtureRequest) -> Iterator[Control]:
    with serve(erp=request.param, customers=0, now=NOW) as served:
        control = Control(served.url, served.world)
        control.post("customers", name="Acme Freight", email="ap@acme.example", terms_days=30)
        control.post("invoices", customer="Acme Freight", number="INV-1", amount="500.00")
        yield control


def figures(world: World) -> dict[str, Any]:
    """What does not depend on who keeps the books: invoices, payments and what of them pays what, by number."""
    truth = world.truth()
    names = {known.id: known.name for known in world.customers()}
    numbers = {one["id"]: one["number"] for one in truth["invoices"]}
    invoices = {one["number"]: (names[one["customer"]], one["amount"], one["balance"]) for one in truth["invoices"]}
    applied = sorted(
        (one["on"], names[one["customer"]], one["amount"], numbers[part["invoice"]], part["amount"])
        for one in truth["payments"]
        for part in one["applications"]
    )
    credits = sorted((one["number"], one["amount"], one["unapplied"]) for one in truth["credits"])
    meant = sorted((one["amount"], *(part["number"] for part in one["pays"])) for one in truth["stripe_payments"])
    return {"invoices": invoices, "applied": applied, "credits": credits, "meant": meant}


def test_the_same_seed_comes_to_the_same_figures_in_either_erp() -> None:
    netsuite, intacct = (build_world(erp=erp, seed=7, customers=8, now=NOW) for erp in ERPS)

    assert figures(netsuite) == figures(intacct)
    assert figures(netsuite)["applied"]
    assert [] == netsuite.truth()["violations"] == intacct.truth()["violations"]


def test_the_profile_names_the_erp_that_there_is_and_no_other(control: Control) -> None:
    ours = control.world.erp_name
    (other,) = set(ERPS) - {ours}

    assert set(ERPS) & set(control.get("profile")) == {ours} == set(ERPS) & set(control.get("requests"))
    assert control.get("profile")[ours]["accounts"] == control.world.erp.accounts
    with pytest.raises(LookupError, match="keeps its books in"):
        getattr(control.world, other)
    assert 404 == control.status(f"{other}/clear_hold", invoice="INV-1")


def test_people_write_in_either_erp_by_one_path_and_it_is_counted_apart(control: Control) -> None:
    control.post("erp/set_hold", invoice="INV-1", reason="legal")
    control.post(f"{control.world.erp_name}/pay_by_hand", customer="Acme Freight", amount="20.00",
                 applications=[{"invoice": "INV-1", "amount": "20.00"}])  # fmt: skip
    (invoice,) = control.get("truth")["invoices"]

    assert "480.00" == invoice["balance"]
    assert 409 == control.status(
        "erp/pay_by_hand",
        customer="Acme Freight",
        amount="900.00",
        applications=[{"invoice": "INV-1", "amount": "900.00"}],
    )
    assert (0, 0) == tuple(control.get("requests")[key] for key in ("erp_reads", "erp_writes"))


@pytest.mark.parametrize("kind", ["cancellation", "receipt", "status", "exception", "installation"])
def test_what_a_connector_keeps_is_told_in_words_of_no_erp(control: Control, kind: str) -> None:
    """Nothing is kept where no connector was; an AR status is the invoice's own fields in Intacct."""
    assert [] == [one for one in control.get(f"erp/kept/{kind}") if any(one.get(word) for word in ("state", "act"))]
    with pytest.raises(LookupError, match="nonsense"):
        control.world.erp.kept("nonsense")


def test_either_erp_has_every_deed_or_says_that_it_has_no_such_thing(control: Control) -> None:
    lacking = [deed for deed in ERP_DEEDS - {"meanwhile"} if not callable(getattr(control.world.erp, deed, None))]
    assert [] == lacking

    if control.world.erp_name == "intacct":
        assert {404} == {control.status(f"erp/{deed}", **body) for deed, body in NETSUITE_ALONE.items()}


def test_an_erp_that_the_sandbox_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="netsuite, intacct"):
        World(erp="sap")  # type: ignore[arg-type]
