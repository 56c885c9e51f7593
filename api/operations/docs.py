"""The API document, and a page that shows it; no request of the page leaves the machine."""

import hashlib
from functools import cache
from pathlib import Path

from litestar import Response, get

from api.exchange import Req, document
from api.openapi.operation import Operation
from domain.refusals import NotFound

PAGE = Path(__file__).parent / "page"
FILES = {
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "docs.js": ("docs.js", "text/javascript"),
    "problem.css": ("problem.css", "text/css"),
}
POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@get("/schema/openapi.json", name="get openapi", operation=Operation("The OpenAPI document of this API", None, dict, kept=True))
async def openapi(request: Req) -> Response[bytes]:
    body: bytes = request.app.state.openapi
    return document(request, body, tag_of(body), {})


@get(
    "/docs",
    name="get docs",
    operation=Operation("A page that shows this document", None, str, media=("text/html",), headers=("PagePolicy",)),
)
async def page() -> Response[bytes]:
    return html((PAGE / "docs.html").read_bytes())


@get(
    "/docs/{file:str}",
    name="get docs file",
    operation=Operation("A file of the page", None, str, more=(404,), media=("text/css", "text/javascript"), kept=True),
)
async def file_of_page(request: Req, file: str) -> Response[bytes]:
    if file not in FILES:
        raise NotFound("The page has no such file.")
    name, media = FILES[file]
    body = read(name)
    return document(request, body, tag_of(body), {}, media)


def html(body: bytes) -> Response[bytes]:
    """A page that may load only what this deployment serves."""
    return Response(body, media_type="text/html", headers={"content-security-policy": POLICY})


@cache
def read(name: str) -> bytes:
    return (PAGE / name).read_bytes()


@cache
def tag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


HANDLERS = [openapi, page, file_of_page]
