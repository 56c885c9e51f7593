"""Atlas: search over runs, cards, steps and reports."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get
from msgspec import Meta

from api import parameters
from api.atlas import words
from api.atlas.answers import RunSummary
from api.bodies import SOME_TEXT
from api.exchange import Exchange, Req
from api.openapi.operation import Operation
from domain.tokens import Role
from projections import search, synonyms
from projections.search import Meaning, Result, SearchFilter
from projections.search_query import Wanted, understood
from projections.snippets import snippet

TEXT_MAX = 512
MODES = ("default", "fulltext", "semantic")
KINDS = ("run", "card", "step", "report")
ORDERS = ("relevance", "created_at", "updated_at")
QUERY = {
    "q": Annotated[
        str, Meta(max_length=TEXT_MAX, extra_json_schema=SOME_TEXT, description='`"a phrase"`, `-not this`, quantities such as `13V`.')
    ],
    "mode": Annotated[
        Literal["default", "fulltext", "semantic"],
        Meta(
            description="By words and meaning unless told; identifiers and quantities alone by words.",
            extra_json_schema={"default": "default"},
        ),
    ],
    "component_types": Annotated[list[Literal["run", "card", "step", "report"]], Meta(description="What may match; all unless told.")],
    "system_id": words.OfSystem,
    "created_after": words.After,
    "created_before": words.Before,
    "has_reports": words.HasReports,
    "sort_by": Annotated[
        Literal["relevance", "created_at", "updated_at"],
        Meta(description="The order of runs, best or newest first.", extra_json_schema={"default": "relevance"}),
    ],
    "limit": Annotated[int, Meta(ge=1, le=100, description="Runs a page.", extra_json_schema={"default": 20})],
    "offset": Annotated[int, Meta(ge=0, le=10_000, description="Runs to leave out.", extra_json_schema={"default": 0})],
}
ABOUT = "Where no vector can be had for the question, words alone decide, and the answer carries `X-Search-Meaning: unavailable`."


class Match(msgspec.Struct):
    """A component that was found. An observation is found as its step."""

    component_type: Annotated[str, Meta(pattern="^(run|card|step|report)$")]
    component_id: UUID
    component_title: str
    path: Annotated[str, Meta(description="`Card > Step`.")]
    snippet: Annotated[str, Meta(max_length=240, description="Plain text around the first hit.")]
    match_type: Annotated[str, Meta(pattern="^(fulltext|semantic)$")]


class SearchResult(msgspec.Struct):
    test_run: RunSummary
    score: Annotated[float, Meta(ge=0, le=1, description="Of the best match.")]
    matches: Annotated[list[Match], Meta(description="At most the 10 best, best first.")]


class SearchResults(msgspec.Struct):
    results: list[SearchResult]
    total_count: Annotated[int, Meta(description="Runs that match, on all pages.")]


@get(
    "/test-runs/search",
    operation=Operation(
        "Search test runs",
        Role.VIEWER,
        SearchResults,
        query=QUERY,
        needed=("q",),
        kept=False,
        headers=("SearchMeaning",),
        description=ABOUT,
    ),
)
async def search_runs(request: Req, exchange: Exchange) -> Response[bytes]:
    text, mode, asked = _asked(request, exchange)
    understanding = understood(text)
    literally = mode == "fulltext" or (mode == "default" and understanding.literal)
    elsewhere = exchange.settings.embeddings_url is not None  # who waits for another machine needs no turn
    meaning = await _meaning(exchange, text, understanding) if elsewhere and not literally else None
    async with exchange.turn_to_search():
        if not elsewhere and not literally:
            meaning = await _meaning(exchange, text, understanding)
        wanted = None if mode == "semantic" and meaning is not None else understanding
        async with exchange.pool.connection() as conn:
            total, results = await search.search(conn, exchange.word_counts, wanted, meaning, asked)
    headers = {} if meaning is not None or literally else {"x-search-meaning": "unavailable"}
    typed = [term.word for term in understanding.terms]
    others = [] if meaning is None else [" ".join(spelling) for term in meaning.akin for spelling in term.spellings]
    body = {"results": [_result(result, typed, others) for result in results], "total_count": total}
    return Response(msgspec.json.encode(body), media_type="application/json", headers=headers)


def _asked(request: Req, exchange: Exchange) -> tuple[str, str, SearchFilter]:
    query = parameters.Query(request.scope["query_string"])
    text = query.text("q")
    if text is None:
        query.wrong("q", "required", "is required")
    elif not text.strip():
        query.wrong("q", "blank", "must not be blank")
    elif len(text) > TEXT_MAX:
        query.wrong("q", "too_long", f"must have at most {TEXT_MAX} characters; it has {len(text)}")
    mode = query.choice("mode", MODES) or "default"
    kinds = query.many("component_types")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        query.wrong("component_types", "invalid_value", f"must be of {', '.join(KINDS)}, not {unknown[0]}")
    scope = exchange.actor(request).system_ids
    asked = SearchFilter(
        kinds=tuple(kinds),
        scope=None if scope is None else sorted(scope),
        system_id=query.uuid("system_id"),
        created_after=query.stamp("created_after"),
        created_before=query.stamp("created_before"),
        has_reports=query.boolean("has_reports"),
        sort_by=query.choice("sort_by", ORDERS) or "relevance",
        limit=query.integer("limit", 20, 1, 100),
        offset=query.integer("offset", 0, 0, 10_000),
    )
    query.done()
    return text or "", mode, asked


async def _meaning(exchange: Exchange, text: str, understanding: Wanted) -> Meaning | None:
    if (found := await exchange.questions.vector(text)) is None:
        return None
    return Meaning(*found, synonyms.widened(understanding.terms))


def _result(result: Result, typed: list[str], others: list[str]) -> dict[str, Any]:
    """A snippet is around the first of the `typed` words where they were found, of the `others` where the meaning was."""
    matches = [
        Match(
            m.component_type,
            m.component_id,
            m.title,
            m.path,
            snippet(m.body or m.title, typed if m.by_text else others),
            "fulltext" if m.by_text else "semantic",
        )
        for m in result.matches
    ]
    return {"test_run": result.summary, "score": result.score, "matches": matches}


HANDLERS = [search_runs]
