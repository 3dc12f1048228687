"""JSON Schemas of our models as they are stored and published: what is None is left out there."""

from typing import Any

from pydantic import BaseModel


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON Schema, its parts in place, its fields in their order.

    A field that may be None is not required and never null; readers take fields that are added later.
    """
    made = model.model_json_schema(mode="serialization")
    parts = made.pop("$defs", {})
    placed: dict[str, Any] = _placed(made, parts)
    return placed


def _placed(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_placed(each, parts) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _placed(parts[node["$ref"].rpartition("/")[2]], parts)
    left_out = {"title", "default", "additionalProperties"} if "properties" in node else {"title", "default"}
    placed = {name: _placed(held, parts) for name, held in node.items() if name not in left_out}
    if "properties" in node:  # a field may be called as one of the words left out above
        fields = node["properties"]
        placed["properties"] = {name: _some(_placed(field, parts)) for name, field in fields.items()}
        required = [name for name in node.get("required", ()) if not _may_be_none(fields[name])]
        placed["required"] = required
    return placed


def _may_be_none(field: dict[str, Any]) -> bool:
    return {"type": "null"} in field.get("anyOf", ())


def _some(field: dict[str, Any]) -> dict[str, Any]:
    """The field's schema without the choice of being null."""
    choices = [choice for choice in field.get("anyOf", ()) if choice != {"type": "null"}]
    if not choices:
        return field
    rest = {name: held for name, held in field.items() if name != "anyOf"}
    return rest | (choices[0] if len(choices) == 1 else {"anyOf": choices})
