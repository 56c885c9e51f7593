"""Kinds of text and lists that Atlas bodies are made of."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api.bodies import NOT_BLANK, SOME_TEXT
from domain.refusals import FieldError

ORDER_MAX = 2**53 - 1  # the largest whole number that every JSON reader keeps

Title = Annotated[str, Meta(max_length=255, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
StepTitle = Annotated[str, Meta(max_length=100, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
Description = Annotated[str, Meta(max_length=20_000)]
Note = Annotated[str, Meta(max_length=20_000, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
Reason = Annotated[str, Meta(max_length=2_000, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
Stamp = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$", description="UTC, without a zone, with six decimals.")]
Order = Annotated[int, Meta(ge=1, le=ORDER_MAX)]

After = Annotated[datetime, Meta(description="Created at this time or later.")]
Before = Annotated[datetime, Meta(description="Created before this time.")]


def wrong_type(step: object, pointer: str, step_types: tuple[str, ...]) -> Iterator[FieldError]:
    """Which types of step there are is the deployment's choice."""
    match step:
        case {"step_type": str(given)} if given not in step_types:
            yield FieldError(f"{pointer}/step_type", "invalid_value", f"must be one of {', '.join(step_types)}")


class Ordering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every live card or step once, in the wanted order."""

    ids: list[UUID]
