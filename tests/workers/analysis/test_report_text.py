"""A report says what was done and found, in bounds, the same every time, and text of users stays text."""

import re
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from domain.reports import SUMMARY_MAX
from tests.workers.analysis import samples
from workers.analysis.analysis import Analysis
from workers.analysis.findings import FindingKind, Limit, Severity
from workers.analysis.report_text import CONTENT_BYTES_MAX, written
from workers.analysis.verdict import Word, word

HOSTILE = "<script>alert(1)</script> ](javascript:alert(1)) `x` | **b**\n\n# h\n<svg onload=alert(1)>\u202e"


def test_a_report_says_what_was_done_and_found():
    text = written(samples.analysis())
    for said in (
        "**Not passed.** 7 of 8 steps (87 %) have an outcome: 4 passed, 1 passed with exception, 1 done, 1 failed, 1 open.",
        "| 1.2 | Undervoltage ramp | **failed** | 2026-04-13 11:02:00 | 2 min 20 s | F1 |",
        "Observed 2026-04-13 11:03:05: “Relay K3 chattered at about 10 V”",
        "Exception: “Re-test once: the first try timed out”",
        "| 2026-04-13 11:02:55.2, 19.7 s | 9.332 V | min 10.5 V | 1.2 | limits/1 |",
        "Limit: “must not fall below 10.5 V” in step 1.2",
        "CSV, 60000 rows, 2026-04-13 11:00:00 to 2026-04-13 11:09:59.99 UTC, 10 min. Read with: unit row, decimal comma.",
        "| motor\\_current | A | 60000 | 0 | 0 | -420e-6 | 4.21 |",
        "- rig.jpg: image/jpeg is no format that holds channels",
        "Run TR-0042 at version 57, scope run. Made by analysis 1, limits 1, spikes 1.",
        "`5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef`",
    ):
        assert said in text.content
    assert text.summary.startswith("Not passed. 7 of 8 steps")
    assert "engineer@example.com" not in text.content


def test_findings_are_numbered_alike_in_tables_sentences_and_pictures():
    content = written(samples.analysis()).content
    assert re.search(r"\| F2 \| anomaly \|", content)
    assert "- **F2** supply\\_voltage jumped" in content
    assert "*Figure 1: supply\\_voltage in motor\\_controller\\_acceptance\\_rev\\_C\\_2026-04-13\\_log.csv, with F1, F2, F4.*" in content
    assert content.count("<svg ") == 2


def test_a_file_without_times_is_told_in_rows():
    log = samples.log_analysis()
    findings = (*tuple(replace(f, start_at=None, end_at=None) for f in log.findings[:2]), replace(log.findings[3], start_s=7, end_s=7))
    content = written(samples.analysis(files=(replace(log, has_times=False, start_at=None, findings=findings),))).content
    assert "| rows 175 to 195 |" in content
    assert "| row 7 |" in content
    assert ">row</text>" in content
    assert "CSV, 60000 rows. Read with" in content
    assert "time in s" not in content


def test_what_concerns_a_whole_file_is_marked_at_each_of_its_channels():
    log = samples.log_analysis()
    whole = replace(log.findings[3], channel="")
    content = written(samples.analysis(files=(replace(log, findings=(*log.findings[:3], whole)),))).content
    assert re.findall(r"\*Figure \d: .*, with (.*)\.\*", content) == ["F1, F2, F4", "F3, F4"]


def test_a_run_without_files_is_told_by_its_outcomes():
    text = written(samples.analysis(files=()))
    assert "No data file was analysed." in text.summary
    assert "## Findings" not in text.content
    assert "## Data files" not in text.content
    assert "**failed**" in text.content


def test_a_run_without_anything_gets_a_report_too():
    text = written(samples.analysis(samples.subject(run={"uuid": str(UUID(int=1)), "test_run_id": "TR-0001", "title": "t"}), files=()))
    assert text.summary == "No outcomes. The run has no steps in scope. No data file was analysed."


def statuses(*every):
    steps = [samples.step(30 + n, "s", status) for n, status in enumerate(every)]
    return {"test_cards": [{"uuid": str(UUID(int=30)), "title": "c", "test_steps": steps}], "test_data": []}


@pytest.mark.parametrize(
    ("every", "verdict"),
    [
        (["passed", "failed", "todo"], Word.NOT_PASSED),
        (["passed", "todo"], Word.INCOMPLETE),
        (["passed", "passed_with_exception", "done"], Word.EXCEPTIONS),
        (["passed", "done"], Word.PASSED),
        ([], Word.NO_OUTCOMES),
    ],
)
def test_the_verdict_follows_from_the_outcomes(every, verdict):
    assert word(samples.analysis(samples.subject(run=samples.run_document() | statuses(*every)), files=())) is verdict


