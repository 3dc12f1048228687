"""Charges, to read and annotate."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route


class Charges(Resource):
    """`/v1/charges`, to read and annotate; charges are made by payment intents."""

    def routes(self) -> dict[str, Route]:
        return {
            "GET /v1/charges": route(self.list_all, PAGE, "customer", "payment_intent"),
            "GET /v1/charges/search": route(self.find, "query", "limit", "page"),
            "GET /v1/charges/{id}": route(self.retrieve),
            "POST /v1/charges/{id}": route(self.update, "metadata", "description"),
        }

    def list_all(self, params: dict[str, Any]) -> Object:
        owner, label = params.get("customer"), params.get("payment_intent")
        return self.listing("charge", params, "/v1/charges", owner=owner, label=label)

    def find(self, params: dict[str, Any]) -> Object:
        return self.search("charge", params, "/v1/charges/search")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("charge", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        charge = self.account.need("charge", id)
        changes: dict[str, Any] = {"metadata": merge_metadata(charge["metadata"], params.get("metadata"))}
        if "description" in params:
            changes["description"] = params["description"] or None
        return self.account.update(charge, changes, "charge.updated")
