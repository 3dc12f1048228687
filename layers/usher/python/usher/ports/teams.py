"""Teams: who the product knows by phone, with or without an account of ours."""

from typing import Protocol

from usher.ports.billing_facts import Snapshot


class Team(Snapshot):
    """A team in the product; `account_id` is None until it is linked, its account's tenant is its own."""

    team_id: str
    account_id: str | None
    name: str
    phone: str


class Teams(Protocol):
    """Every method raises VendorUnavailable or VendorRejected."""

    def find_teams(self, phone: str, *, correlation_id: str) -> list[Team]:
        """All teams of this phone (E.164), the oldest first."""

    def put_team(self, *, account_id: str, phone: str, name: str, correlation_id: str) -> Team:
        """Make the team of this account, or find it as it was made."""

    def link_team(self, *, team_id: str, account_id: str, correlation_id: str) -> None:
        """Make a team that was there before the account's; one that is so already stays so."""

    def delete_team(self, *, account_id: str, correlation_id: str) -> None:
        """Remove the account's team; one that was there before is only unlinked, none is no error."""
