"""Renumbering: a list that names everything that is there, once."""

from uuid import UUID

from domain.refusals import FieldError, Invalid

NAMED_MAX = 10


def check_order(present: tuple[UUID, ...], wanted: tuple[UUID, ...], noun: str) -> None:
    """Refuses a list that does not name each of `present` exactly once; everything wrong with it is told together."""
    errors = []
    if len(set(wanted)) != len(wanted):
        errors.append(FieldError("#/ids", "duplicate", f"must name every {noun} once"))
    if unknown := set(wanted) - set(present):
        errors.append(FieldError("#/ids", "not_found", f"names no live {noun} here: {_some(unknown)}"))
    if missing := set(present) - set(wanted):
        errors.append(FieldError("#/ids", "required", f"must also name the {noun}s {_some(missing)}"))
    if errors:
        raise Invalid.all(tuple(errors))


def _some(ids: set[UUID]) -> str:
    named = sorted(map(str, ids))
    return ", ".join(named[:NAMED_MAX]) + (f" and {len(named) - NAMED_MAX} more" if len(named) > NAMED_MAX else "")
