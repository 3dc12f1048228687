"""Every event Usher publishes, by its type."""

from collections.abc import Iterator

from usher.domain import (
    account_events,
    billing_events,
    change_events,
    invoice_events,
    onboarding_events,
    payment_events,
    reconciliation_events,
    usage_events,
)
from usher.domain.event import Event

MODULES = (
    account_events,
    billing_events,
    change_events,
    invoice_events,
    payment_events,
    onboarding_events,
    usage_events,
    reconciliation_events,
)


def _kinds(base: type[Event]) -> Iterator[type[Event]]:
    for kind in base.__subclasses__():
        if "type" in vars(kind):  # the bases of several have none
            yield kind
        yield from _kinds(kind)


CATALOG: dict[str, type[Event]] = {
    kind.type: kind for kind in _kinds(Event) if kind.__module__ in {module.__name__ for module in MODULES}
}
