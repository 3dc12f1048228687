"""People are invited to an account by mail, and accept with one click (item 3 of the onboarding)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import world as worlds
from tests.faults.world import World
from usher.ports.store import Update

BOB = {"email": "bob@example.com", "name": "Bob Example", "role": "admin"}


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    with worlds.opened(tmp_path, skipping=False) as world:
        yield world


@pytest.fixture
def account_id(patient: World) -> str:
    found = patient.wait_status(patient.sign_up(), "active")
    patient.settle()
    return str(found["account_id"])


def invite(world: World, account_id: str, role: str = "product", **values: Any) -> tuple[int, Any]:
    return world.call("POST", f"/v1/accounts/{account_id}/users", {**BOB, **values}, role=role)


def links(world: World, to: str = "bob@example.com") -> list[str]:
    """The paths of the links that were mailed to somebody, in the order they went out."""
    world.settle()
    held = world.vendors.objects()["postmark"]["message"]
    mails = [mail for mail in held if mail["Tag"] == "user-invitation" and mail["To"][0]["Email"] == to]
    texts = [mail["TextBody"] for mail in mails]
    return [found.group() for text in texts if (found := re.search(r"/v1/user-invitations/[\w.-]+", text))]


def user(world: World) -> dict[str, Any]:
    (found,) = [row for row in world.rows("users") if row["email"] == BOB["email"]]
    return dict(found)


def test_an_invited_person_gets_a_mail_and_is_in_after_one_click(patient: World, account_id: str) -> None:
    status, answer = invite(patient, account_id)
    assert (status, answer["status"], answer["role"]) == (201, "invited", "admin")
    (path,) = links(patient)
    status, page = patient.call("GET", path)
    assert (status, "Join ada Works" in page) == (200, True)
    assert user(patient)["status"] == "invited"  # looking changes nothing: mail scanners do
    status, page = patient.call("POST", path)
    assert (status, "You have joined ada Works." in page) == (200, True)
    assert user(patient)["status"] == "accepted"
    assert [patient.call(method, path)[0] for method in ("GET", "POST")] == [410, 410]
    told = [row["type"] for row in patient.rows("events") if row["type"].startswith("user.")]
    assert told == ["user.invited", "user.accepted"]
    acts = [(row["action"], row["role"]) for row in patient.rows("audit")]
    assert acts == [("users.invite", "product")]


def test_an_expired_link_is_410_and_a_new_invitation_ends_the_old_one(
    patient: World, account_id: str
) -> None:
    invite(patient, account_id)
    (first,) = links(patient)
    key = {"user_id": user(patient)["user_id"]}
    patient.usher.store.write(Update("users", key, set={"expires_at": "2026-01-01T00:00:00.000Z"}))
    status, page = patient.call("POST", first)
    assert (status, "This link has expired" in page) == (410, True)
    assert invite(patient, account_id)[0] == 201
    _, second = links(patient)
    assert patient.call("POST", first)[0] == 410
    assert user(patient)["status"] == "invited"
    assert patient.call("POST", second)[0] == 200


def test_who_is_in_already_is_not_invited(patient: World, account_id: str) -> None:
    assert invite(patient, account_id, email="ADA@example.com")[0] == 409
    invite(patient, account_id)
    patient.call("POST", links(patient)[0])
    status, problem = invite(patient, account_id)
    assert (status, problem["detail"]) == (409, "this address belongs to the account already")


def test_two_people_are_invited_apart(patient: World, account_id: str) -> None:
    invite(patient, account_id)
    invite(patient, account_id, email="eve@example.com", name="Eve")
    (bob,), (eve,) = links(patient), links(patient, "eve@example.com")
    assert patient.call("POST", eve)[0] == 200
    assert (user(patient)["status"], bob == eve) == ("invited", False)


def test_who_may_not_invite_and_whom_nobody_can(patient: World, account_id: str) -> None:
    assert invite(patient, account_id, role="viewer")[0] == 403
    assert invite(patient, "acc_nobody")[0] == 404
    status, problem = invite(patient, account_id, email="nobody", role="support")
    assert (status, [each["field"] for each in problem["errors"]]) == (400, ["email"])
    assert patient.call("GET", "/v1/user-invitations/made.up")[0] == 404


def test_a_confirmation_s_token_lets_nobody_in(patient: World, account_id: str) -> None:
    invite(patient, account_id)
    (path,) = links(patient)
    token = path.rpartition("/")[2]
    assert patient.call("POST", f"/v1/confirmations/{token}")[0] == 404
    assert patient.call("POST", f"/v1/offers/{token}")[0] == 404
