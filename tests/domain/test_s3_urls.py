"""Addresses of objects: what is let through is exactly what was meant, and nothing leads anywhere else."""

import pytest

from domain import s3_urls
from domain.refusals import FileNotUsable
from domain.s3_urls import KEY_BYTES_MAX, Address

ALLOWED = ("evidence", "shared/lab-7/")
GOOD = {
    "s3://evidence/test-data/motor_test_log.csv": Address("evidence", "test-data/motor_test_log.csv"),
    "s3://evidence/a%2Fb%2e%2e.csv": Address("evidence", "a%2Fb%2e%2e.csv"),
    "s3://evidence/Prüfung 4, 12 V?x=1#2&.csv": Address("evidence", "Prüfung 4, 12 V?x=1#2&.csv"),
    "s3://evidence/..a/b../...": Address("evidence", "..a/b../..."),
    "s3://evidence/a:b@c": Address("evidence", "a:b@c"),
    "s3://shared/lab-7/run.csv": Address("shared", "lab-7/run.csv"),
    "s3://evidence/" + "k" * KEY_BYTES_MAX: Address("evidence", "k" * KEY_BYTES_MAX),
}
HOSTILE = [
    "",
    "s3://",
    "s3:///key",
    "s3://evidence",
    "s3://evidence/",
    "s3:/evidence/key",
    "S3://evidence/key",
    " s3://evidence/key",
    "s3a://evidence/key",
    "http://evidence/key",
    "https://evidence.s3.amazonaws.com/key",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "evidence/key",
    "//evidence/key",
    # other hosts, by whatever a URL may say
    "s3://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "s3://[::1]/key",
    "s3://localhost:9000/key",
    "s3://127.0.0.1/key",
    "s3://evidence:443/key",
    "s3://user@evidence/key",
    "s3://evidence@attacker.example/key",
    "s3://evidence#@attacker.example/key",
    "s3://evidence?x=/key",
    "s3://evidence%2Fkey/x",
    "s3://evidence%00/key",
    "s3://evidence\\@attacker.example/key",
    "s3://evidence.attacker.example/key",
    # buckets that are not ours, or are no buckets
    "s3://Evidence/key",
    "s3://evidenc\u0435/key",
    "s3://evidence /key",
    "s3://evidence-2/key",
    "s3://evidenc/key",
    "s3://../evidence/key",
    "s3://arn:aws:s3:::evidence/key",
    "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/mine/key",
    "s3://arn:aws:s3::123456789012:accesspoint:mine.mrap/key",
    "s3://arn:aws:s3-outposts:us-east-1:123456789012:outpost/op-01/accesspoint/mine/key",
    "s3://mine-abcdefghijklmnopqrstuvwxyz12s3alias/key",
    # outside the prefix
    "s3://shared/key",
    "s3://shared/lab-7",
    "s3://shared/lab-70/key",
    "s3://shared/lab-7/../lab-8/key",
    "s3://shared//lab-7/key",
    # keys that a server, a proxy or a person may read in another way
    "s3://evidence/../other/key",
    "s3://evidence/a/../../other/key",
    "s3://evidence/a/..",
    "s3://evidence/.",
    "s3://evidence/./a",
    "s3://evidence//a",
    "s3://evidence/s3://evidence/key",
    "s3://evidence/a//b",
    "s3://evidence/a\\..\\b",
    "s3://evidence/a\0b",
    "s3://evidence/a\r\nHost: attacker.example",
    "s3://evidence/a\x7fb",
    "s3://evidence/a\x85b",
    "s3://evidence/report\u202efdp.exe",
    "s3://evidence/a\u2066b",
    "s3://evidence/a\u200fb",
    "s3://evidence/a\u061cb",
    "s3://evidence/\ud800",
    "s3://evidence/" + "k" * (KEY_BYTES_MAX + 1),
    "s3://evidence/" + "é" * (KEY_BYTES_MAX // 2 + 1),
]


@pytest.mark.parametrize(("s3_url", "address"), GOOD.items(), ids=ascii)
def test_an_address_is_taken_literally(s3_url: str, address: Address) -> None:
    assert s3_urls.parse(s3_url, ALLOWED) == address
    assert address.url == s3_url


@pytest.mark.parametrize("s3_url", HOSTILE, ids=ascii)
def test_an_address_that_could_lead_elsewhere_is_refused_at_its_field(s3_url: str) -> None:
    with pytest.raises(FileNotUsable) as refused:
        s3_urls.parse(s3_url, ALLOWED)
    assert [(e.pointer, e.code) for e in refused.value.errors] == [("#/s3_url", "invalid_value")]


@pytest.mark.parametrize("entry", ["arn:aws:s3:::evidence", "mine-abc-s3alias", "mine--ol-s3", "zonal--use1-az4--x-s3", "mine.mrap"])
def test_an_alias_is_refused_even_if_the_allow_list_names_it(entry: str) -> None:
    with pytest.raises(FileNotUsable):
        s3_urls.parse(f"s3://{entry}/key", (entry,))


def test_without_an_allow_list_nothing_is_allowed() -> None:
    with pytest.raises(FileNotUsable):
        s3_urls.parse("s3://evidence/key", ())


def test_a_prefix_ends_where_a_part_ends_with_or_without_its_slash() -> None:
    assert [s3_urls.split(entry) for entry in ("b", "b/", "b/p", "b/p/", "b/p/q//")] == [
        ("b", ""), ("b", ""), ("b", "p/"), ("b", "p/"), ("b", "p/q/")
    ]  # fmt: skip
