"""Which open invoices a transfer may be for: the order of the suggestions, and what is none."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from usher.domain.payment_matching import MOST, candidates, remaining_minor


def invoice(id: str, due: int = 2900, /, **more: Any) -> dict[str, Any]:
    usual = {"invoice_id": id, "status": "open", "currency": "usd", "amount_due_minor": due}
    return usual | {"amount_paid_minor": 0} | more


def ids(invoices: list[dict[str, Any]], **more: Any) -> list[str]:
    wanted = {"amount_minor": 2900, "currency": "usd", "reference": "thanks", **more}
    return [each.invoice_id for each in candidates(invoices, **wanted)]


def test_a_number_in_the_reference_goes_before_an_amount_that_fits() -> None:
    rows = [invoice("in_1", 100), invoice("in_2"), invoice("in_3", 100, number="4F2A-0007")]
    assert ids(rows, reference="Inv. 4f2a 0007, thanks") == ["in_3", "in_2", "in_1"]


def test_what_is_paid_in_another_currency_or_not_open_is_none() -> None:
    rows = [
        invoice("in_1", status="paid"),
        invoice("in_2", currency="eur"),
        invoice("in_3", amount_paid_minor=2900),
        invoice("in_4", status="uncollectible"),
        invoice("in_5", status="draft"),
    ]
    assert ids(rows) == ["in_4"]


def test_what_is_left_counts_and_not_what_was_due() -> None:
    assert remaining_minor(invoice("in_1", 2900, amount_paid_minor=900)) == 2000
    assert remaining_minor(invoice("in_1", 2900, amount_remaining_minor=700)) == 700
    rows = [invoice("in_1"), invoice("in_2", 5000, amount_paid_minor=2100)]
    assert [each.because for each in candidates(rows, amount_minor=2900, currency="usd", reference="")] == [
        ("amount",),
        ("amount",),
    ]


@given(st.lists(st.integers(min_value=0, max_value=5), max_size=20))
def test_suggestions_are_open_invoices_once_each_and_never_too_many(owed: list[int]) -> None:
    rows = [invoice(f"in_{index}", amount) for index, amount in enumerate(owed)]
    found = ids(rows, amount_minor=3)
    assert len(found) == len(set(found)) == min(MOST, sum(amount > 0 for amount in owed))
    fits = [id for id in found if owed[int(id[3:])] == 3]
    assert found[: len(fits)] == fits
