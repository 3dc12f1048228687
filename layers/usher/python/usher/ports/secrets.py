"""Secrets: named values that never appear in code, settings, logs or stack traces."""

from typing import Protocol


class Secrets(Protocol):
    """Names are those of infra/catalog.py."""

    def get(self, name: str) -> str:
        """The current value. Raises NotFound when there is none of this name."""

    def active(self, name: str) -> tuple[str, ...]:
        """The values that are valid now: the current one first, then the former one while a rotation lasts.

        On AWS these are the versions staged AWSCURRENT and AWSPREVIOUS. Raises NotFound.
        """
