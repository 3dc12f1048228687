"""The gateway's table of routes: which one a path means, and how many requests each may get."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from infra.catalog import Route


@dataclass(slots=True)
class Bucket:
    """A token bucket: `rate` requests per second, `burst` at once. Times are seconds of any steady clock."""

    rate: float
    burst: float
    level: float = 0.0
    at: float = 0.0

    def take(self, now: float) -> float:
        """Take a token: 0.0 when there was one, else the seconds until there is."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level > 1 - 1e-6:  # the sum of many small refills falls short of a whole by rounding
            self.level = max(0.0, self.level - 1)
            return 0.0
        return (1 - self.level) / self.rate


@dataclass(slots=True)
class RouteState:
    """A route of the catalog with its bucket."""

    route: Route
    key: str
    bucket: Bucket


@dataclass(slots=True)
class _Path:
    segments: tuple[str, ...]
    methods: dict[str, RouteState] = field(default_factory=dict)

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The path parameters, None when the path is another one."""
        if len(segments) != len(self.segments):
            return None
        parameters: dict[str, str] = {}
        for pattern, segment in zip(self.segments, segments, strict=True):
            if pattern.startswith("{"):
                if not segment:
                    return None
                parameters[pattern[1:-1]] = segment
            elif pattern != segment:
                return None
        return parameters


class Routes:
    """Finds routes. Static paths win over those with parameters, as in API Gateway."""

    def __init__(self, routes: Iterable[Route], steady: Callable[[], float]) -> None:
        paths: dict[str, _Path] = {}
        for route in routes:
            path = paths.setdefault(route.path, _Path(tuple(route.path.split("/"))))
            bucket = Bucket(route.rate_per_second, route.burst, route.burst, steady())
            path.methods[route.method] = RouteState(route, f"{route.method} {route.path}", bucket)
        self.keys = tuple(state.key for path in paths.values() for state in path.methods.values())
        self._static = {name: path for name, path in paths.items() if "{" not in name}
        self._dynamic = [path for name, path in paths.items() if "{" in name]

    def find(self, raw_path: bytes) -> tuple[str, dict[str, RouteState], dict[str, str]]:
        """The decoded path, the path's routes by method (none: no such path), and the path parameters."""
        segments = [unquote(segment) for segment in raw_path.decode("latin-1").split("/")]
        decoded = "/".join(segments)
        path = self._static.get(decoded)
        if path is not None and len(path.segments) == len(segments):
            return decoded, path.methods, {}
        for candidate in self._dynamic:
            parameters = candidate.match(segments)
            if parameters is not None:
                return decoded, candidate.methods, parameters
        return decoded, {}, {}
