"""Catalog drift: what is said of a catalog at the vendor that is not the file's."""

from dataclasses import replace

from tests.fakes.world import World
from usher.domain.vendor_catalog import Entry, Held, wanted
from usher.usecases.catalog_drift import catalog_drift


class Shelf:
    """Sells what it is given."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries

    def held(self) -> Held:
        return Held(self.entries)


def entries(world: World) -> list[Entry]:
    return wanted(world.plans, world.clock.now().date())


def drift(world: World, held: list[Entry]) -> str | None:
    return catalog_drift(shelf=Shelf(held), plans=world.plans, clock=world.clock)


def test_what_is_sold_as_the_file_says_is_no_drift(world: World) -> None:
    assert drift(world, entries(world)) is None


def test_promotions_and_meters_are_not_what_price_events_are_about(world: World) -> None:
    assert drift(world, [each for each in entries(world) if each.kind in {"price", "product"}]) is None


def test_another_amount_something_missing_and_something_more_are_each_told(world: World) -> None:
    held = entries(world)
    n = next(i for i, each in enumerate(held) if each.key == "pro-monthly")
    held[n] = replace(held[n], terms={**held[n].terms, "amount": "5900"})
    said = drift(world, held)
    assert said and "price pro-monthly: amount is '5900' there, '4900' in the file" in said
    del held[n]
    assert "price pro-monthly is not sold there" in str(drift(world, held))
    held = [*entries(world), Entry("product", "old", {}, {"name": "Old"}, id="usher_old")]
    assert "product old is sold there and is not in the file" in str(drift(world, held))


def test_many_differences_are_told_in_short(world: World) -> None:
    assert " more " in str(drift(world, []))
