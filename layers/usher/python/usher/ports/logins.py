"""Logins: people who signed in somewhere else, and carry a signed token that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Login:
    """A person as their token names them: a user name and the groups they are in."""

    username: str
    groups: Sequence[str]


class Logins(Protocol):
    """Tokens of the one user directory this deployment trusts."""

    def who(self, token: str, *, wall: datetime) -> Login | None:
        """The person of a token that is genuine, meant for us and in force at `wall`; else None.

        Raises VendorUnavailable when the directory's keys cannot be had.
        """
