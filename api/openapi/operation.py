"""What a route says about itself, declared beside its path; the OpenAPI document is made from it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_origin

from api.openapi.envelopes import Items
from domain.tokens import Role

JSON = "application/json"
CONDITIONED = ("PATCH", "PUT", "DELETE")  # what a deployment may ask If-Match for


class Operation(NamedTuple):
    """Given as `operation=` to a route's decorator.

    `least` is the role needed (None: no token), `answer` the struct of the success body (None: no body), `query` the query
    parameters by name. Codes that follow from the method and the role are not named; `more` adds others. `if_match` is for
    routes that compare If-Match although they are a POST, or do not although they change something. `kept` says whether
    the answer has an ETag where that does not follow from its being one resource. `headers` are further ones of the success, by
    their names in `outputs.HEADERS`; `needed` are the query parameters that must be there. `noun` is what it is about, where the
    file of the handler does not tell.
    """

    summary: str
    least: Role | None
    answer: Any = None
    status: int = 200
    body: Any = None
    query: Mapping[str, Any] = {}
    more: tuple[int, ...] = ()
    if_match: bool | None = None
    kept: bool | None = None
    media: tuple[str, ...] = (JSON,)
    headers: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    noun: str = ""
    description: str = ""

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Operation":
        """The framework copies what routes say of themselves; types cannot be copied, and need not be."""
        return self

    @property
    def single(self) -> list[str]:
        """The query parameters that may stand only once."""
        return [name for name, kind in self.query.items() if get_origin(getattr(kind, "__origin__", kind)) is not list]

    def compares(self, method: str) -> bool:
        return method in CONDITIONED if self.if_match is None else self.if_match

    def statuses(self, method: str) -> list[int]:
        """Every status that the route may answer with."""
        found = {self.status, 400, 405, 500, *self.more}
        if self.least is not None:
            found |= {401, 403, 404, 413, 415, 429, 503}
        if method != "GET":
            found |= {409, 422}
        if method in CONDITIONED:
            found.add(428)
        if self.compares(method):
            found.add(412)
        if self.query:
            found.add(422)
        if self.tagged and method == "GET":
            found.add(304)
        return sorted(found)

    @property
    def listed(self) -> bool:
        """Whether the answer is a list in an envelope."""
        return getattr(self.answer, "__origin__", None) is Items

    @property
    def tagged(self) -> bool:
        """Whether the answer is one resource, with an ETag."""
        if self.kept is not None:
            return self.kept
        return self.answer is not None and self.least is not None and not self.listed
