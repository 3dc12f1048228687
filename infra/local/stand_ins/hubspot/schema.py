"""Object types and their properties: HubSpot's own, and those an account adds."""

import re
from typing import Any

from infra.local.stand_ins.hubspot.errors import PORTAL, error
from infra.local.stand_ins.stand_in import Refusal
from infra.local.stand_ins.state import State

STAGES: tuple[str, ...] = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
_TEXTS = {
    "contacts": ("email", "firstname", "lastname", "phone", "company", "website", "jobtitle"),
    "companies": ("name", "domain", "phone", "website", "city", "country", "industry"),
}
_TYPE_IDS = {"contacts": "0-1", "companies": "0-2"}
_NAMES = {
    "contact": "contacts",
    "0-1": "contacts",
    "company": "companies",
    "0-2": "companies",
    "contacts": "contacts",
    "companies": "companies",
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def _property(name: str, type: str, values: tuple[str, ...] = (), *, unique: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "label": name,
        "type": type,
        "fieldType": "select" if values else "number" if type == "number" else "text",
        "description": "",
        "groupName": "information",
        "options": [{"label": value, "value": value, "hidden": False} for value in values],
        "hasUniqueValue": unique,
        "hubspotDefined": True,
    }


BUILT_IN = {
    kind: {name: _property(name, "string", unique=name == "email") for name in names}
    | {"lifecyclestage": _property("lifecyclestage", "enumeration", STAGES)}
    | {"numberofemployees": _property("numberofemployees", "number")}
    for kind, names in _TEXTS.items()
}


class Schema:
    """Reads and changes what types and properties there are. Kinds: schema, property, property_group."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._cache: dict[str, dict[str, Any]] = {}

    def kind(self, object_type: str) -> str:
        """The kind objects of a type are kept under; raises Refusal for an unknown type.

        A custom type goes by its id, `p_<name>`, `p<portal>_<name>` or `<name>`.
        """
        name = _NAMES.get(object_type.lower())
        if name:
            return name
        name = re.sub(rf"^p({PORTAL})?_", "", object_type)
        found = self._state.get("schema", name) or self._state.find("schema", object_type)
        if found is None:
            message = f"Unable to infer object type from: {object_type}"
            raise Refusal(error(400, "VALIDATION_ERROR", message))
        return str(found["name"])

    def type_id(self, kind: str) -> str:
        """HubSpot's id of a type."""
        schema = None if kind in _TYPE_IDS else self._state.get("schema", kind)
        return _TYPE_IDS.get(kind) or (str(schema["objectTypeId"]) if schema else kind)

    def properties(self, kind: str) -> dict[str, Any]:
        """The properties of a kind by name."""
        if kind not in self._cache:
            own = self._state.page("property", owner=kind, oldest_first=True)
            self._cache[kind] = BUILT_IN.get(kind, {}) | {p["name"]: shown(p) for p in own}
        return self._cache[kind]

    def unique(self, kind: str) -> str | None:
        """The name of the kind's unique property."""
        return next((name for name, p in self.properties(kind).items() if p.get("hasUniqueValue")), None)

    def add_property(self, kind: str, wanted: dict[str, Any], now: int) -> dict[str, Any]:
        """Add a property; raises Refusal when there is one, or a second unique one."""
        self._cache.clear()
        if wanted["name"] in self.properties(kind):
            message = f"A property named '{wanted['name']}' already exists."
            raise Refusal(error(409, "OBJECT_ALREADY_EXISTS", message))
        if wanted.get("hasUniqueValue") and self.unique(kind):
            message = "The stand-in supports one unique property per object type."
            raise Refusal(error(400, "VALIDATION_ERROR", message))
        defaults = {"description": "", "groupName": "information", "options": [], "hasUniqueValue": False}
        value = (
            defaults | wanted | {"id": f"{kind}/{wanted['name']}", "created": now, "hubspotDefined": False}
        )
        self._state.put("property", value, owner=kind)
        self._cache.clear()
        return shown(value)

    def forget(self) -> None:
        """Read properties anew: a transaction was undone, or everything was cleared."""
        self._cache.clear()

    def fault(self, kind: str, properties: dict[str, str]) -> tuple[str, str] | None:
        """(code, message) of the first value that the kind's properties do not allow."""
        known = self.properties(kind)
        for name, value in properties.items():
            definition = known.get(name)
            if definition is None:
                return "PROPERTY_DOESNT_EXIST", f"Property '{name}' does not exist"
            if value == "":
                continue
            if name == "email" and kind == "contacts" and not _EMAIL.fullmatch(value):
                return "INVALID_EMAIL", f"Email address {value} is invalid"
            if definition["type"] == "number" and not _NUMBER.fullmatch(value):
                return "INVALID_INTEGER", f"{value} was not a valid number."
            options = [option["value"] for option in definition["options"]]
            if definition["type"] == "enumeration" and value not in options:
                return "INVALID_OPTION", f"{value} was not one of the allowed options: {options}"
        return None


def shown(value: dict[str, Any]) -> dict[str, Any]:
    """A stored object without the stand-in's own fields."""
    return {name: item for name, item in value.items() if name not in ("id", "created")}


def forward(properties: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    """`wanted` without a lifecycle stage that lies behind the one held: HubSpot keeps the later stage."""
    held, stage = properties.get("lifecyclestage"), wanted.get("lifecyclestage")
    if held and stage and STAGES.index(stage) < STAGES.index(held):
        return {name: value for name, value in wanted.items() if name != "lifecyclestage"}
    return wanted
