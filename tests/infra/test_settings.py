"""Settings that name buckets: what could lead elsewhere ends the start."""

import pytest

from infra.settings import Settings, SettingsError


def test_buckets_are_named_with_or_without_a_prefix_and_uploads_go_to_the_first_unless_told() -> None:
    given = {"RUNLEDGER_S3_BUCKETS": "evidence, evidence/lab-7/, shared/incoming/"}
    settings = Settings.from_env(given)
    assert (settings.bucket_names, settings.upload_entry) == (("evidence", "shared"), "evidence")
    assert Settings.from_env(given | {"RUNLEDGER_UPLOAD_BUCKET": "shared/incoming/"}).upload_entry == "shared/incoming/"
    assert Settings.from_env(given | {"RUNLEDGER_UPLOAD_BUCKET": "off"}).upload_entry is None
    assert Settings.from_env({"RUNLEDGER_S3_BUCKETS": ","}).upload_entry is None


@pytest.mark.parametrize("entry", ["arn:aws:s3:::evidence", "mine-abc-s3alias", "Evidence", "a", "../x", "evidence:443"])
def test_what_is_no_bucket_is_refused(entry: str) -> None:
    with pytest.raises(SettingsError, match="RUNLEDGER_S3_BUCKETS"):
        Settings.from_env({"RUNLEDGER_S3_BUCKETS": f"evidence,{entry}"})


def test_uploads_go_only_where_files_may_lie() -> None:
    with pytest.raises(SettingsError, match="RUNLEDGER_UPLOAD_BUCKET"):
        Settings.from_env({"RUNLEDGER_UPLOAD_BUCKET": "elsewhere"})
