"""Blobs: larger texts and exports by key."""

from typing import Protocol


class Blobs(Protocol):
    """One private bucket. Keys are paths without a leading slash."""

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Store or replace."""

    def get(self, key: str) -> bytes | None:
        """The content, or None when nothing is stored under the key."""
