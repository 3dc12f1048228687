"""A payment link as support sells it and a customer pays it, and what is held of it everywhere."""

from typing import Any

from functions.billing.close_link_payment import handler as close_link_payment
from tests.faults import world as worlds
from tests.faults.world import World
from usher.ports.store import Item

PHONE = "+85251234567"


def sell(world: World, phone: str = PHONE, **what: Any) -> dict[str, Any]:
    """A new link for this phone: 500 credits unless `what` says otherwise."""
    if not what.keys() & {"plan", "credits"}:
        what["credits"] = 500
    status, answer = world.call("POST", "/v1/onboardings", {"phone": phone, **what})
    assert status == 201, answer
    return dict(answer)


def pay(world: World, link: dict[str, Any], **typed: Any) -> list[dict[str, Any]]:
    """The customer pays at the page, as often as `times` says; returns what the page answered."""
    order = {"link": link["url"], "email": "payer@example.com", **typed}
    results: list[dict[str, Any]] = world.vendors.control("stripe", "POST", "pay", order)["results"]
    return results


def wait_stage(world: World, link: dict[str, Any], stage: str) -> dict[str, Any]:
    """How the onboarding stands once it has reached this stage."""

    def reached() -> bool:
        now = world.status(link["signup_id"])
        return stage in (now["stage"], *now["stages"])

    assert worlds.eventually(reached), world.status(link["signup_id"])
    return world.status(link["signup_id"])


def quiet(world: World) -> None:
    """Wait until nothing is under way between Stripe and us; the day until the check goes on."""

    def still() -> bool:
        # The API's own row may have lost its end in a crash: that is the sweeper's, which does not run here.
        rows = [row for row in world.rows("inbox") if row["source"] == "stripe"]
        pending = [row for row in rows if row["state"] == "claimed"]
        return world.vendors.owed_webhooks() == 0 and not pending and not world.rows("outbox")

    assert worlds.eventually(still), [row for row in world.rows("inbox") if row["state"] != "done"]


def held(world: World, vendor: str, kind: str) -> list[dict[str, Any]]:
    return world.vendors.objects()[vendor].get(kind, [])


def mails(world: World, tag: str) -> list[dict[str, Any]]:
    return [mail for mail in held(world, "postmark", "message") if mail["Tag"] == tag]


def told(world: World, link: dict[str, Any], kind: str) -> list[Item]:
    """Our events of this type about this onboarding, in order."""
    rows = [row for row in world.rows("events") if row["type"] == kind]
    mine = [row for row in rows if row["payload"]["signup_id"] == link["signup_id"]]
    return [row["payload"] for row in sorted(mine, key=lambda row: int(row["sequence"]))]


def record(world: World, link: dict[str, Any]) -> Item:
    return next(row for row in world.rows("signups") if row["signup_id"] == link["signup_id"])


def command(link: dict[str, Any]) -> dict[str, Any]:
    """What the workflow hands to a step."""
    ids = {name: link[name] for name in ("signup_id", "correlation_id")}
    return {**ids, "retry_count": 0, "entered_at": "2026-11-21T12:00:00Z"}


def close_now(link: dict[str, Any]) -> str:
    """What the workflow does when the deadline has passed; returns where it would go."""
    return str(close_link_payment(command(link), None)["outcome"])
