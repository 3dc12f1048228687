"""Teams by the product's API, over the same connection as provisioning (docs/product-api.md)."""

import json
from typing import Any

from usher.adapters.product_provisioner import ProductProvisioner
from usher.adapters.vendor_errors import malformed
from usher.ports.teams import Team


class ProductTeams(ProductProvisioner):
    """Fulfils ports/teams.py beside ports/provisioner.py."""

    def find_teams(self, phone: str, *, correlation_id: str) -> list[Team]:
        """See ports/teams.py. One page: a hundred teams of one phone are a question for a person anyway."""
        answer = self._call("GET", "find_teams", ("teams",), None, correlation_id, query={"phone": phone})
        try:
            return [_team(each) for each in json.loads(answer)["items"]]
        except (ValueError, TypeError, KeyError) as error:
            raise malformed("product", "find_teams", writes=False) from error

    def put_team(self, *, account_id: str, phone: str, name: str, correlation_id: str) -> Team:
        """See ports/teams.py."""
        body = {"name": name, "phone": phone}
        answer = self._call("PUT", "put_team", ("teams", account_id), body, correlation_id)
        try:
            return _team(json.loads(answer))
        except (ValueError, TypeError, KeyError) as error:
            raise malformed("product", "put_team") from error

    def link_team(self, *, team_id: str, account_id: str, correlation_id: str) -> None:
        """See ports/teams.py."""
        path, body = ("teams", team_id, "link"), {"account_id": account_id}
        self._put("link_team", path, body, correlation_id, answers="id")

    def delete_team(self, *, account_id: str, correlation_id: str) -> None:
        """See ports/teams.py."""
        self._delete("delete_team", ("teams", account_id), correlation_id)


def _team(team: Any) -> Team:
    return Team(team_id=team["id"], account_id=team["account_id"], name=team["name"], phone=team["phone"])
