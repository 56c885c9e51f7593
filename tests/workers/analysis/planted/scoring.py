"""Precision and recall of what is found against what was planted."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from tests.workers.analysis.planted.faults import Truth
from tests.workers.analysis.planted.recordings import Held
from tests.workers.analysis.planted.sets import File
from workers.analysis.examining import examine
from workers.analysis.findings import FileAnalysis, Finding, FindingKind, Severity
from workers.analysis.limit_texts import limits_in

FILE_ID = UUID(int=1)


class Score:
    """`hits`, `false` and `missed` by kind; `wrong` names each false and missed one."""

    def __init__(self) -> None:
        self.hits: Counter[FindingKind] = Counter()
        self.false: Counter[FindingKind] = Counter()
        self.missed: Counter[FindingKind] = Counter()
        self.files = 0
        self.wrong: list[str] = []

    @property
    def precision(self) -> float:
        return self.hits.total() / max(self.hits.total() + self.false.total(), 1)

    @property
    def recall(self) -> float:
        return self.hits.total() / max(self.hits.total() + self.missed.total(), 1)

    def told(self, title: str) -> str:
        rows = [f"{title}: {self.files} files, precision {self.precision:.3f}, recall {self.recall:.3f}"]
        rows += [
            f"  {kind:16} planted {self.hits[kind] + self.missed[kind]:3}  found {self.hits[kind]:3}  missed {self.missed[kind]:2}  false {self.false[kind]:2}"
            for kind in FindingKind
            if self.hits[kind] + self.missed[kind] + self.false[kind]
        ]
        return "\n".join([*rows, *self.wrong])


def examined(file: File) -> FileAnalysis:
    """As a report would: the file, and the limits of the procedure's text."""
    recording, _, text = file.planted
    table = Held(recording.times, {signal.channel: signal.values for signal in recording.signals.values()})
    return examine(FILE_ID, file.name, table, limits_in(text, "step"))


def score(files: Iterable[File]) -> Score:
    """A finding hits a truth of the same kind and channel whose interval it overlaps; each truth is hit once, a second finding is false.

    Notes are no alarms and count as neither.
    """
    total = Score()
    for file in files:
        total.files += 1
        left = list(file.planted.truths)
        for finding in examined(file).findings:
            if finding.severity is Severity.NOTE:
                continue
            hit = next((truth for truth in left if matches(finding, truth)), None)
            if hit is None:
                total.false[finding.kind] += 1
                total.wrong.append(f"  false in {file.name}: {finding.text}")
            else:
                left.remove(hit)
                total.hits[finding.kind] += 1
        for truth in left:
            total.missed[truth.kind] += 1
            total.wrong.append(f"  missed in {file.name}: {truth}")
    return total


def matches(finding: Finding, truth: Truth) -> bool:
    if finding.start_s is None or finding.end_s is None:
        return False
    return (
        (finding.kind, finding.channel) == (truth.kind, truth.channel) and finding.start_s <= truth.end_s and finding.end_s >= truth.start_s
    )
