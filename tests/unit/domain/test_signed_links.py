"""Signed links: only we can make one, and one says what it is for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usher.domain.signed_links import sign, subject_of

SUBJECT = "confirmation#su_abc#1"


@given(st.text(), st.text())
def test_a_link_says_what_it_was_made_for(subject: str, secret: str) -> None:
    assert subject_of(sign(subject, secret), [secret]) == subject


def test_another_secret_made_none_of_ours() -> None:
    assert subject_of(sign(SUBJECT, "theirs"), ["ours", "our former one"]) is None


def test_a_link_made_before_a_rotation_still_works() -> None:
    assert subject_of(sign(SUBJECT, "former"), ["current", "former"]) == SUBJECT


def test_a_token_is_fit_for_a_url() -> None:
    assert set(sign(SUBJECT, "s")) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@pytest.mark.parametrize("position", range(0, 40, 7))
def test_a_changed_character_is_noticed(position: int) -> None:
    token = sign(SUBJECT, "s")
    other = "A" if token[position] != "A" else "B"
    assert subject_of(token[:position] + other + token[position + 1 :], ["s"]) is None


@given(st.text())
def test_any_text_is_answered_without_an_error(token: str) -> None:
    assert subject_of(token, ["s"]) is None
