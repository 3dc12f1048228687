"""Payment links in memory, and the desk that follows them over a world's fakes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.world import World
from usher.domain.payment_links import Offer
from usher.ports.links import LinkCheckout, LinkSnapshot
from usher.records.link_onboardings import LinkOnboardings
from usher.records.waits import Waits
from usher.usecases.link_payment import LinkDesk
from usher.usecases.link_returns import LinkReturns


@dataclass
class RecordingLinks:
    """Links by the key they were made with; `visits` are their checkouts; `marked` customers by id."""

    made: dict[str, LinkSnapshot] = field(default_factory=dict)
    visits: dict[str, list[LinkCheckout]] = field(default_factory=dict)
    opened_by: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    marked: dict[str, dict[str, str]] = field(default_factory=dict)

    def create(self, offer: Offer, *, idempotency_key: str, **told: Any) -> LinkSnapshot:
        id = f"plink_{len(self.made) + 1}"
        made = LinkSnapshot(link_id=id, url=f"https://pay.example/{id}", active=True)
        return self.made.setdefault(idempotency_key, made)

    def find(self, signup_id: str) -> LinkSnapshot | None:
        return next((link for key, link in self.made.items() if signup_id in key), None)

    def close(self, link_id: str) -> None:
        self.closed.add(link_id)

    def checkouts(self, link_id: str) -> list[LinkCheckout]:
        return self.visits.get(link_id, [])

    def signup_of(self, checkout_id: str) -> str | None:
        return self.opened_by.get(checkout_id)

    def mark_customer(self, customer_id: str, *, metadata: Mapping[str, str], idempotency_key: str) -> None:
        self.marked[customer_id] = dict(metadata)


def desk_of(world: World, links: RecordingLinks, closer: Any = None) -> LinkDesk:
    """The desk over the world's records and the vendor's fakes; without a `closer` nothing can go back."""
    onboardings = LinkOnboardings(world.store)
    parts: dict[str, Any] = {
        "billing": world.billing,
        "records": world.records,
        "onboardings": onboardings,
        "log": world.log,
        "clock": world.clock,
    }
    return LinkDesk(
        links=links,
        returns=LinkReturns(closer=closer, **parts),
        accounts=world.accounts,
        waits=Waits(world.store),
        workflows=world.workflows,
        **parts,
    )
