"""The fixtures of this folder."""

from tests.fakes.logs import log
from tests.fakes.world import world

__all__ = ["log", "world"]
