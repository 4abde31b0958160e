"""Lists and expansion: order, filters, cursors, and paths that open."""

from typing import Any

import pytest

from tests.sandbox.direct import Direct

Json = dict[str, Any]


def ids(page: Json) -> list[str]:
    return [item["id"] for item in page["data"]]


def made(core: Direct, count: int) -> list[str]:
    """Customers, oldest first, a second apart."""
    names = []
    for _ in range(count):
        names.append(core.post("customers")["id"])
        core.advance(1)
    return names


def test_a_list_begins_with_the_newest(core: Direct) -> None:
    names = made(core, 3)
    page = core.get("customers")
    assert ids(page) == names[::-1]
    assert page["has_more"] is False


def test_pages_follow_one_another_without_a_gap(core: Direct) -> None:
    names = made(core, 7)[::-1]
    seen: list[str] = []
    page = core.get("customers", limit=3)
    while True:
        seen += ids(page)
        if not page["has_more"]:
            break
        page = core.get("customers", limit=3, starting_after=seen[-1])
    assert seen == names


def test_pages_can_be_walked_backwards(core: Direct) -> None:
    names = made(core, 5)[::-1]
    page = core.get("customers", limit=2, ending_before=names[4])
    assert ids(page) == names[2:4]
    assert page["has_more"] is True
    first = core.get("customers", limit=2, ending_before=names[2])
    assert (ids(first), first["has_more"]) == (names[:2], False)


def test_ten_are_shown_when_nothing_is_asked_for(core: Direct) -> None:
    for _ in range(11):
        core.post("customers")
    page = core.get("customers")
    assert (len(page["data"]), page["has_more"]) == (10, True)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_limit_lies_between_one_and_a_hundred(core: Direct, limit: str) -> None:
    error = core.ask("GET", "customers", {"limit": limit}).json()["error"]
    assert (error["code"], error["param"]) == ("parameter_invalid_integer", "limit")


@pytest.mark.parametrize("cursor", ["starting_after", "ending_before"])
def test_a_cursor_must_exist(core: Direct, cursor: str) -> None:
    error = core.ask("GET", "customers", {cursor: "cus_nothing"}).json()["error"]
    assert (error["code"], error["param"]) == ("resource_missing", cursor)


def test_two_cursors_at_once_are_refused(core: Direct) -> None:
    name = core.post("customers")["id"]
    answer = core.ask("GET", "customers", {"starting_after": name, "ending_before": name})
    assert answer.status == 400


def test_lists_are_bounded_by_the_time_of_creation(core: Direct) -> None:
    made(core, 4)
    newest_first = core.get("customers")["data"]
    third = newest_first[1]["created"]
    assert len(core.get("customers", created={"gte": third})["data"]) == 2
    assert len(core.get("customers", created={"gt": third})["data"]) == 1
    assert len(core.get("customers", created={"lt": third})["data"]) == 2
    assert len(core.get("customers", created={"lte": third})["data"]) == 3
    assert ids(core.get("customers", created=third)) == [newest_first[1]["id"]]


def test_customers_are_found_by_their_address(core: Direct) -> None:
    ada = core.post("customers", email="ada@example.org")["id"]
    core.post("customers", email="bob@example.org")
    assert ids(core.get("customers", email="ada@example.org")) == [ada]


def test_intents_and_charges_are_found_by_customer(core: Direct) -> None:
    customer = core.post("customers")["id"]
    mine = core.intent(customer=customer)
    core.intent()
    assert ids(core.get("payment_intents", customer=customer)) == [mine["id"]]
    assert ids(core.get("charges", customer=customer)) == [mine["latest_charge"]]
    assert ids(core.get("charges", payment_intent=mine["id"])) == [mine["latest_charge"]]


def test_ids_become_objects_along_the_asked_path(core: Direct) -> None:
    customer = core.post("customers", name="Ada")["id"]
    paid = core.intent(customer=customer)
    core.post(f"payment_intents/{paid['id']}/capture")
    core.post("refunds", payment_intent=paid["id"], amount=100)
    expand = [
        "customer",
        "payment_method",
        "latest_charge.balance_transaction",
        "latest_charge.refunds.data.balance_transaction",
    ]
    shown = core.get(f"payment_intents/{paid['id']}", expand=expand)
    assert shown["customer"]["name"] == "Ada"
    assert shown["payment_method"]["card"]["last4"] == "4242"
    assert shown["latest_charge"]["balance_transaction"]["amount"] == 1000
    refund = shown["latest_charge"]["refunds"]["data"][0]
    assert refund["balance_transaction"]["amount"] == -100
    page = core.get("payment_intents", expand=["data.latest_charge", "data.customer"])
    assert page["data"][0]["latest_charge"]["captured"] is True
    assert page["data"][0]["customer"]["id"] == customer


def test_refunds_of_a_charge_are_left_out_unless_asked_for(core: Direct) -> None:
    assert "refunds" not in core.get(f"charges/{core.paid()['latest_charge']}")


@pytest.mark.parametrize(
    "path",
    ["colour", "amount", "latest_charge.colour", "latest_charge.payment_method", "data.customer",
     "latest_charge.payment_intent.latest_charge.balance_transaction.source"],
)  # fmt: skip
def test_a_path_that_does_not_open_is_refused(core: Direct, path: str) -> None:
    hold = core.intent()
    answer = core.ask("GET", f"payment_intents/{hold['id']}", {"expand": [path]})
    assert answer.status == 400
    before = len(core.get("payment_intents")["data"])
    core.refused("payment_intents", amount=1000, currency="usd", expand=[path])
    assert len(core.get("payment_intents")["data"]) == before


def test_an_empty_id_asks_for_the_collection(core: Direct) -> None:
    assert core.get("payment_intents/")["object"] == "list"


def test_a_test_card_becomes_a_stored_payment_method(core: Direct) -> None:
    method = core.get("payment_methods/pm_card_amex")
    assert method["id"] != "pm_card_amex"
    assert core.get(f"payment_methods/{method['id']}") == method
    assert method["card"]["brand"] == "amex"
    hold = core.intent(method["id"])
    assert hold["payment_method"] == method["id"]
