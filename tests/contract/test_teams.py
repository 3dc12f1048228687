"""What Teams promises: ProductTeams against the product's stand-in."""

from collections.abc import Iterator

import pytest

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import running
from tests.contract.control import Control
from usher.adapters.product_teams import ProductTeams
from usher.domain.errors import VendorRejected, VendorUnavailable

KEY, PHONE = "product-secret", "+491701234567"


@pytest.fixture
def server() -> Iterator[Control]:
    with running("product", config=Config(api_key=KEY)) as here:
        control = Control(here.url)
        yield control
        control.close()


@pytest.fixture
def teams(server: Control) -> Iterator[ProductTeams]:
    adapter = ProductTeams(api_base=server.url, api_key=KEY)
    yield adapter
    adapter.close()


def seed(server: Control, *names: str) -> list[str]:
    wanted = [{"name": name, "phone": PHONE} for name in names]
    return [each["id"] for each in server.call("POST", "/_control/teams", {"teams": wanted}).json()["items"]]


def test_a_phone_that_nobody_has_finds_no_team(teams: ProductTeams) -> None:
    assert teams.find_teams(PHONE, correlation_id="c") == []


def test_a_team_is_made_once_and_found_by_its_phone(teams: ProductTeams) -> None:
    made = teams.put_team(account_id="acc_1", phone=PHONE, name="Acme", correlation_id="c")
    again = teams.put_team(account_id="acc_1", phone=PHONE, name="Acme", correlation_id="c")
    assert [made] == [again] == teams.find_teams(PHONE, correlation_id="c")
    assert (made.account_id, made.name) == ("acc_1", "Acme")


def test_all_teams_of_a_phone_are_found_and_none_of_another(teams: ProductTeams, server: Control) -> None:
    ids = seed(server, "East", "West")
    assert {team.team_id for team in teams.find_teams(PHONE, correlation_id="c")} == set(ids)
    assert teams.find_teams("+491701234568", correlation_id="c") == []


def test_a_team_that_was_there_is_linked_and_linking_again_changes_nothing(
    teams: ProductTeams, server: Control
) -> None:
    (id,) = seed(server, "Old")
    for _ in range(2):
        teams.link_team(team_id=id, account_id="acc_1", correlation_id="c")
    (team,) = teams.find_teams(PHONE, correlation_id="c")
    assert (team.team_id, team.account_id) == (id, "acc_1")
    with pytest.raises(VendorRejected):
        teams.link_team(team_id=id, account_id="acc_2", correlation_id="c")


def test_deleting_takes_back_what_was_made_and_only_unlinks_what_was_there(
    teams: ProductTeams, server: Control
) -> None:
    (id,) = seed(server, "Old")
    teams.link_team(team_id=id, account_id="acc_1", correlation_id="c")
    teams.put_team(account_id="acc_2", phone=PHONE, name="New", correlation_id="c")
    for account_id in ("acc_1", "acc_2", "acc_3"):
        teams.delete_team(account_id=account_id, correlation_id="c")
    (left,) = teams.find_teams(PHONE, correlation_id="c")
    assert (left.team_id, left.account_id) == (id, None)


@pytest.mark.parametrize("fault", ["500", "429", "malformed"])
def test_an_outage_may_be_tried_again(teams: ProductTeams, server: Control, fault: str) -> None:
    for operation in ("GET /v1/teams", "PUT /v1/teams/{account_id}"):
        server.call("POST", "/_control/faults", {"operation": operation, "fault": fault})
    with pytest.raises(VendorUnavailable):
        teams.find_teams(PHONE, correlation_id="c")
    with pytest.raises(VendorUnavailable):
        teams.put_team(account_id="acc_1", phone=PHONE, name="Acme", correlation_id="c")
