"""Kinds of text and lists that Atlas bodies are made of."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api.bodies import A_TIME, NOT_BLANK, SOME_TEXT
from domain.refusals import FieldError

ISO = "ISO 8601; without an offset it is UTC, finer than a microsecond is cut."
ORDER_MAX = 2**53 - 1  # the largest whole number that every JSON reader keeps

Title = Annotated[str, Meta(max_length=255, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
StepTitle = Annotated[str, Meta(max_length=100, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
Description = Annotated[str, Meta(max_length=20_000)]
Note = Annotated[str, Meta(max_length=20_000, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
Reason = Annotated[str, Meta(max_length=2_000, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
Order = Annotated[int, Meta(ge=1, le=ORDER_MAX, description="Lists sort by this; last unless told.")]

Claim = Annotated[datetime, Meta(extra_json_schema=A_TIME, description=f"As claimed by the client. {ISO}")]

After = Annotated[datetime, Meta(extra_json_schema=A_TIME, description=f"Created at this time or later. {ISO}")]
Before = Annotated[datetime, Meta(extra_json_schema=A_TIME, description=f"Created before this time. {ISO}")]
OfSystem = Annotated[UUID, Meta(description="Only what belongs to this system.")]
HasReports = Annotated[bool, Meta(description="Only runs with reports, or only those without.")]
StepType = Annotated[str, Meta(description="One of the deployment's step types.", examples=["passfail"])]


def wrong_type(step: object, pointer: str, step_types: tuple[str, ...]) -> Iterator[FieldError]:
    """Which types of step there are is the deployment's choice."""
    match step:
        case {"step_type": str(given)} if given not in step_types:
            yield FieldError(f"{pointer}/step_type", "invalid_value", f"must be one of {', '.join(step_types)}")


class Ordering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every live card or step once, in the wanted order."""

    ids: list[UUID]
