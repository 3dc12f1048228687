"""What the resources share: routes with the parameters they honour, lists, searches, expansion."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, kind_of
from infra.local.stand_ins.stripe.errors import invalid, missing

Handler = Callable[..., Any]
PAGE = frozenset({"limit", "starting_after", "ending_before", "created"})
_OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
MAX_EXPANSION = 4
PAID_BY = ("payment_intent", "payment_record", "charge")  # an invoice payment names one of them


@dataclass(frozen=True, slots=True)
class Route:
    """A handler `(params, *path values)` and what it honours; any other is refused, never ignored."""

    handler: Handler
    honours: frozenset[str]


def route(handler: Handler, *names: str | Iterable[str]) -> Route:
    """A `Route`; every call honours `expand`."""
    honoured = {"expand"}
    for name in names:
        honoured |= {name} if isinstance(name, str) else set(name)
    return Route(handler, frozenset(honoured))


def refuse_others(given: dict[str, Any], names: Iterable[str], param: str) -> None:
    """Raise a 400 for the first field of the nested parameter `param` that the stand-in does not honour."""
    if unknown := given.keys() - set(names):
        name = f"{param}[{min(unknown)}]"
        raise invalid(f"The stand-in does not implement the parameter {name} here.", param=name)


class Resource:
    """A family of operations on one account."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def routes(self) -> dict[str, Route]:
        """Routes by operation."""
        raise NotImplementedError

    def listing(
        self,
        kind: str,
        params: dict[str, Any],
        url: str,
        *,
        owner: str | None = None,
        label: str | None = None,
        where: Callable[[Object], bool] | None = None,
    ) -> Object:
        """One page, newest first, as a list object; `where` filters what no index knows."""
        limit = params.get("limit", 10)
        if not 1 <= limit <= 100:
            raise invalid("This value must be between 1 and 100 (inclusive).", param="limit")
        after, before = params.get("starting_after"), params.get("ending_before")
        if after and before:
            raise invalid("Received both ending_before and starting_after; please pass in only one")
        for name, cursor in (("starting_after", after), ("ending_before", before)):
            if cursor:
                self.account.need(kind, cursor, param=name)
        created = _bounds(params.get("created"))
        batch = max(101, limit + 1) if where else limit + 1
        found: list[Object] = []
        while len(found) <= limit:
            part = self.account.state.page(
                kind,
                owner=owner,
                label=label,
                created=created,
                after=after,
                before=before,
                limit=batch,
            )
            kept = [value for value in part if where is None or where(value)]
            found = kept + found if before else found + kept
            if len(part) < batch:
                break
            after, before = (None, part[0]["id"]) if before else (part[-1]["id"], None)
        has_more = len(found) > limit
        data = found[-limit:] if params.get("ending_before") else found[:limit]
        return {"object": "list", "data": data, "has_more": has_more, "url": url}

    def search(self, kind: str, params: dict[str, Any], url: str) -> Object:
        """`field:'value'` terms joined by AND, on metadata and plain fields."""
        terms = _search_terms(params["query"])
        limit = params.get("limit", 10)
        matches = [v for v in self.account.state.page(kind) if not v.get("deleted") and _matches(v, terms)]
        start = int(params.get("page") or 0)
        data, more = matches[start : start + limit], len(matches) > start + limit
        next_page = str(start + limit) if more else None
        return {"object": "search_result", "data": data, "has_more": more, "next_page": next_page, "url": url}


FIRST = 10
"""So many of what hangs on an object come with it; the rest are pages (docs.stripe.com/api/pagination)."""


def within(held: list[Object], params: dict[str, Any], url: str) -> Object:
    """One page of what hangs on an object, in its order, as a list object."""
    limit, after = params.get("limit", FIRST), params.get("starting_after")
    ids = [each["id"] for each in held]
    if after and after not in ids:
        raise missing("item", after, param="starting_after", status=400)
    rest = held[ids.index(after) + 1 :] if after else held
    return {"object": "list", "data": rest[:limit], "has_more": len(rest) > limit, "url": url}


def with_first_lines(value: Any) -> Any:
    """What is answered, each invoice in it with its first lines only."""
    if not isinstance(value, dict):
        return value
    kind = value.get("object")
    if kind == "list":
        return value | {"data": [with_first_lines(each) for each in value["data"]]}
    if kind == "invoice" and len(value["lines"]["data"]) > FIRST:
        return value | {"lines": within(value["lines"]["data"], {}, value["lines"]["url"])}
    for name in ("latest_invoice", "invoice"):
        if isinstance(value.get(name), dict):
            value = value | {name: with_first_lines(value[name])}
    return value


