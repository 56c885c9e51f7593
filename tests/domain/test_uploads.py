"""Uploads: keys that lie nowhere else, and parts that S3 takes."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain import s3_urls, uploads
from domain.s3_urls import Address
from domain.uploads import NAME_CHARACTERS_MAX, PART_BYTES_MIN, PARTS_MAX, PUT_BYTES_MAX
from tests.domain.conftest import number

UPLOAD = UUID("019a0000-0000-7000-8000-000000000001")
S3_PART_BYTES_MIN, S3_PART_BYTES_MAX, S3_PARTS_MAX = 5 * 1024**2, 5 * 1024**3, 10_000


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("motor_test_log.csv", "motor_test_log.csv"),
        ("Prüfung 4 (12 V).csv", "Pr_fung_4_12_V_.csv"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("..", "file"),
        ("\u202efdp.exe", "_fdp.exe"),
        ("a\\b//c", "a_b_c"),
        ("x" * 300 + ".csv", "x" * (NAME_CHARACTERS_MAX - 4) + ".csv"),
    ],
)
def test_a_key_is_safe_and_still_tells_the_name(name: str, kept: str) -> None:
    address = uploads.address_of("evidence", number(1), UPLOAD, name)
    assert address == ("evidence", f"uploads/{number(1)}/{UPLOAD}/{kept}")
    assert s3_urls.parse(address.url, ("evidence",)) == address


@pytest.mark.parametrize("entry", ["evidence", "evidence/lab-7/"])
def test_an_address_tells_when_its_upload_was_asked_for(entry: str) -> None:
    address = uploads.address_of(entry, number(1), UPLOAD, "x")
    assert s3_urls.parse(address.url, (entry,)) == address
    assert uploads.asked_at(address, entry) == datetime.fromtimestamp(0x019A00000000 / 1000, UTC)
    assert uploads.asked_at(address, "other") is None


@pytest.mark.parametrize("key", ["uploads/x", "test-data/motor.csv", f"uploads/{UPLOAD}/{UUID(int=2)}/x", f"a/uploads/{UPLOAD}/{UPLOAD}/x"])
def test_the_key_of_somebody_else_tells_nothing(key: str) -> None:
    assert uploads.asked_at(Address("evidence", key), "evidence") is None


@pytest.mark.parametrize("size", [1, PART_BYTES_MIN, PART_BYTES_MIN + 1, PUT_BYTES_MAX, PUT_BYTES_MAX * 100 + 7, 5 * 1024**4])
def test_every_file_that_may_be_registered_can_be_sent_in_parts(size: int) -> None:
    sizes = uploads.part_sizes(size)
    assert sum(sizes) == size
    assert len(sizes) <= PARTS_MAX <= S3_PARTS_MAX
    assert all(S3_PART_BYTES_MIN <= each <= S3_PART_BYTES_MAX for each in sizes[:-1])
    assert 0 < sizes[-1] <= S3_PART_BYTES_MAX
