"""Deleting leaves a tombstone and restoring takes it away: the same for every noun."""

from domain.events import Event
from domain.refusals import NotFound, StateConflict


def delete(noun: str, deleted: bool, fact: Event) -> list[Event]:
    """What is deleted already is not there for anyone who would delete it."""
    if deleted:
        raise NotFound(f"No such {noun}.")
    return [fact]


def restore(noun: str, deleted: bool, fact: Event) -> list[Event]:
    if not deleted:
        raise StateConflict(f"The {noun} is not deleted.")
    return [fact]
