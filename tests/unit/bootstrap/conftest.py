"""The fixtures of this folder."""

from tests.fakes.world import world

__all__ = ["world"]
