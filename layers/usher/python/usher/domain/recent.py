"""What this process has seen lately: a memory of bounded size, never asked for more than a shortcut."""

from collections.abc import Iterable


class Recent:
    """Remembers the last `most` to twice `most` names with a number each; forgets the oldest together."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def find(self, name: str) -> int | None:
        """The number it was noted with, None when it was not or is forgotten."""
        found = self._young.get(name)
        return self._old.get(name) if found is None else found

    def note(self, seen: Iterable[tuple[str, int]]) -> None:
        """Remember these."""
        self._young.update(seen)
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
