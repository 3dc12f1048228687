"""Events and webhook endpoints as the API shows them."""

from fnmatch import fnmatchcase
from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata, new_id
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

_ENDPOINT = ("url", "enabled_events", "description", "metadata")


class EventLog(Resource):
    """`/v1/events`."""

    def routes(self) -> dict[str, Route]:
        return {
            "GET /v1/events": route(self.list_all, PAGE, "type", "types", "delivery_success"),
            "GET /v1/events/{id}": route(self.retrieve),
        }

    def list_all(self, params: dict[str, Any]) -> Object:
        if "type" in params and "types" in params:
            raise invalid("You may pass either type or types, but not both.", param="type")
        types, delivered = params.get("types"), params.get("delivery_success")
        type = params.get("type", "*")
        owed = self.account.events.undelivered()

        def wanted(event: Object) -> bool:
            if (types and event["type"] not in types) or not fnmatchcase(event["type"], type):
                return False
            return delivered is None or (owed[event["id"]] == 0) == delivered

        page = self.listing("event", params, "/v1/events", where=wanted)
        page["data"] = [event | {"pending_webhooks": owed[event["id"]]} for event in page["data"]]
        return page

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("event", id) | {"pending_webhooks": self.account.events.undelivered()[id]}


class WebhookEndpoints(Resource):
    """`/v1/webhook_endpoints`; the one of the configuration is not listed."""

    def routes(self) -> dict[str, Route]:
        path = "/v1/webhook_endpoints"
        return {
            f"POST {path}": route(self.create, _ENDPOINT, "api_version"),
            f"GET {path}": route(self.list_all, PAGE),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, _ENDPOINT, "disabled"),
            f"DELETE {path}/{{id}}": route(self.delete),
        }

    def create(self, params: dict[str, Any]) -> Object:
        endpoint = {
            "id": new_id("webhook_endpoint"),
            "object": "webhook_endpoint",
            "api_version": params.get("api_version"),
            "application": None,
            "created": self.account.now(),
            "description": params.get("description"),
            "enabled_events": params["enabled_events"],
            "livemode": False,
            "metadata": merge_metadata({}, params.get("metadata")),
            "secret": "whsec_" + new_id("line_item")[4:] + new_id("customer")[4:],
            "status": "enabled",
            "url": params["url"],
        }
        self.account.save(endpoint)
        self.account.events.endpoints_changed()
        return endpoint

    def list_all(self, params: dict[str, Any]) -> Object:
        page = self.listing("webhook_endpoint", params, "/v1/webhook_endpoints")
        page["data"] = [_without_secret(endpoint) for endpoint in page["data"]]
        return page

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return _without_secret(self.account.need("webhook_endpoint", id))

    def update(self, params: dict[str, Any], id: str) -> Object:
        endpoint = self.account.need("webhook_endpoint", id)
        changes: dict[str, Any] = {
            name: params[name] for name in ("url", "enabled_events", "description") if name in params
        }
        if "metadata" in params:
            changes["metadata"] = merge_metadata(endpoint["metadata"], params["metadata"])
        if "disabled" in params:
            changes["status"] = "disabled" if params["disabled"] else "enabled"
        self.account.update(endpoint, changes, None)
        self.account.events.endpoints_changed()
        return _without_secret(endpoint)

    def delete(self, params: dict[str, Any], id: str) -> Object:
        self.account.need("webhook_endpoint", id)
        self.account.state.delete("webhook_endpoint", id)
        self.account.events.endpoints_changed()
        return {"id": id, "object": "webhook_endpoint", "deleted": True}


def _without_secret(endpoint: Object) -> Object:
    """The secret is shown once, when the endpoint is made."""
    return {name: value for name, value in endpoint.items() if name != "secret"}
