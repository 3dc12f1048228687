"""Ids, e-mail addresses and times: the small forms everything else is keyed and sorted by."""

import contextlib
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usher.domain import ids, times
from usher.domain.emails import claim_key, folded, unaliased


def test_an_id_follows_from_its_parts_alone() -> None:
    assert ids.derived("su", "msg_1") == ids.derived("su", "msg_1")
    assert ids.derived("su", "msg_1") != ids.derived("su", "msg_2")
    assert re.fullmatch(r"su_[a-z2-7]{26}", ids.derived("su", "msg_1"))


def test_parts_are_not_run_together() -> None:
    assert ids.derived("su", "a", "bc") != ids.derived("su", "ab", "c")


def test_a_sibling_shares_all_but_the_prefix() -> None:
    assert ids.sibling("acc", "su_abc_d") == "acc_abc_d"


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_law_every_id_fits_the_step_command_s_pattern(parts: list[str]) -> None:
    assert re.fullmatch(r"su_[a-z2-7]{26}", ids.derived("su", *parts))


@pytest.mark.parametrize(
    "one, other",
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("STRASSE@example.com", "straße@example.com"),
    ],
)
def test_addresses_that_differ_in_case_are_one_person(one: str, other: str) -> None:
    assert claim_key(one) == claim_key(other)


def test_another_address_is_another_person() -> None:
    assert claim_key("ada@example.com") != claim_key("ada+1@example.com")


def test_a_claim_key_shows_nothing_of_the_address() -> None:
    assert re.fullmatch(r"email#[0-9a-f]{64}", claim_key("ada@example.com"))


@pytest.mark.parametrize(
    "address, plain",
    [
        ("Ada+trial2@Example.com", "ada@example.com"),
        ("a.d.a+x+y@gmail.com", "ada@gmail.com"),
        ("a.da@googlemail.com", "ada@gmail.com"),
        ("a.da@example.com", "a.da@example.com"),
        ('"odd@local"@example.com', '"odd@local"@example.com'),
    ],
)
def test_an_unaliased_address_shows_who_signs_up_again(address: str, plain: str) -> None:
    assert unaliased(address) == plain


@given(st.emails())
def test_law_folding_and_unaliasing_are_stable(address: str) -> None:
    assert folded(folded(address)) == folded(address)
    assert unaliased(unaliased(address)) == unaliased(address)


def test_a_time_is_utc_with_milliseconds() -> None:
    berlin = timezone(timedelta(hours=2))
    assert times.text(datetime(2026, 6, 1, 12, 0, 0, 1999, tzinfo=berlin)) == "2026-06-01T10:00:00.001Z"


@pytest.mark.parametrize(
    "text", ["2026-06-01T10:00:00Z", "2026-06-01T10:00:00.000Z", "2026-06-01T12:00:00+02:00"]
)
def test_an_rfc_3339_text_is_read_as_its_moment(text: str) -> None:
    assert times.moment(text) == datetime(2026, 6, 1, 10, tzinfo=UTC)


MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, MOMENTS)
def test_law_texts_sort_as_their_moments_do(one: datetime, other: datetime) -> None:
    assert (times.text(one) <= times.text(other)) or one > other
    assert abs(times.moment(times.text(one)) - one) < timedelta(milliseconds=1)


@given(st.text(max_size=40))
def test_law_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(times.moment(text), datetime)
