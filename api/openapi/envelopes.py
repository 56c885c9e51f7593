"""Shapes that answers of several surfaces share: lists, and the problems of each surface."""

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from domain.refusals import FieldError

T = TypeVar("T")

Stamp = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$", description="UTC, without a zone, with six decimals.")]


class Items(msgspec.Struct, Generic[T]):
    """A list."""

    items: list[T]
    count: Annotated[int, Meta(description="Items in this answer.", ge=0)]


class Problem(msgspec.Struct):
    """Why the request was refused (RFC 9457)."""

    type: Annotated[str, Meta(description="`/problems/<slug>`: stable, and the address of a page about it.", pattern="^/problems/")]
    title: Annotated[str, Meta(description="The same for every problem of the type.")]
    status: Annotated[int, Meta(description="The HTTP status.")]
    detail: Annotated[str, Meta(description="What is wrong in this case.")]
    instance: Annotated[str, Meta(description="The request id.")]
    errors: Annotated[list[FieldError], Meta(description="Every member, parameter or header that is at fault; may be empty.")]


class ProblemForTestably(Problem):
    """Why the request was refused, with the members that Testably clients read."""

    error: Annotated[str, Meta(description="The title again.")]
    message: Annotated[str, Meta(description="The detail again.")]


class ProblemForTestmo(msgspec.Struct):
    """Why the request was refused, in the form of the Testmo surface."""

    type: Annotated[str, Meta(pattern="^/problems/")]
    title: str
    status: int
    detail: str
    instance: Annotated[str, Meta(description="The request id.")]
    message: Annotated[str, Meta(description="The detail again.")]
    errors: Annotated[dict[str, list[str]], Meta(description="Messages by field; nested names are joined by dots.")]


OF_SURFACE: dict[str, Any] = {"atlas": Problem, "benchmarks": Problem, "testably": ProblemForTestably, "testmo": ProblemForTestmo}
