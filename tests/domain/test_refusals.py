"""Refusals say in words what their errors point at."""

import pytest

from domain import refusals
from domain.refusals import FieldError, Invalid, Refusal

SLUGS = {
    "malformed-request", "unauthenticated", "forbidden", "not-found", "closed", "state-conflict", "not-configured",
    "request-in-progress", "precondition-failed", "content-too-large", "unsupported-media-type", "validation-failed",
    "unknown-reference", "file-not-usable", "idempotency-key-reused", "precondition-required", "rate-limited",
    "unavailable", "storage-unavailable",
}  # fmt: skip


def test_one_error_is_told_as_the_contract_shows_it() -> None:
    refusal = Invalid.one("#/title", "blank", "must not be blank")
    assert refusal.detail == str(refusal) == "title must not be blank"
    assert refusal.errors == (FieldError("#/title", "blank", "must not be blank"),)


@pytest.mark.parametrize(
    ("pointer", "named"),
    [
        ("#/results/3/exception", "results/3/exception"),
        ("query:limit", "query:limit"),
        ("header:If-Match", "header:If-Match"),
        ("#", "body"),
    ],
)
def test_the_detail_names_the_place(pointer: str, named: str) -> None:
    assert Invalid.one(pointer, "invalid_value", "is odd").detail == f"{named} is odd"


def test_all_errors_are_kept_and_told_in_order() -> None:
    errors = (FieldError("#/title", "blank", "must not be blank"), FieldError("#/order", "out_of_range", "must be at least 1"))
    refusal = Invalid.all(errors)
    assert refusal.detail == "title must not be blank; order must be at least 1"
    assert refusal.errors == errors


@pytest.mark.parametrize(("count", "tail"), [(10, "f9 is odd"), (11, "; and 1 more"), (500, "; and 490 more")])
def test_ten_errors_are_told_and_the_rest_counted(count: int, tail: str) -> None:
    refusal = Invalid.all(tuple(FieldError(f"#/f{i}", "invalid_value", "is odd") for i in range(count)))
    assert len(refusal.errors) == count
    assert refusal.detail.count("is odd") == 10
    assert refusal.detail.endswith(tail)


def test_every_slug_of_the_contract_is_said_by_one_kind_of_refusal() -> None:
    kinds = [k for k in vars(refusals).values() if isinstance(k, type) and issubclass(k, Refusal) and k is not Refusal]
    assert sorted(k.slug for k in kinds if "slug" in vars(k)) == sorted(SLUGS)


def test_what_is_deleted_is_told_as_what_never_was() -> None:
    assert refusals.Gone.slug == refusals.NotFound.slug
