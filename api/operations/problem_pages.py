"""A page for every type of problem: when it happens, and what to do."""

import html
import re

import msgspec
from litestar import Response, get

from api.exchange import Req
from api.openapi.operation import JSON, Operation
from api.operations import docs
from api.operations.problem_advice import ADVICE
from api.problems import PROBLEMS
from domain.refusals import NotFound

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/problem.css"></head>
<body>
<h1>{title}</h1>
<dl>
<dt>Type</dt><dd><code>/problems/{slug}</code></dd>
<dt>Status</dt><dd>{status}</dd>
<dt>When it happens</dt><dd>{when}</dd>
<dt>What to do</dt><dd>{do}</dd>
</dl>
</body>
</html>
"""


class ProblemPage(msgspec.Struct):
    """A type of problem."""

    type: str
    title: str
    status: int
    when: str
    do: str


@get(
    "/problems/{slug:str}",
    name="get problem",
    operation=Operation(
        "What a type of problem means", None, ProblemPage, more=(404,), media=("text/html", JSON), headers=("PagePolicy", "Vary")
    ),
)
async def problem(request: Req, slug: str) -> Response[bytes]:
    """HTML for people, JSON for whoever prefers it in Accept."""
    if slug not in PROBLEMS:
        raise NotFound("There is no such type of problem.")
    (status, title), (when, do) = PROBLEMS[slug], ADVICE[slug]
    accept = request.headers.get("accept", "")
    if "json" in accept and "text/html" not in accept:
        body = msgspec.json.encode(ProblemPage(f"/problems/{slug}", title, status, when, do))
        return Response(body, media_type=JSON, headers={"vary": "Accept"})
    page = docs.html(PAGE.format(title=title, slug=slug, status=status, when=_marked(when), do=_marked(do)).encode())
    page.headers["vary"] = "Accept"
    return page


def _marked(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))


HANDLERS = [problem]
