"""From a run's document and its files to a report: by function, and by the program that the worker starts."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from tests.workers.analysis import samples
from workers.analysis.__main__ import Answer
from workers.analysis.analysis import LocalFile, analyse
from workers.analysis.bounds import Bounds
from workers.analysis.findings import FindingKind, Severity
from workers.analysis.report_text import written

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    samples.recording(folder / "file-1")
    (folder / "file-2").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    return (
        LocalFile(file_id=samples.LOG, file_name="motor_test_log.csv", path=str(folder / "file-1"), content_type="text/csv", sha256="5f70"),
        LocalFile(file_id=samples.PHOTO, file_name="rig.jpg", path=str(folder / "file-2"), content_type="image/jpeg"),
        LocalFile(file_id=UUID(int=903), file_name="huge.csv", absence="The files of one report may have 2 bytes together."),
    )


@pytest.fixture(scope="module")
def analysis(files):
    return analyse(samples.subject(), files, Bounds())


def found(analysis, kind, channel):
    return [c for c in analysis.findings if c.finding.kind is kind and c.finding.channel == channel]


def test_an_undervoltage_breaks_the_limit_of_the_step_during_which_it_happened(analysis):
    [cited] = [c for c in analysis.findings if c.finding.severity is Severity.BREACH]
    assert (cited.finding.kind, cited.finding.channel) == (FindingKind.LIMIT_EXCURSION, "supply_voltage")
    assert (cited.finding.limit.low, cited.finding.limit.source) == (10.5, 'step 1.2 "Undervoltage ramp"')
    assert cited.step_ids == (UUID(int=12),)


def test_spike_drift_and_gap_are_found_and_placed(analysis):
    assert [c.step_ids for c in found(analysis, FindingKind.SPIKE, "supply_voltage")] == [(UUID(int=13),)]
    assert found(analysis, FindingKind.DRIFT, "housing_temperature")
    gaps = [c for c in analysis.findings if c.finding.kind is FindingKind.MISSING_SAMPLES]
    assert [c.step_ids for c in gaps] == [(UUID(int=21),)]


def test_files_that_cannot_be_read_are_findings_and_no_failure(analysis):
    assert {c.file_name for c in analysis.findings if c.finding.kind is FindingKind.UNREADABLE_FILE} == {"rig.jpg", "huge.csv"}
    content = written(analysis).content
    assert "- huge.csv: The files of one report may have 2 bytes together." in content
    assert "| motor\\_test\\_log.csv | 0 B | `5f70` | none |" in content


def test_pictures_show_the_channels_of_findings_with_their_limits(analysis):
    content = written(analysis).content
    assert "min 10.5 V</text>" in content
    assert "*Figure 1: supply\\_voltage in motor\\_test\\_log.csv, with F1" in content


def test_every_tool_is_named_with_its_version(analysis):
    assert {"analysis", "opening", "limit_excursions", "spikes", "drift"} <= {tool.part for tool in analysis.tools}
    assert {c.finding.detector for c in analysis.findings} <= {f"{tool.part}/{tool.version}" for tool in analysis.tools}


def test_traces_that_no_report_draws_are_dropped(files):
    [log, *_] = files
    many = [msgspec.structs.replace(log, file_id=UUID(int=n)) for n in range(1, 9)]
    kept = [trace for file in analyse(samples.subject(), many, Bounds()).files for trace in file.traces]
    assert len(kept) < sum(3 for _ in many)


def test_the_program_answers_the_same_bytes_every_time(files, tmp_path):
    request = {"subject": samples.subject(), "files": files, "language": "not ours to read"}
    (tmp_path / "request.json").write_bytes(msgspec.json.encode(request))
    answers = []
    for name in ("a.json", "b.json"):
        subprocess.run([sys.executable, "-m", "workers.analysis", tmp_path / "request.json", tmp_path / name], cwd=ROOT, check=True)
        answers.append((tmp_path / name).read_bytes())
    assert answers[0] == answers[1]
    answer = msgspec.json.decode(answers[0], type=Answer)
    assert answer.content == written(analyse(samples.subject(), files, Bounds())).content
    assert answer.summary.startswith("Not passed.")
    assert not any(file.traces for file in answer.analysis.files)
