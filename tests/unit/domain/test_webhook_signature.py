"""Standard Webhooks signatures, made by the specification's own library and checked by ours."""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from usher.domain.webhook_signature import TOLERANCE_SECONDS, is_genuine

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OLD, NEW, RETIRED = (
    "whsec_" + base64.b64encode(key).decode() for key in (b"old key", b"new key, longer", b"retired")
)
BODY = '{"name": "Ada Lovelace, née Byron"}'.encode()
STAMP = str(int(NOON.timestamp()))


def signed(secret: str, *, body: bytes = BODY, at: datetime = NOON, webhook_id: str = "msg_1") -> str:
    return Webhook(secret).sign(webhook_id, at, body.decode())


def accepts(
    signature: str,
    *,
    body: bytes = BODY,
    wall: datetime = NOON,
    timestamp: str = STAMP,
    webhook_id: str = "msg_1",
    secrets: tuple[str, ...] = (NEW, OLD),
) -> bool:
    return is_genuine(
        body, webhook_id=webhook_id, timestamp=timestamp, signature=signature, secrets=secrets, wall=wall
    )


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_both_active_secrets_are_accepted(secret: str) -> None:
    assert accepts(signed(secret))


def test_a_retired_secret_is_not() -> None:
    assert not accepts(signed(RETIRED))


def test_a_secret_may_lack_its_prefix_and_its_padding() -> None:
    bare = NEW.removeprefix("whsec_").rstrip("=")
    assert accepts(signed(NEW), secrets=(bare,))


def test_one_good_signature_among_others_is_enough() -> None:
    assert accepts(f"junk v1 v1, v1a,abc {signed(RETIRED)} {signed(NEW)}")


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY + b" "},
        {"body": BODY.replace(b": ", b":")},
        {"webhook_id": "msg_2"},
        {"timestamp": str(int(STAMP) + 1)},
        {"secrets": ()},
    ],
)
def test_anything_but_what_was_signed_is_refused(changed: dict[str, object]) -> None:
    assert not accepts(signed(NEW), **changed)


@pytest.mark.parametrize("scheme", ["v2,", "v1a,", "V1,", "", "v1=", " v1,,"])
def test_another_scheme_is_refused(scheme: str) -> None:
    assert not accepts(signed(NEW).replace("v1,", scheme))


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_five_minutes_either_way_are_tolerated(seconds: int) -> None:
    assert accepts(signed(NEW), wall=NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1, 86400, -86400])
def test_old_and_future_timestamps_are_refused(seconds: int) -> None:
    assert not accepts(signed(NEW), wall=NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "timestamp", ["", "now", "1e9", "-1", "nan", "inf", f"{STAMP}.0", "9" * 400, "¹²³", f" {STAMP}"]
)
def test_a_timestamp_is_whole_seconds(timestamp: str) -> None:
    assert not accepts(signed(NEW), timestamp=timestamp)


def test_bytes_that_are_no_text_can_be_signed_and_changed_ones_are_told_apart() -> None:
    """Whether a body is UTF-8 is not the signature's question."""
    body = b"\xff\xfe"
    mac = hmac.digest(b"new key, longer", f"msg_1.{STAMP}.".encode() + body, "sha256")
    signature = "v1," + base64.b64encode(mac).decode()
    assert accepts(signature, body=body)
    assert not accepts(signature, body=b"\xff\xfd")


ANYTHING = st.text(st.characters(), max_size=60)  # lone surrogates included


@given(webhook_id=st.text(max_size=20), timestamp=ANYTHING | st.just(STAMP), signature=ANYTHING)
def test_law_junk_headers_are_refused_and_never_raise(
    webhook_id: str, timestamp: str, signature: str
) -> None:
    assert not accepts(signature, webhook_id=webhook_id, timestamp=timestamp)
    assert not accepts(f"v1,{signature}", webhook_id=webhook_id, timestamp=timestamp)


@given(st.text(max_size=50), st.text(min_size=1, max_size=20))
def test_law_what_the_specification_s_library_signs_is_genuine(text: str, webhook_id: str) -> None:
    signature = signed(NEW, body=text.encode(), webhook_id=webhook_id)
    assert accepts(signature, body=text.encode(), webhook_id=webhook_id)


def test_every_single_changed_character_of_the_signature_matters() -> None:
    good = signed(NEW)
    for position in range(3, len(good) - 2):
        bad = good[:position] + ("A" if good[position] != "A" else "B") + good[position + 1 :]
        assert not accepts(bad)
