"""Scenario 30: kill -9 of `usher up` and its vendors with hundreds of sign-ups in flight, at time-scale 1."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.signed_posts import Signed, post
from tests.faults.server import Server
from tests.faults.sign_ups import signed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data")
    server.start()
    yield server
    server.stop()


def crowd(server: Server, people: int) -> list[Signed]:
    secret = server.env["USHER_SIGNUP_SECRET"]
    return [signed(f"person{number}", secret=secret) for number in range(people)]


def take_in(server: Server, people: int) -> None:
    outcome = post(server.env["USHER_URL"], crowd(server, people), connections=8)
    assert outcome.statuses == {202: people}


def finish(server: Server, people: int, *, since: float) -> None:
    """Wait until all are done, say how long that took, and count everything everywhere."""
    server.wait_for(people, "welcomed")
    print(f"recovered: {people} sign-ups finished {time.monotonic() - since:.1f} s after the restart began")
    server.wait_told()
    server.census().active(people=people)


def test_300_sign_ups_survive_a_kill_in_their_midst(server: Server) -> None:
    take_in(server, 300)
    server.wait_for(40, "activated", "in_crm", "welcomed")
    server.kill()
    left = 300 - server.at_stage("welcomed")
    print(f"killed with {left} of 300 in flight")
    assert left > 50  # intake is several times faster than the rest
    began = time.monotonic()
    server.start()
    finish(server, 300, since=began)


@pytest.mark.long
def test_120_sign_ups_survive_two_kills(server: Server) -> None:
    take_in(server, 120)
    for done in (20, 60):
        server.wait_for(done, "activated", "in_crm", "welcomed")
        server.kill()
        assert server.at_stage("welcomed") < 120
        began = time.monotonic()
        server.start()
    finish(server, 120, since=began)
