"""Scenario 3: however often and however at once one person is posted, there is one of everything."""

import json

from infra.local.signed_posts import sign
from tests.faults import census
from tests.faults.sign_ups import SIGNUP_SECRET, person, signed
from tests.faults.world import World

AT_ONCE = 20


def test_one_delivery_posted_20_times_at_once_is_one_sign_up(world: World) -> None:
    outcome = world.post(*[signed("ada")] * AT_ONCE, connections=AT_ONCE)
    assert outcome.statuses == {202: AT_ONCE}
    assert len({answer["signup_id"] for answer in outcome.accepted}) == 1
    world.settle()
    census.of(world).active()
    assert len(world.executions()) == 1


def test_20_deliveries_of_one_person_at_once_are_one_sign_up(world: World) -> None:
    """Other webhook-ids, other spellings of one address: one claim. A loser may be told to come again."""
    spellings = ("ada@example.com", "Ada@Example.com", "ADA@EXAMPLE.COM", "adA@example.COM")
    requests = [
        signed("ada", webhook_id=f"msg_{number}", email=spellings[number % len(spellings)])
        for number in range(AT_ONCE)
    ]
    outcome = world.post(*requests, connections=AT_ONCE)
    assert outcome.statuses == {202: AT_ONCE}
    assert len({answer["signup_id"] for answer in outcome.accepted}) == 1
    world.settle()
    census.of(world).active()
    assert len(world.executions()) == 1


def test_a_repeat_after_all_is_done_is_answered_with_the_sign_up_that_is_there(world: World) -> None:
    first = world.sign_up()
    world.settle()
    again = world.post(signed("ada"), signed("ada", webhook_id="msg_another"))
    assert [answer["signup_id"] for answer in again.accepted] == [first, first]
    world.settle()
    census.of(world).active()


def test_one_delivery_id_with_two_bodies_is_one_sign_up_and_a_conflict(world: World) -> None:
    world.sign_up()
    other = sign(SIGNUP_SECRET, json.dumps(person("bo")).encode(), webhook_id="msg_ada")
    assert world.post(other).statuses == {409: 1}
    world.settle()
    census.of(world).active()


def test_people_at_once_who_share_a_company_each_get_their_own(world: World) -> None:
    """The wished subdomain is one; it goes to one of them, and the others get another."""
    company = {"name": "Analytical Engines", "domain": "engines.example.com", "size": 40}
    requests = [signed(f"person{number}", company=company) for number in range(6)]
    assert world.post(*requests, connections=6).statuses == {202: 6}
    world.settle()
    census.of(world).active(people=6)
