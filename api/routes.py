"""Which route an address belongs to, found before the framework is asked."""

from collections.abc import Iterable
from typing import NamedTuple


class Route(NamedTuple):
    """`path` is the pattern, `{run_id}` and all; `allowed` are the methods that it takes, for `Allow`."""

    path: str
    methods: frozenset[str]
    allowed: str


class Routes:
    """Patterns by their number of segments, literal ones first, so that `/test-runs/search` comes before `/test-runs/{run_id}`."""

    def __init__(self, methods_of: Iterable[tuple[str, set[str]]]) -> None:
        self._by_length: dict[int, list[tuple[tuple[str | None, ...], Route]]] = {}
        for path, methods in methods_of:
            own = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
            parts = tuple(None if part.startswith("{") else part for part in path.split("/"))
            route = Route(path, frozenset(own), ", ".join(sorted(own)))
            self._by_length.setdefault(len(parts), []).append((parts, route))
        for found in self._by_length.values():
            found.sort(key=lambda pair: [part is None for part in pair[0]])

    def find(self, path: str) -> Route | None:
        """The most specific route that matches."""
        asked = path.split("/")
        for parts, route in self._by_length.get(len(asked), ()):
            if all(given == part or (part is None and given) for part, given in zip(parts, asked, strict=True)):
                return route
        return None
