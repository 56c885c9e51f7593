"""One physical event is told once a channel: by the finding that says most about it."""

from collections import Counter
from collections.abc import Sequence

from workers.analysis.findings import Finding, FindingKind, Severity

RANK = (
    FindingKind.LIMIT_EXCURSION,
    FindingKind.TIME_DISORDER,
    FindingKind.MISSING_SAMPLES,
    FindingKind.SATURATED,
    FindingKind.STUCK,
    FindingKind.LEVEL_STEP,
    FindingKind.SPIKE,
    FindingKind.DRIFT,
)
EDGE_STEPS = 5  # rows by which two detectors may place one edge apart
ALIKE = 0.4  # of the longer interval is common to both
PER_KIND_MAX = 20  # findings of one kind in one channel


def told_once(findings: Sequence[Finding], step_s: float) -> tuple[list[Finding], list[str]]:
    """Findings in the order of time, and notes on how many are left out. `step_s` is the usual time between two rows (or buckets)."""
    kept: list[Finding] = []
    for each in sorted(findings, key=lambda f: (RANK.index(f.kind), -_span(f), f.channel, f.start_s or 0.0)):
        if not any(absorbs(other, each, EDGE_STEPS * step_s) for other in kept):
            kept.append(each)
    counts = Counter((f.channel, f.kind) for f in kept)
    seen: Counter[tuple[str, FindingKind]] = Counter()
    listed = []
    for each in kept:  # the longest of each kind come first
        seen[each.channel, each.kind] += 1
        if seen[each.channel, each.kind] <= PER_KIND_MAX:
            listed.append(each)
    notes = [
        f"{count - PER_KIND_MAX} more findings ({kind.replace('_', ' ')}) in {channel or 'the time axis'} are not listed"
        for (channel, kind), count in counts.items()
        if count > PER_KIND_MAX
    ]
    return sorted(listed, key=lambda f: (f.start_s is not None, f.start_s or 0.0, RANK.index(f.kind), f.channel)), notes


def absorbs(a: Finding, b: Finding, edge_s: float) -> bool:
    """Whether `a`, which ranks no lower, tells the event of `b`."""
    if (a.channel not in {b.channel, ""}) or a.start_s is None or a.end_s is None or b.start_s is None or b.end_s is None:
        return False
    common = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    if a.kind is b.kind:
        same_side = (a.limit and a.limit.high is None) == (b.limit and b.limit.high is None)
        return a.kind is FindingKind.LIMIT_EXCURSION and same_side and common >= 0 and b.start_s >= a.start_s and b.end_s <= a.end_s
    match b.kind:
        case FindingKind.LEVEL_STEP | FindingKind.SPIKE:
            edges = any(abs(x - y) <= edge_s for x in (a.start_s, a.end_s) for y in (b.start_s, b.end_s))
            return edges or common >= ALIKE * max(_span(a), _span(b), 1e-300)
        case FindingKind.DRIFT:
            lasting = a.kind is FindingKind.LEVEL_STEP and a.severity is not Severity.NOTE and abs(a.end_s - b.end_s) <= edge_s
            alike = a.severity is not Severity.NOTE and common >= ALIKE * max(_span(a), _span(b))
            return common >= 0 and (lasting or alike)
        case FindingKind.MISSING_SAMPLES:
            return a.kind is FindingKind.MISSING_SAMPLES or (a.kind is FindingKind.TIME_DISORDER and common >= -edge_s)
        case FindingKind.STUCK | FindingKind.SATURATED:
            told = a.kind is FindingKind.LIMIT_EXCURSION and common >= ALIKE * max(_span(a), _span(b))
            return told or (a.kind is FindingKind.SATURATED and a.value == b.value)
        case _:
            return False


def _span(f: Finding) -> float:
    return (f.end_s or 0.0) - (f.start_s or 0.0)
