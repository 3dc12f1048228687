"""GET /v1/onboardings: who is on the way in, found by phone, e-mail, name or stage."""

from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from usher.domain.payment_links import STAGES
from usher.ports.store import Item
from usher.records.listing import Listing, Wanted
from usher.records.signups import PAYMENT_LINK, stage_attribute
from usher.usecases.fields import Email, Paged, Phone, Text
from usher.usecases.pages import page, reading_a_page


def _plus(value: Any) -> Any:
    """A bare plus in a query string means a space; in front of a phone number it was meant as a plus."""
    return "+" + value[1:] if isinstance(value, str) and value.startswith(" ") else value


class OnboardingQuery(Paged):
    """Of several wishes all must fit. `name` is how the name begins, in any case."""

    phone: Annotated[Phone, BeforeValidator(_plus)] | None = None
    email: Email | None = None
    name: Text | None = None
    stage: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = None


def list_onboardings(query: OnboardingQuery, *, listing: Listing) -> dict[str, Any]:
    """`items`, newest first (by name in its order), and `next_cursor`.

    A page may hold fewer than asked for and still go on. Raises Problem 400 for a cursor of another list.
    """
    wanted = Wanted(phone=query.phone, email=query.email, name=query.name, stage=query.stage)
    with reading_a_page():
        items, cursor = listing.page(wanted, limit=query.limit, cursor=query.cursor)
    return page([_shown(item) for item in items], cursor)


_SHOWN = ("signup_id", "name", "email", "phone", "plan", "status", "stage", "received_at", "active_at")

_SHOWN_OF_LINKS = ("team_id", "team_name", "deadline", "offer", "check")


def _shown(item: Item) -> dict[str, Any]:
    shown: dict[str, Any] = {name: item[name] for name in _SHOWN if name in item}
    shown["kind"] = item.get("kind", "signup")
    if shown["kind"] == PAYMENT_LINK:
        shown |= {name: item[name] for name in _SHOWN_OF_LINKS if name in item}
        shown["stages"] = {stage: item[name] for stage in STAGES if (name := stage_attribute(stage)) in item}
    if waiting := item.get("waiting"):
        shown["waiting"] = {name: waiting[name] for name in ("kind", "since", "deadline", "reasons")}
    if failure := item.get("failure"):
        shown["failure"] = failure
    return shown
