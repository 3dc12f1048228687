"""Chat: one message to the operators' channel."""

from typing import Any, Protocol


class Chat(Protocol):
    """Raises VendorUnavailable or VendorRejected."""

    def post(self, *, text: str, blocks: list[dict[str, Any]] | None = None) -> None:
        """Post to the channel of this deployment. `text` is what notifications show."""
