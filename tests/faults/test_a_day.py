"""A simulated day: everyone who signs up comes to the end they are meant to, on the same day (G2).

Outcomes only; how long it takes is the benchmark's to say (`python -m benchmarks.day`).
"""

from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import day, day_census
from benchmarks.day_people import KINDS
from usher.bootstrap.observe import logger

SEED = 20261121


def test_sixty_people_of_every_kind_come_to_the_end_they_are_meant_to(tmp_path: Path) -> None:
    """Cards, trials, banks, reviews, links, declines: nobody is lost, nothing is left over or doubled."""
    level = logger.log_level
    logger.setLevel("CRITICAL")
    try:
        found = day.run(tmp_path, 60, seed=SEED, schedules=False, patience=120.0)
    finally:
        logger.setLevel(level)
    assert Counter(person.name for person in found.people).keys() == KINDS.keys()
    assert (found.troubles, found.missed) == ([], []), f"seed {SEED}"
    assert found.ends == Counter(person.kind.wants for person in found.people)
    assert (found.orphans, found.doubles) == ([], []), f"seed {SEED}"
    answered = [person for person in found.people if person.kind.act and person.kind.wants == "active"]
    assert sum(len(took) for name, took in found.seconds.items() if name != "sign-up") == len(answered)


def test_the_census_of_a_day_finds_an_orphan_and_a_double_of_any_kind() -> None:
    customer = {"id": "cus_1", "metadata": {"account_id": "acc_1"}}
    charge = {"id": "ch_1", "customer": "cus_1", "status": "succeeded", "amount": 5, "amount_refunded": 0}
    mail = {"id": "1", "Metadata": {"mail_id": "welcome/su_1"}}
    row = {"signup_id": "su_1", "status": "active", "customer_id": "cus_1", "identity_id": "usr_1"}
    told = {"type": "onboarding.completed", "account_id": "acc_1"}
    kept: dict[str, list[dict[str, Any]]] = {"signups": [row], "events": [told]}
    held: dict[str, dict[str, list[dict[str, Any]]]] = {
        "stripe": {"customer": [customer], "charge": [charge]},
        "product": {"identity": [{"id": "usr_1", "account_id": "acc_1"}]},
        "hubspot": {},
        "postmark": {"message": [mail]},
    }
    assert (day_census.orphans(held, kept), day_census.doubles(held, kept)) == ([], [])
    held["stripe"]["customer"].append({**customer, "id": "cus_2"})
    held["stripe"]["checkout.session"] = [{"id": "cs_1", "status": "open"}]
    held["product"]["api_key"] = [{"id": "key_1", "tenant_id": "ten_gone"}]
    assert day_census.orphans(held, kept) == [
        "stripe customer cus_2",
        "product api_key key_1",
        "stripe page cs_1",
    ]
    held["stripe"]["charge"].append({**charge, "id": "ch_2"})
    held["postmark"]["message"].append({**mail, "id": "2"})
    kept["events"].append(told)
    assert day_census.doubles(held, kept) == [
        "stripe customer of acc_1",
        "stripe charge of cus_1",
        "mail welcome/su_1",
        "event onboarding.completed of acc_1",
    ]
