"""GET /openapi.json: every route of the catalog as OpenAPI 3.1, with the models its handlers take."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from usher.bootstrap.policies import routes
from usher.domain.access import RouteAccess
from usher.usecases.fields import Nothing
from usher.usecases.signup_request import SignupEvent
from usher.usecases.usage_request import UsageBody


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route of the operator API takes and answers."""

    input: type[BaseModel]
    answers: type[BaseModel] | None
    status: int


_SCHEMAS = "#/components/schemas/"
_ELSEWHERE = {  # routes of functions of their own; what they take is done once by ids of its own
    "POST /webhooks/signup": Operation(SignupEvent, None, 202),
    "POST /v1/usage": Operation(UsageBody, None, 202),
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457; `errors` names each bad field.",
    "required": ["type", "title", "status", "detail", "correlation_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "correlation_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 255},
    "description": "The same key with the same request is answered as before, for a day.",
}


def description(operations: Mapping[str, Operation]) -> dict[str, Any]:
    """The document. `operations`: what the routes of this function take, by `METHOD /path`."""
    models = {model for each in operations.values() for model in (each.input, each.answers) if model}
    models |= {each.input for each in _ELSEWHERE.values()}
    names, definitions = _schemas(frozenset(models))
    paths: dict[str, dict[str, Any]] = {}
    for key, entry in routes().items():
        method, path = key.split(" ")
        told = _operation(path, entry, key, operations.get(key) or _ELSEWHERE.get(key), names)
        paths.setdefault(path, {})[method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "Usher", "version": "1", "summary": "Onboarding and subscriptions."},
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


@cache
def _schemas(models: frozenset[type[BaseModel]]) -> tuple[dict[type[BaseModel], Any], dict[str, Any]]:
    """A reference per model, and the definitions they refer to."""
    ordered = sorted(models, key=lambda model: f"{model.__module__}.{model.__name__}")
    references, document = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=_SCHEMAS + "{model}"
    )
    return {model: references[model, "validation"] for model in ordered}, document["$defs"]


def _operation(
    path: str,
    entry: RouteAccess,
    key: str,
    operation: Operation | None,
    names: Mapping[type[BaseModel], Any],
) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": entry.why, "responses": _responses(entry, operation, names)}
    parameters = [_path_parameter(part[1:-1]) for part in path.split("/") if part.startswith("{")]
    if entry.access == "token":
        told["security"] = [{"token": []}]
        told["x-roles"] = list(entry.roles)
    body: type[BaseModel] | None = None
    if operation is not None and key.startswith("GET "):
        parameters += _query(operation.input)
    elif operation is not None:
        parameters += [_KEY] if key not in _ELSEWHERE else []
        body = operation.input if operation.input is not Nothing else None
    if body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": names[body]}}}
    if parameters:
        told["parameters"] = parameters
    return told


def _responses(
    entry: RouteAccess, operation: Operation | None, names: Mapping[type[BaseModel], Any]
) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done"}
    if operation is not None and operation.answers is not None:
        good["content"] = {"application/json": {"schema": names[operation.answers]}}
    problem = {"application/problem+json": {"schema": {"$ref": _SCHEMAS + "Problem"}}}
    bad = {"description": "What is wrong", "content": problem}
    refusals = {"401": bad, "403": bad} if entry.access == "token" else {}
    return {str(operation.status if operation else 200): good, **refusals, "default": bad}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=_SCHEMAS + "{model}")
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in schema.get("properties", {}).items()
    ]