def test_a_passed_run_with_an_anomaly_needs_review():
    about = samples.subject(run=samples.run_document() | statuses("passed"))
    assert word(samples.analysis(about)) is Word.REVIEW


def test_a_contradiction_between_record_and_data_is_told():
    breach = samples.found(
        FindingKind.LIMIT_EXCURSION, Severity.BREACH, "u", "V", 290, 300, 9, "Low.", Limit(unit="V", low=10.5, source="run")
    )
    content = written(samples.analysis(files=(replace(samples.log_analysis(), findings=(breach,)),))).content
    assert (
        "- Step 1.3 Overvoltage 16 V, shutdown within 100 ms is recorded as passed, but a written limit is broken during it: F1." in content
    )


def test_the_same_analysis_gives_the_same_bytes_also_after_a_journey_as_json():
    analysis = samples.analysis()
    again = msgspec.json.decode(msgspec.json.encode(analysis), type=Analysis)
    assert written(analysis) == written(again)


def hostile_analysis(text):
    run = samples.run_document()
    run["title"] = run["description"] = text
    for card in run["test_cards"]:
        card["title"] = text
        for step in card["test_steps"]:
            exception = {"exception": text} if step["execution_status"] == "passed_with_exception" else {}
            step.update({"title": text, "observations": [{"text": text}]} | exception)
    log = samples.log_analysis()
    limit = Limit(unit=text, low=1.0, source=text, text=text)
    findings = tuple(replace(f, channel=text, unit=text, text=text, detector=text, limit=limit) for f in log.findings)
    channels = tuple(replace(c, name=text, unit=text) for c in log.channels)
    traces = tuple(replace(t, channel=text, unit=text) for t in log.traces)
    log = replace(log, file_name=text, format=text, notes=(text,), findings=findings, channels=channels, traces=traces)
    photo = replace(samples.photo_analysis(), file_name=text, failure=text)
    return samples.analysis(samples.subject(run=run, analysis_context=text), (log, photo))


def outside_pictures(content):
    return re.sub(r"(?s)<svg .*?</svg>", "", content)


EVERY = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def check_that_nothing_acts(content):
    tokens = [leaf for token in EVERY.parse(outside_pictures(content)) for leaf in [token, *(token.children or [])]]
    assert not {t.type for t in tokens} & {
        "html_block",
        "html_inline",
        "link_open",
        "image",
        "fence",
        "code_block",
        "blockquote_open",
        "hr",
        "s_open",
    }
    headings = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    assert headings == ["Outcomes", "Findings", "Data files", "Not analysed", "Provenance"]


def test_hostile_text_stays_text_everywhere():
    text = written(hostile_analysis(HOSTILE))
    check_that_nothing_acts(text.content)
    assert "\u202e" not in text.content + text.summary
    assert "\n" not in text.summary


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet=st.characters() | st.sampled_from("<>|`*_[]()#-\\&;\n~!"), min_size=1, max_size=80))
def test_any_text_stays_text_everywhere(text):
    check_that_nothing_acts(written(hostile_analysis(text)).content)


def huge_analysis():
    """As much of everything as a run may hold, in characters that take the most room."""
    long = "|\N{GRINNING FACE}" * 127
    steps = [
        samples.step(1_000_000 + n, long, "passed_with_exception", 1, 2, exception=long, observations=[{"text": long}] * 3)
        for n in range(4_000)
    ]
    run = samples.run_document()
    run["test_cards"] = [{"uuid": str(UUID(int=500_000 + n)), "title": long, "test_steps": steps[n::20]} for n in range(20)]
    log = samples.log_analysis()
    many = tuple(
        replace(log.findings[n % 4], text=long, channel=str(n % 40), start_at=samples.START + timedelta(seconds=1)) for n in range(1_000)
    )
    wild = tuple(replace(log.traces[0], channel=str(n), low=[-1e9] * 600, high=[float(i) for i in range(600)]) for n in range(40))
    logs = [replace(log, file_id=UUID(int=10_000 + n), file_name=long, channels=log.channels * 60) for n in range(40)]
    failed = [replace(samples.photo_analysis(), file_id=UUID(int=20_000 + n), file_name=long, failure=long) for n in range(1_000)]
    return samples.analysis(samples.subject(run=run), (replace(log, findings=many, traces=wild, file_name=long), *logs, *failed))


def test_the_largest_report_stays_in_bounds_and_says_what_it_leaves_out():
    text = written(huge_analysis())
    assert len(text.content.encode()) <= CONTENT_BYTES_MAX
    assert len(text.summary) <= SUMMARY_MAX
    assert text.content.count("more, left out for length") >= 5
    assert text.content.count("<svg ") == 12
    assert "more files analysed; their figures are left out for length." in text.content
