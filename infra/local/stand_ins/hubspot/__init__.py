"""HubSpot's CRM on one machine: contacts, companies, custom objects, their properties and associations."""

import hmac
from pathlib import Path
from typing import Any

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.faults import Fault
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.hubspot import contract
from infra.local.stand_ins.hubspot.errors import PORTAL, error, item_error
from infra.local.stand_ins.hubspot.objects import Objects, batch_answer, inputs_of, moment
from infra.local.stand_ins.hubspot.schema import Schema, shown
from infra.local.stand_ins.stand_in import Handler, Refusal, StandIn
from infra.local.stand_ins.state import State

_PROPERTIES = "/crm/v3/properties/{objectType}"
_SCHEMAS = "/crm-object-schemas/v3/schemas"
_ASSOCIATIONS = "/crm/v4/associations/{fromObjectType}/{toObjectType}/batch"


class HubSpot(StandIn):
    """Kinds: contacts, companies, custom types by name, association, property, property_group, schema."""

    def routes(self) -> dict[str, Handler]:
        self.schema = Schema(self.state)
        multi_status = bool(self.config.options.get("multi_status", True))
        objects = Objects(self.state, self.schema, self.clock, multi_status=multi_status)
        return {
            **objects.routes(),
            f"POST {_ASSOCIATIONS}/associate/default": self.associate,
            f"POST {_ASSOCIATIONS}/read": self.read_associations,
            f"GET {_PROPERTIES}": self.list_properties,
            f"POST {_PROPERTIES}": self.create_property,
            f"POST {_PROPERTIES}/batch/create": self.create_properties,
            f"GET {_PROPERTIES}/groups": self.list_groups,
            f"POST {_PROPERTIES}/groups": self.create_group,
            f"GET {_SCHEMAS}": self.list_schemas,
            f"POST {_SCHEMAS}": self.create_schema,
            f"GET {_SCHEMAS}/{{objectType}}": self.get_schema,
        }

    def control_routes(self) -> dict[str, Handler]:
        return {"DELETE /_control/objects": self.clear}

    # -- hooks -----------------------------------------------------------------------------------

    def authenticate(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        wanted = self.config.api_key
        if not token or (wanted is not None and not hmac.compare_digest(token.encode(), wanted.encode())):
            raise Refusal(error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found."))

    def limit(self, request: Request) -> None:
        options = self.config.options
        rules = [("all", int(options.get("requests_per_10_seconds", 190)), 10.0)]
        if request.path.endswith("/search"):
            rules.append(("search", int(options.get("searches_per_second", 4)), 1.0))
        exhausted = self.limits.admit(rules)
        if exhausted:
            policy = "SECONDLY" if exhausted[0] == "search" else "TEN_SECONDLY_ROLLING"
            raise Refusal(_rate_limited(policy))

    def check_request(self, request: Request) -> None:
        if not request.body:
            return
        try:
            contract.check_body(request.operation, request.json())
        except ValueError:
            raise Refusal(error(400, "VALIDATION_ERROR", "Invalid input JSON")) from None
        except contract.ContractBreach as breach:
            raise Refusal(error(400, "VALIDATION_ERROR", f"Invalid input JSON: {breach}")) from None

    def check_answer(self, request: Request, answer: Answer) -> None:
        if answer.body and answer.status < 300:
            contract.check_answer(request.operation, answer.status, answer.json())

    def not_found(self, request: Request) -> Answer:
        return error(404, "OBJECT_NOT_FOUND", "resource not found")

    def rejected(self, request: Request) -> Answer:
        return error(400, "VALIDATION_ERROR", "a property is not valid")

    def too_many_requests(self, request: Request) -> Answer:
        return _rate_limited("TEN_SECONDLY_ROLLING")

    def server_error(self, request: Request) -> Answer:
        return error(500, "INTERNAL_ERROR", "internal error")

    def perform(self, request: Request, handler: Handler, fault: Fault | None) -> Answer:
        try:
            return super().perform(request, handler, fault)
        except Refusal:
            self.schema.forget()
            raise

    def clear(self, _: Request) -> Any:
        """Forget everything, the schema included."""
        self.state.clear()
        self.schema.forget()
        return {"objects": {}}

    # -- associations ----------------------------------------------------------------------------

    def associate(self, request: Request) -> Answer:
        """The default association of pairs; it counts both ways and repeating it changes nothing."""
        one, other = self._ends(request)
        results, errors = [], []
        for entry in inputs_of(request):
            ids = (entry["from"]["id"], entry["to"]["id"])
            gone = [id for kind, id in zip((one, other), ids, strict=True) if not self.state.get(kind, id)]
            if gone:
                errors.append(item_error("OBJECT_NOT_FOUND", "No record", {"ids": gone}))
                continue
            first, second = sorted((f"{one}/{ids[0]}", f"{other}/{ids[1]}"))
            name = f"{first}--{second}"
            if self.state.get("association", name) is None:
                value = {"id": name, "created": int(self.clock.now()), "between": [first, second]}
                self.state.put("association", value, owner=first, label=second)
            spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}
            for start, end in (ids, ids[::-1]):
                results.append({"from": {"id": start}, "to": {"id": end}, "associationSpec": spec})
        answer = batch_answer(self.clock, results, errors)
        answer.status = 200  # this endpoint answers 200 with errors beside the results
        return answer

    def read_associations(self, request: Request) -> Answer:
        one, other = self._ends(request)
        results, errors = [], []
        for entry in inputs_of(request):
            name = f"{one}/{entry['id']}"
            pairs = [
                *self.state.page("association", owner=name),
                *self.state.page("association", label=name),
            ]
            ends = [end for pair in pairs for end in pair["between"] if end != name]
            ids = [end.partition("/")[2] for end in ends if end.startswith(f"{other}/")]
            if not ids:
                errors.append(item_error("OBJECT_NOT_FOUND", "No associations", {"ids": [entry["id"]]}))
                continue
            types = [{"category": "HUBSPOT_DEFINED", "typeId": 1, "label": None}]
            to = [{"toObjectId": id, "associationTypes": types} for id in sorted(ids)]
            results.append({"from": {"id": entry["id"]}, "to": to})
        return batch_answer(self.clock, results, errors)

    def _ends(self, request: Request) -> tuple[str, str]:
        names = (request.path_params["fromObjectType"], request.path_params["toObjectType"])
        return self.schema.kind(names[0]), self.schema.kind(names[1])

    # -- properties and schemas ------------------------------------------------------------------

    def list_properties(self, request: Request) -> Any:
        kind = self.schema.kind(request.path_params["objectType"])
        return {"results": list(self.schema.properties(kind).values())}

    def create_property(self, request: Request) -> Answer:
        return Answer.of(self._add_property(request, request.json()), 201)

    def create_properties(self, request: Request) -> Answer:
        made = [self._add_property(request, wanted) for wanted in inputs_of(request)]
        answer = batch_answer(self.clock, made, [])
        answer.status = 201
        return answer

    def _add_property(self, request: Request, wanted: dict[str, Any]) -> dict[str, Any]:
        kind = self.schema.kind(request.path_params["objectType"])
        if not self.state.get("property_group", f"{kind}/{wanted['groupName']}"):
            message = f"Property group {wanted['groupName']} does not exist"
            raise Refusal(error(400, "VALIDATION_ERROR", message))
        return self.schema.add_property(kind, wanted, int(self.clock.now()))

    def list_groups(self, request: Request) -> Any:
        kind = self.schema.kind(request.path_params["objectType"])
        return {"results": [shown(group) for group in self.state.page("property_group", owner=kind)]}

    def create_group(self, request: Request) -> Answer:
        kind, wanted = self.schema.kind(request.path_params["objectType"]), request.json()
        id = f"{kind}/{wanted['name']}"
        if self.state.get("property_group", id):
            raise Refusal(error(409, "OBJECT_ALREADY_EXISTS", "The property group already exists"))
        group = {"displayOrder": -1, "archived": False} | wanted
        self.state.put("property_group", group | {"id": id, "created": int(self.clock.now())}, owner=kind)
        return Answer.of(group, 201)

    def list_schemas(self, request: Request) -> Any:
        return {"results": [self._shown_schema(value) for value in self.state.page("schema")]}

    def get_schema(self, request: Request) -> Any:
        return self._shown_schema(
            self.state.get("schema", self.schema.kind(request.path_params["objectType"]))
        )

    def create_schema(self, request: Request) -> Answer:
        wanted, now = request.json(), self.clock.now()
        name = wanted["name"]
        if self.state.get("schema", name):
            raise Refusal(error(409, "OBJECT_ALREADY_EXISTS", f"Object type {name} already exists"))
        type_id = f"2-{10_000_001 + len(self.state.page('schema'))}"
        value = {k: v for k, v in wanted.items() if k not in ("properties", "associatedObjects")} | {
            "id": name,
            "created": int(now),
            "objectTypeId": type_id,
            "fullyQualifiedName": f"p{PORTAL}_{name}",
            "createdAt": moment(now),
            "associations": [
                {"id": f"{name}_to_{other}", "fromObjectTypeId": type_id, "toObjectTypeId": other}
                for other in wanted["associatedObjects"]
            ],
        }
        self.state.put("schema", value, label=type_id)
        for definition in wanted["properties"]:
            self.schema.add_property(name, definition, int(now))
        return Answer.of(self._shown_schema(value), 201)

    def _shown_schema(self, value: dict[str, Any] | None) -> dict[str, Any]:
        assert value is not None
        properties = list(self.schema.properties(value["name"]).values())
        return shown(value) | {"id": value["objectTypeId"], "properties": properties}


def _rate_limited(policy: str) -> Answer:
    message = f"You have reached your {policy.lower()} limit."
    return error(429, "RATE_LIMITS", message, errorType="RATE_LIMIT", policyName=policy)


def create(state: State, config: Config, data_dir: Path | None) -> HubSpot:
    """Options: requests_per_10_seconds (190), searches_per_second (4), multi_status (true)."""
    return HubSpot(state, config, data_dir)