def _bounds(created: Any) -> dict[str, int] | None:
    if created is None:
        return None
    if isinstance(created, int):
        return {"=": created}
    return {_OPERATORS[name]: bound for name, bound in created.items()}


_TERM = re.compile(r"""^-?(\w+(?:\[["']\w[^"']*["']\])?)\s*([:~])\s*["']([^"']*)["']$""")


def _search_terms(query: str) -> list[tuple[str, str, str]]:
    terms = []
    for part in re.split(r"\s+AND\s+", query.strip(), flags=re.IGNORECASE):
        found = _TERM.match(part)
        if found is None:
            raise invalid(f"We were unable to parse your search query: {query}", param="query")
        terms.append((found[1], found[2], found[3]))
    return terms


def _matches(value: Object, terms: list[tuple[str, str, str]]) -> bool:
    for name, operator, wanted in terms:
        head, _, key = name.partition("[")
        held: Any = value.get(head)
        if key:
            held = (held or {}).get(key.strip("]\"'"))
        text = "" if held is None else str(held).lower()
        if (wanted.lower() not in text) if operator == "~" else (wanted.lower() != text):
            return False
    return True


class Expansion:
    """Replaces ids by objects where `expand` asks for it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def apply(self, value: Object, paths: list[str]) -> Object:
        """`value` with every path expanded; raises 400 for a path that leads nowhere."""
        for path in paths:
            steps = path.split(".")
            if len(steps) > MAX_EXPANSION:
                raise invalid(
                    f"You cannot expand more than {MAX_EXPANSION} levels of a property. Property: {path}"
                )
            self._expand(value, steps, path)
        return value

    def _expand(self, value: Any, steps: list[str], path: str) -> None:
        if isinstance(value, list):
            for item in value:
                self._expand(item, steps, path)
            return
        if not isinstance(value, dict):
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        name, rest = steps[0], steps[1:]
        if name not in value or value[name] is None:
            made = self._includable(value, name)
            if name in PAID_BY and value.get("type") in PAID_BY:
                return  # it is paid by something else
            if made is _UNKNOWN and name not in value:
                raise invalid(f"This property cannot be expanded ({path}).", param="expand")
            if made is not _UNKNOWN:
                value[name] = made
        held = value[name]
        if isinstance(held, str):
            held = value[name] = self._object(held, path, "coupon" if name == "coupon" else kind_of(held))
        elif isinstance(held, list):
            held = value[name] = [
                self._object(item, path, kind_of(item)) if isinstance(item, str) else item for item in held
            ]
        if rest and held is not None:
            self._expand(held, rest, path)

    def _object(self, id: str, path: str, kind: str | None) -> Object:
        found = self._account.find(kind, id) if kind else None
        if found is None:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        return found

    def _includable(self, value: Object, name: str) -> Any:
        """Fields that Stripe leaves out unless asked for."""
        state, kind = self._account.state, value.get("object")
        if kind == "invoice" and name in ("payments", "confirmation_secret"):
            payments = state.page("invoice_payment", owner=value["id"])
            if name == "payments":
                return _included(payments, f"/v1/invoice_payments?invoice={value['id']}")
            intents = [
                self._account.find("payment_intent", p["payment"].get("payment_intent")) for p in payments
            ]
            secrets = [intent["client_secret"] for intent in intents if intent]
            return {"client_secret": secrets[0], "type": "payment_intent"} if secrets else None
        if kind == "invoice" and name == "amount_paid_off_stripe":
            payments = state.page("invoice_payment", owner=value["id"])
            return sum(p["amount_paid"] or 0 for p in payments if p["payment"]["type"] == "payment_record")
        if kind == "customer" and name == "subscriptions":
            held = [s for s in state.page("subscription", owner=value["id"]) if not s["ended_at"]]
            return _included(held, f"/v1/customers/{value['id']}/subscriptions")
        if kind == "charge" and name == "refunds":
            held = [r for r in state.page("refund", owner=value["customer"]) if r["charge"] == value["id"]]
            return _included(held, f"/v1/charges/{value['id']}/refunds")
        if kind in ("checkout.session", "payment_link") and name == "line_items":
            items = state.page("item", owner=value["id"], oldest_first=True)
            path = "checkout/sessions" if kind == "checkout.session" else "payment_links"
            return _included(items, f"/v1/{path}/{value['id']}/line_items")
        return _UNKNOWN


_UNKNOWN = object()


def _included(data: list[Object], url: str) -> Object:
    return {"object": "list", "data": data[:FIRST], "has_more": len(data) > FIRST, "url": url}
