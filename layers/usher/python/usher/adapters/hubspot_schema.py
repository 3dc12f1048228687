"""What policies/crm.yaml asks for in HubSpot (properties, a custom object), and the set-up for it."""

from typing import Any, Literal

from hubspot.crm.properties.exceptions import ApiException as PropertiesException
from hubspot.crm.schemas.exceptions import ApiException as SchemasException
from pydantic import BaseModel, ConfigDict, Field, model_validator

from usher.adapters.hubspot_calls import HubSpotCalls, client, close
from usher.adapters.vendor_errors import ApiKey
from usher.domain.errors import Conflict

_FIELD_TYPES = {"string": "text", "number": "number", "enumeration": "select", "bool": "booleancheckbox"}


class _Part(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="forbid")


class Property(_Part):
    """One property of an object type."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")
    label: str = Field(min_length=1)
    type: Literal["string", "number", "enumeration", "bool"]
    unique: bool = False
    description: str = ""
    options: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _options_fit(self) -> "Property":
        if (self.type == "enumeration") != bool(self.options):
            raise ValueError("options: an enumeration has some and no other type has any")
        return self

    def as_json(self, group: str | None) -> dict[str, Any]:
        """The property as HubSpot takes it."""
        options = [{"label": value, "value": value, "hidden": False} for value in self.options]
        value = {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": _FIELD_TYPES[self.type],
            "description": self.description,
            "hasUniqueValue": self.unique,
        }
        if options:
            value["options"] = options
        return value | ({"groupName": group} if group else {})


class Group(_Part):
    """The group under which HubSpot's pages show the properties."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")
    label: str


class CustomObject(_Part):
    """The subscription object."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")
    singular: str
    plural: str
    shown_by: str
    properties: tuple[Property, ...]

    @model_validator(mode="after")
    def _shown_by_is_there(self) -> "CustomObject":
        if self.shown_by not in {each.name for each in self.properties}:
            raise ValueError("shown_by: names no property of this object")
        return self

    def as_json(self) -> dict[str, Any]:
        """The object type as HubSpot takes it."""
        return {
            "name": self.name,
            "labels": {"singular": self.singular, "plural": self.plural},
            "primaryDisplayProperty": self.shown_by,
            "requiredProperties": [self.shown_by],
            "associatedObjects": ["CONTACT", "COMPANY"],
            "properties": [each.as_json(None) for each in self.properties],
        }


class CrmSchema(_Part):
    """policies/crm.yaml."""

    group: Group
    contacts: tuple[Property, ...]
    companies: tuple[Property, ...]
    subscription: CustomObject

    @property
    def subscription_type(self) -> str:
        """How the custom object is addressed in the API."""
        return f"p_{self.subscription.name}"


def ensure_schema(schema: CrmSchema, *, api_base: str, api_key: ApiKey, timeout: float = 10.0) -> list[str]:
    """Create what is missing in HubSpot; returns the names of what was created, [] when all was there.

    Raises VendorUnavailable or VendorRejected; Conflict when a property is there with another type.
    """
    crm = client(api_base=api_base, connections=1).crm
    setup = _SetUp(crm, HubSpotCalls(api_key=api_key, timeout=timeout, errors=_ERRORS), schema.group)
    try:
        setup.ensure_object(schema.subscription, schema.subscription_type)
        setup.ensure_properties("contacts", schema.contacts)
        setup.ensure_properties("companies", schema.companies)
    finally:
        setup.close()
    return setup.created


_ERRORS = (PropertiesException, SchemasException)


class _SetUp:
    def __init__(self, crm: Any, calls: HubSpotCalls, group: Group) -> None:
        self._schemas = crm.schemas.core_api
        self._properties, self._batch = crm.properties.core_api, crm.properties.batch_api
        self._groups = crm.properties.groups_api
        self._calls, self._group = calls, group
        self.created: list[str] = []

    def close(self) -> None:
        close(self._schemas, self._properties, self._batch, self._groups)

    def ensure_object(self, wanted: CustomObject, object_type: str) -> None:
        present = self._calls.call("list schemas", self._schemas.get_all, writes=False)["results"]
        if any(each["name"] == wanted.name for each in present):
            self.ensure_properties(object_type, wanted.properties)
            return
        self._calls.call("create schema", self._schemas.create, wanted.as_json())
        self.created.append(wanted.name)

    def ensure_properties(self, object_type: str, wanted: tuple[Property, ...]) -> None:
        found = self._calls.call("list properties", self._properties.get_all, object_type, writes=False)
        present = {each["name"]: each for each in found["results"]}
        for each in wanted:
            held = present.get(each.name)
            if held and (held["type"], bool(held.get("hasUniqueValue"))) != (each.type, each.unique):
                raise Conflict(
                    f"HubSpot's property {each.name} of {object_type} has a type ({held['type']}) or "
                    "uniqueness other than policies/crm.yaml asks for: rename one of the two"
                )
        missing = [each for each in wanted if each.name not in present]
        if not missing:
            return
        self._ensure_group(object_type)
        inputs = [each.as_json(self._group.name) for each in missing]
        self._calls.call("create properties", self._batch.create, object_type, {"inputs": inputs})
        self.created += [f"{object_type}.{each.name}" for each in missing]

    def _ensure_group(self, object_type: str) -> None:
        found = self._calls.call("list groups", self._groups.get_all, object_type, writes=False)
        if all(each["name"] != self._group.name for each in found["results"]):
            group = {"name": self._group.name, "label": self._group.label, "displayOrder": -1}
            self._calls.call("create group", self._groups.create, object_type, group)
