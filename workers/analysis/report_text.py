"""The report as text: a summary of one paragraph, and the whole as Markdown with pictures."""

from collections.abc import Iterator

import msgspec

from domain.reports import SUMMARY_MAX
from workers.analysis import report_files, report_findings, report_outcomes, verdict
from workers.analysis.analysis import Analysis
from workers.analysis.correlation import Cited
from workers.analysis.findings import Severity
from workers.analysis.plain import escaped, one_line
from workers.analysis.tables import items, named

CONTENT_BYTES_MAX = 400_000
WORST_MAX = 3  # findings named in the summary
CONTRADICTIONS_BYTES_MAX = 8_000


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """`summary` is plain text of SUMMARY_MAX characters at most; `content` is Markdown of CONTENT_BYTES_MAX at most."""

    summary: str
    content: str


def written(analysis: Analysis) -> Text:
    """The same analysis gives the same text, byte for byte. What users wrote stays text in it."""
    parts = [
        *_verdict(analysis),
        *report_outcomes.outcomes(analysis),
        *report_findings.findings(analysis),
        *report_files.files(analysis),
        *report_files.not_analysed(analysis),
        *report_files.provenance(analysis),
    ]
    return Text(summary=summary(analysis), content="\n".join(parts))


def summary(analysis: Analysis) -> str:
    worst = [one_line(c.finding.text, 160).rstrip(".") + "." for _, c in _worst(analysis)]
    return one_line(" ".join([f"{verdict.word(analysis)}.", *verdict.sentences(analysis), *worst]), SUMMARY_MAX)


def _worst(analysis: Analysis) -> list[tuple[int, Cited]]:
    told = verdict.finding_numbers(analysis)
    return [*told[Severity.BREACH], *told[Severity.ANOMALY]][:WORST_MAX]


def _verdict(analysis: Analysis) -> Iterator[str]:
    worst = [f"{escaped(c.finding.text.rstrip('.'), 300)} (F{n})." for n, c in _worst(analysis)]
    yield from [" ".join([f"**{verdict.word(analysis)}.**", *verdict.sentences(analysis), *worst]), ""]
    if contradicted := verdict.contradictions(analysis):
        yield from items(map(_contradiction, contradicted), CONTRADICTIONS_BYTES_MAX)


def _contradiction(found: verdict.Contradiction) -> str:
    step = found.step.step
    recorded = f"Step {found.step.number} {escaped(step.title, 100)} is recorded as {verdict.STATUS_WORDS[step.execution_status]}"
    return f"{recorded}, but a written limit is broken during it: {named(found.findings)}."
