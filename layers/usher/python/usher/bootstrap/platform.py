"""The platform this process runs on: AWS unless another one was installed."""

from collections.abc import Callable
from typing import TypeVar

from usher.adapters.aws_platform import AwsPlatform
from usher.ports.platform import Platform
from usher.settings import settings

T = TypeVar("T")

_installed: Platform | None = None


def install(platform: Platform | None) -> None:
    """Run this process on `platform`: the local deployment and tests call this first. None undoes it."""
    global _installed
    _installed = platform


def platform() -> Platform:
    """The platform of this process; on AWS built from the environment on first use."""
    global _installed
    if _installed is None:
        _installed = AwsPlatform(settings())
    return _installed


def per_platform(build: Callable[[Platform], T]) -> Callable[[], T]:
    """Make `build` run once per installed platform: a room's services are built on its first call."""
    built: list[tuple[Platform, T]] = []

    def get() -> T:
        current = platform()
        if not built or built[0][0] is not current:
            built[:] = [(current, build(current))]
        return built[0][1]

    return get
