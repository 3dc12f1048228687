"""JSON from strangers: what is accepted, and that everything else is a Problem and nothing worse."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usher.domain.problems import Problem
from usher.domain.strict_json import MAX_DEPTH, parse


def refused(body: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        parse(body)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'"text"', b"0", b"-1.5e3", b"null", b" true ", b'{"a":{"a":1}}']
)
def test_json_is_read_as_json(body: bytes) -> None:
    assert parse(body) == json.loads(body)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_python_s_own_numbers_are_not_json(word: str) -> None:
    assert word in refused(f'{{"a": {word}}}'.encode()).detail


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400 + ".0"])
def test_a_number_that_becomes_infinite_is_refused(number: str) -> None:
    refused(f'{{"a": {number}}}'.encode())


def test_an_integer_of_five_thousand_digits_is_refused() -> None:
    refused(b'{"a": ' + b"9" * 5000 + b"}")


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded(opening: str, closing: str) -> None:
    deepest = opening * MAX_DEPTH + "1" + closing * MAX_DEPTH
    parse(deepest.encode())
    assert str(MAX_DEPTH) in refused(f"[{deepest}]".encode()).detail
    refused((opening * 100_000).encode())


def test_brackets_inside_texts_do_not_nest() -> None:
    text = '[{"' * 5000 + "\\"
    assert parse(json.dumps([text, text]).encode()) == [text, text]


def test_wide_is_not_deep() -> None:
    body = json.dumps([[[]] for _ in range(1000)]).encode()
    assert len(parse(body)) == 1000


@pytest.mark.parametrize("tail", [b'"\\"', b'"', b'\\"', b'"a'])
def test_a_quarter_megabyte_of_open_quotes_is_refused_in_a_moment(tail: bytes) -> None:
    """A scan that began anew at each quote would take hours here; the suite's timeout would end it."""
    refused(b'"' + tail * (250_000 // len(tail)) + b"[" * 40 + b"\\")


@pytest.mark.parametrize("body", [b'{"a":1,"a":1}', b'[{"b":{"a":1,"\\u0061":2}}]'])
def test_a_key_that_comes_twice_is_refused(body: bytes) -> None:
    assert "twice" in refused(body).detail


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a": "\u0000"}',
        rb'{"\u0000": 1}',
        rb'["\ud800"]',
        rb'["\udc00\ud800"]',
        rb'{"a": {"\udfff": []}}',
        b'["\x00"]',
        b"\x00",
    ],
)
def test_nul_and_half_a_surrogate_pair_are_refused(body: bytes) -> None:
    refused(body)


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse(rb'"\ud83d\ude80"') == "\U0001f680"


@pytest.mark.parametrize(
    "body", [b"\xff", b'"\xc3\x28"', b'"\xed\xa0\x80"', b'"\xc0\x80"', '"é"'.encode("latin-1")]
)
def test_what_is_not_utf_8_is_refused_with_its_place(body: bytes) -> None:
    assert "UTF-8" in refused(body).detail


@pytest.mark.parametrize(
    "body", [b"", b" ", b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"{", b"{}{}", b"[1,]", b"{'a':1}", b"\x1b"]
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    refused(body)


def test_a_complaint_never_quotes_the_body() -> None:
    for body in (
        b'{"canary": NaN}',
        b'{"canary":1,"canary":2}',
        b'"canary',
        b'"canary\xff"',
        rb'"canary\u0000"',
    ):
        problem = refused(body)
        assert "canary" not in problem.detail + problem.title


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_law_any_bytes_are_a_value_or_a_problem(body: bytes) -> None:
    try:
        value = parse(body)
    except Problem as problem:
        assert problem.status == 400
    else:
        assert value == json.loads(body)


JSONISH = st.text(alphabet='{}[]",:\\u0d8e19.-+NaInfty truefalsn\x00\ufeff', max_size=80)


@given(JSONISH)
@settings(max_examples=500)
def test_law_what_looks_like_json_is_a_value_or_a_problem(text: str) -> None:
    try:
        parse(text.encode())
    except Problem as problem:
        assert problem.status == 400


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_law_what_json_writes_is_read_back(value: object) -> None:
    text = json.dumps(value)
    if "\\u0000" not in text:
        assert parse(text.encode()) == value
