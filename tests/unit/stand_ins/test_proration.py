"""Shares of a billing period, and what was billed is given back once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import create
from infra.local.stand_ins.stripe.billed_time import Billed, BilledTime
from infra.local.stand_ins.stripe.proration import share

AMOUNTS = st.integers(0, 10**9)
LENGTHS = st.integers(1, 366 * 86_400)


@given(AMOUNTS, LENGTHS, st.data())
def test_the_two_parts_of_a_period_make_its_price_but_for_a_cent(
    amount: int, length: int, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, length))
    later, earlier = share(amount, 0, length, cut), share(amount, 0, length, length - cut)
    assert abs(later + earlier - amount) <= 1
    assert 0 <= later <= amount


@given(AMOUNTS, LENGTHS, st.data())
def test_less_time_never_costs_more(amount: int, length: int, data: st.DataObject) -> None:
    first, second = sorted(data.draw(st.tuples(*[st.integers(-10, length + 10)] * 2)))
    assert share(amount, 0, length, first) >= share(amount, 0, length, second)


@pytest.mark.parametrize(
    ("amount", "moment", "part"), [(1000, 0, 1000), (1000, 30, 0), (1, 15, 1), (3, 15, 2), (1000, 99, 0)]
)
def test_a_share_is_rounded_half_up_and_never_leaves_the_period(amount: int, moment: int, part: int) -> None:
    assert share(amount, 0, 30, moment) == part


@pytest.mark.parametrize(("amount", "end"), [(-1, 30), (1, 0)])
def test_nothing_is_shared_out_of_less_than_nothing(amount: int, end: int) -> None:
    with pytest.raises(ValueError, match="cannot be shared out"):
        share(amount, 0, end, 0)


@given(
    st.lists(st.tuples(AMOUNTS, st.integers(0, 99), st.integers(1, 50)), max_size=4),
    st.lists(st.integers(0, 160), max_size=6),
)
def test_no_more_is_given_back_than_was_billed(
    charges: list[tuple[int, int, int]], moments: list[int]
) -> None:
    stand_in = create("stripe", None, Config(check_contract=False))
    billed = BilledTime(stand_in.account)
    for number, (amount, start, length) in enumerate(sorted(charges, key=lambda each: each[1])):
        billed.charge("si_1", Billed(amount, start, start + length, f"il_{number}", "in_1", 1, "Plan"))
    given_back = [credit for moment in moments for credit in billed.credit("si_1", moment)]
    assert sum(credit.amount for credit in given_back) <= sum(amount for amount, _, _ in charges)
    assert billed.credit("si_1", max(moments, default=0)) == [] or not moments
    stand_in.state.close()
