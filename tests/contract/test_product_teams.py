"""Teams, suspension and plan changes at the product's stand-in, over HTTP as docs/product-api.md says."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import running
from tests.contract.control import Control

KEY = "product-secret"
ADA = {"name": "Ada's team", "phone": "+491701234567", "email": "ada@example.com"}


class Product:
    """The stand-in as a caller with the right token sees it."""

    def __init__(self, url: str) -> None:
        self.control = Control(url)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON (None when there is none)."""
        answer = self.control.call(method, path, body, authorization=f"Bearer {KEY}")
        return answer.status, answer.json() if answer.data else None

    def seed(self, *teams: dict[str, str]) -> list[str]:
        """Ids of teams that were there before Usher."""
        made = self.control.call("POST", "/_control/teams", {"teams": list(teams)})
        return [team["id"] for team in made.json()["items"]]

    def by_phone(self, phone: str = ADA["phone"]) -> list[Any]:
        status, page = self.call("GET", f"/v1/teams?phone={quote(phone, safe='')}")
        assert status == 200
        found: list[Any] = page["items"]
        return found


@pytest.fixture
def product() -> Iterator[Product]:
    with running("product", config=Config(api_key=KEY)) as here:
        product = Product(here.url)
        yield product
        product.control.close()


def test_a_team_that_was_there_before_is_found_by_phone_and_linked(product: Product) -> None:
    (team,) = product.seed(ADA)
    assert [(found["id"], found["account_id"]) for found in product.by_phone()] == [(team, None)]
    link = ("PUT", f"/v1/teams/{team}/link", {"account_id": "acc_1"})
    assert [product.call(*link)[0] for _ in range(2)] == [201, 200]
    assert product.by_phone()[0]["account_id"] == "acc_1"
    assert product.call("GET", "/v1/teams/acc_1")[1]["id"] == team


def test_several_teams_may_have_one_phone(product: Product) -> None:
    ids = product.seed(ADA, ADA | {"name": "Ada's other team"}, ADA | {"phone": "+491709999999"})
    assert [found["id"] for found in product.by_phone()] == ids[:2]
    assert product.by_phone("+10000000000") == []


def test_a_link_belongs_to_one_account_and_an_account_has_one_team(product: Product) -> None:
    first, second = product.seed(ADA, ADA)
    product.call("PUT", f"/v1/teams/{first}/link", {"account_id": "acc_1"})

    def code(team: str, account: str) -> tuple[int, str]:
        status, body = product.call("PUT", f"/v1/teams/{team}/link", {"account_id": account})
        return status, body["error"]["code"]

    assert code(first, "acc_2") == (409, "team_taken")
    assert code(second, "acc_1") == (409, "account_has_team")
    assert code("team_none", "acc_3") == (404, "no_such_team")


def test_a_new_team_is_made_for_its_account_once(product: Product) -> None:
    assert [product.call("PUT", "/v1/teams/acc_1", ADA)[0] for _ in range(2)] == [201, 200]
    changed = product.call("PUT", "/v1/teams/acc_1", ADA | {"name": "Ada & co"})[1]
    assert (changed["name"], changed["account_id"]) == ("Ada & co", "acc_1")
    assert len(product.by_phone()) == 1


def test_undoing_removes_what_was_made_and_only_unlinks_what_was_there(product: Product) -> None:
    product.call("PUT", "/v1/teams/acc_1", ADA)
    (team,) = product.seed(ADA)
    product.call("PUT", f"/v1/teams/{team}/link", {"account_id": "acc_2"})
    assert product.call("PUT", "/v1/teams/acc_2", ADA)[1]["error"]["code"] == "team_linked"
    for account in ("acc_1", "acc_2", "acc_3"):
        assert product.call("DELETE", f"/v1/teams/{account}") == (204, None)
    assert [(found["id"], found["account_id"]) for found in product.by_phone()] == [(team, None)]
    product.call("PUT", f"/v1/teams/{team}/link", {"account_id": "acc_4"})
    assert product.call("DELETE", f"/v1/teams/{team}/link")[0] == 204
    assert product.call("GET", "/v1/teams/acc_4")[0] == 404


@pytest.mark.parametrize("phone", ["0170 1234567", "%2B0170", "+491701234567", "%2B49"])
def test_a_phone_that_is_not_e164_is_refused(product: Product, phone: str) -> None:
    status, body = product.call("GET", f"/v1/teams?phone={phone.replace(' ', '%20')}")
    assert (status, body["error"]["fields"]) == (422, ["phone"])


def test_a_wrong_body_names_its_fields(product: Product) -> None:
    status, body = product.call("PUT", "/v1/teams/acc_1", {"name": "", "phone": "12"})
    assert (status, sorted(body["error"]["fields"])) == (422, ["name", "phone"])
    assert product.control.call("POST", "/_control/teams", {"teams": [{"name": "no phone"}]}).status == 400


def test_teams_are_listed_in_pages(product: Product) -> None:
    ids = product.seed(*[ADA | {"name": f"Team {number}"} for number in range(3)])
    status, page = product.call("GET", "/v1/teams?limit=2")
    rest = product.call("GET", f"/v1/teams?limit=2&cursor={page['next_cursor']}")[1]
    assert (status, [team["id"] for team in page["items"] + rest["items"]]) == (200, ids)
    assert rest["next_cursor"] is None


def test_a_tenants_plan_changes_and_it_can_be_suspended(product: Product) -> None:
    tenant = product.call("PUT", "/v1/tenants/acc_1", {"company": "Acme", "plan": "free"})[1]["id"]
    status, changed = product.call("PUT", "/v1/tenants/acc_1", {"company": "Acme", "plan": "pro-monthly"})
    assert (status, changed["id"], changed["plan"]) == (200, tenant, "pro-monthly")
    path = f"/v1/tenants/{tenant}/suspension"
    assert product.call("GET", path)[0] == 404
    assert [product.call("PUT", path, {"reason": "unpaid"})[0] for _ in range(2)] == [201, 200]
    assert product.call("GET", path)[1]["reason"] == "unpaid"
    assert product.call("DELETE", path) == (204, None)
    assert product.call("GET", path)[0] == 404
