"""GET /openapi.json: every route of the catalog, with what it takes and who may."""

from typing import Any

import pytest

from infra import catalog
from tests.fakes.api import call
from tests.fakes.world import World


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    status, body = call("GET", "/openapi.json", role=None)
    assert status == 200
    return body


def test_every_route_is_described_with_who_may_use_it(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for route in catalog.ROUTES:
        told = document["paths"][route.path][route.method.lower()]
        assert told["summary"] == route.why != ""
        assert told.get("x-roles", []) == list(route.roles)
        named = {each["name"] for each in told.get("parameters", ()) if each["in"] == "path"}
        assert {f"{{{name}}}" for name in named} == {p for p in route.path.split("/") if p.startswith("{")}
    assert sum(map(len, document["paths"].values())) == len(catalog.ROUTES)


def test_what_a_route_takes_is_described_by_its_model(document: dict[str, Any]) -> None:
    told = document["paths"]["/v1/onboardings"]["get"]
    assert {each["name"] for each in told["parameters"]} == {
        "phone",
        "email",
        "name",
        "stage",
        "limit",
        "cursor",
    }
    body = document["paths"]["/webhooks/signup"]["post"]["requestBody"]["content"]["application/json"]
    name = body["schema"]["$ref"].removeprefix("#/components/schemas/")
    assert set(document["components"]["schemas"][name]["required"]) == {"type", "timestamp", "data"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*map(references, node.values()))
        return set().union(*map(references, node)) if isinstance(node, list) else set()

    found = references(document)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found and found <= known
