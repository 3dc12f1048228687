"""The plan catalog and what an account sells: every difference is found, made once, and then is none."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import policy_files
from usher.domain.plans import PlanCatalog
from usher.domain.vendor_catalog import ORDER, Change, Entry, difference, wanted

TODAY = date(2026, 11, 21)
FILE: dict[str, Any] = {
    "currency": "usd",
    "metrics": {"calls": {"name": "Calls", "unit": "call"}},
    "products": {"pro": {"name": "Pro", "features": ["All of it"]}},
    "plans": {
        "pro-monthly": {
            "name": "Pro, monthly",
            "product": "pro",
            "amount_minor": 4900,
            "currencies": {"eur": 4500},
            "metered": {"calls": {"amount_minor": 50, "per": 1000, "currencies": {"eur": 45}}},
        },
        "beta": {"name": "Beta", "amount_minor": 0, "billed": False},
    },
    "promos": {
        "SUMMER": {"amount_off_minor": 500, "months": 3, "plans": ["pro-monthly"], "last_day": "2026-11-21"},
        "WINTER": {"percent_off": 10, "last_day": "2026-11-20"},
    },
}


def entries(today: date = TODAY, **changes: Any) -> list[Entry]:
    return wanted(PlanCatalog.model_validate(FILE | changes), today)


def made(changes: list[Change], held: list[Entry]) -> list[Entry]:
    """What an account holds after these changes, as the vendor would have it."""
    there = list(held)
    for change in changes:
        for former in change.retires:
            there[there.index(former)] = replace(former, active=False)
        if change.wanted and change.revives:
            new = replace(change.wanted, id=change.revives.id)
            there[there.index(change.revives)] = new
        elif change.wanted:
            there.append(replace(change.wanted, id=f"id_{len(there)}"))
    return there


def by_key(found: list[Entry]) -> dict[str, Entry]:
    return {entry.key: entry for entry in found}


def test_each_price_is_wanted_in_each_currency_under_a_key_of_its_own() -> None:
    prices = {entry.key: entry.terms["amount"] for entry in entries() if entry.kind == "price"}
    assert prices == {
        "pro-monthly": "4900",
        "pro-monthly.eur": "4500",
        "pro-monthly:calls": "0.05",
        "pro-monthly:calls.eur": "0.045",
    }


def test_what_is_not_billed_is_not_sold_at_the_vendor_s() -> None:
    assert [entry.key for entry in entries() if entry.kind == "product"] == ["pro"]


def test_a_promotion_is_wanted_until_its_last_day_is_over() -> None:
    assert [entry.key for entry in entries() if entry.kind == "promo"] == ["SUMMER"]
    assert by_key(entries())["SUMMER"].terms["currency"] == "usd"
    assert [entry.key for entry in entries(date(2026, 11, 22)) if entry.kind == "promo"] == []


def test_things_are_made_before_what_names_them_and_archived_after_it() -> None:
    changes = difference(entries(), [])
    assert {change.action for change in changes} == {"create"}
    assert [ORDER.index(change.kind) for change in changes] == sorted(ORDER.index(c.kind) for c in changes)
    gone = difference([], made(changes, []))
    assert [change.kind for change in gone] == ["promo", *["price"] * 4, "product", "meter"]


def test_another_amount_retires_the_former_price_and_going_back_revives_it() -> None:
    held = made(difference(entries(), []), [])
    dearer = {"pro-monthly": FILE["plans"]["pro-monthly"] | {"amount_minor": 5900}}
    (change,) = difference(entries(plans=dearer), held)
    assert (change.action, change.key, change.fields) == (
        "change",
        "pro-monthly",
        {"amount": ("4900", "5900")},
    )
    held = made([change], held)
    (back,) = difference(entries(), held)
    assert back.revives is not None and back.revives.terms["amount"] == "4900"
    assert [each.terms["amount"] for each in back.retires] == ["5900"]
    assert difference(entries(), made([back], held)) == []


def test_other_words_change_the_thing_itself() -> None:
    held = made(difference(entries(), []), [])
    (change,) = difference(
        entries(products={"pro": {"name": "Professional", "features": ["All of it"]}}), held
    )
    assert (change.action, change.retires, change.fields) == ("change", (), {"name": ("Pro", "Professional")})


def test_a_code_that_was_used_up_is_not_given_out_again() -> None:
    held = made(difference(entries(), []), [])
    used = [replace(entry, active=False, spent=True) if entry.kind == "promo" else entry for entry in held]
    assert difference(entries(), used) == []


def test_what_an_interrupted_change_left_behind_is_archived() -> None:
    held = made(difference(entries(), []), [])
    price = by_key(held)["pro-monthly"]
    former = replace(
        price, id="price_former", terms={**price.terms, "amount": "3900"}, words={"lookup_key": None}
    )
    (change,) = difference(entries(), [former, *held])
    assert (change.action, change.retires) == ("archive", (former,))


TERMS = st.sampled_from(["4900", "5900", "6900"])
THING = st.builds(
    lambda key, amount, name, active, number: Entry(
        "price", key, {"amount": amount}, {"name": name}, id=f"price_{number}", active=active
    ),
    st.sampled_from("abc"),
    TERMS,
    st.sampled_from("xy"),
    st.booleans(),
    st.integers(0, 10**9),
)


@given(
    st.lists(THING, max_size=6, unique_by=lambda entry: entry.id),
    st.lists(THING, max_size=3, unique_by=lambda entry: entry.key),
    st.integers(0, 6),
)
def test_law_whatever_is_held_and_wherever_it_stops_the_end_is_what_is_wanted(
    held: list[Entry], wants: list[Entry], stop: int
) -> None:
    wants = [replace(entry, id="", active=True) for entry in wants]
    held = made(difference(wants, held)[:stop], held)  # interrupted
    held = made(difference(wants, held), held)
    assert difference(wants, held) == []
    active = [(entry.key, entry.terms, entry.words) for entry in held if entry.active]
    assert sorted(active, key=str) == sorted(((e.key, e.terms, e.words) for e in wants), key=str)


def test_the_file_in_force_can_be_sold() -> None:
    catalog = PlanCatalog.model_validate(policy_files.load("plans"))
    assert {entry.kind for entry in wanted(catalog, TODAY)} == set(ORDER)


@pytest.mark.parametrize("amount", ["4900", "0.05"])
def test_amounts_are_compared_as_the_vendor_writes_them(amount: str) -> None:
    assert amount in {entry.terms.get("amount") for entry in entries()}
