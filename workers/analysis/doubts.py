"""Whether the words of a language model say what the evidence says: the first doubt, in words, or none."""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from workers.analysis import claims
from workers.analysis.claims import STATUSES, Claims, Quantity
from workers.analysis.evidence import Evidence, FindingSeen, as_spoken
from workers.analysis.findings import Severity
from workers.analysis.plain import one_line
from workers.analysis.verdict import Word

NAMED_MAX = 40  # characters of what a doubt names

QUOTED = re.compile('["\N{LEFT DOUBLE QUOTATION MARK}]([^"\N{RIGHT DOUBLE QUOTATION MARK}]*)["\N{RIGHT DOUBLE QUOTATION MARK}]')
SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
CITED = re.compile(r" ?\(F\d+(?:, F\d+)*\)")
WORD = re.compile(r"[^\W\d]\w*")
MARKUP = re.compile(r"[<>`|{}\[\]\\#*~^]|\S@\S|\w:/|\bwww\.|[a-z]\.[a-z]{2}|mailto:", re.IGNORECASE)
ECHO = re.compile(
    r"\b(?:ignor\w*|disregard\w*|overrid\w*|instruct\w*|prompts?|as an ai|language model|assistant|you|your|please|sorry)\b|\bI\b|\bI'm\b",
    re.IGNORECASE,
)
AMOUNT = re.compile(
    r"\b(?:hundreds?|thousands?|millions?|billions?|dozens?|half|halves|thirds?|quarters?|fifths?|twice|thrice|doubled?|tripled?|"
    r"(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|\w*fold|most|mostly|majority|minority|few|several|many)\b",
    re.IGNORECASE,
)
DENIED = re.compile(
    r"\b(?:no|not|none|never|without|nothing|neither|nor|nobody|free of|lack\w*|absen\w*|cannot|hardly)\b|n't\b", re.IGNORECASE
)
JUDGED = re.compile(
    r"\b(?:pass\w*|fail\w*|limits?|breach\w*|anomal\w*|excursions?|findings?|issues?|problems?|faults?|errors?|exceptions?|exceed\w*|violat\w*|"
    r"wrong|concern\w*|defect\w*|unusual|abnormal\w*|deviat\w*|outcomes?|steps?)\b",
    re.IGNORECASE,
)
PRAISED = re.compile(
    r"\b(?:all|every|everything|entire\w*|any|success\w*|flawless\w*|fine|healthy|complian\w*|conform\w*|approv\w*|accept\w*|safe\w*|nominal\w*|"
    r"satisf\w*|meets?|met|within|in spec\w*|expected|normal\w*|ok|okay|pass|passes|passing|certif\w*|clean|perfect\w*|correct\w*|harmless|"
    r"benign|negligible|insignificant|stable|good|green|resolved|ready)\b",
    re.IGNORECASE,
)
BROKEN = re.compile(r"\b(?:breach\w*|violat\w*|exceed\w*|broke\w*|excursions?)\b", re.IGNORECASE)
STATUS = re.compile("|".join(f"(?P<s{n}>\\b(?:{words})\\b)" for n, words in enumerate(STATUSES.values())), re.IGNORECASE)


class Passage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=600)]
    cites: Annotated[list[str], Meta(max_length=60)]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model answers. The summary may speak of every finding, a passage of those that it cites."""

    summary: Annotated[str, Meta(min_length=1, max_length=350)]
    narrative: Annotated[list[Passage], Meta(min_length=1, max_length=20)]


def first(answer: Answer, evidence: Evidence) -> str | None:
    """What "it" did, as `named 14.2 V, which is in no finding`."""
    everything = [finding.id for finding in evidence.findings]
    passages = [Passage(answer.summary, everything), *answer.narrative]
    return next((doubt for passage in passages for doubt in _doubts(passage, evidence)), None)


def cited(passage: Passage) -> list[str]:
    """The findings that a passage names, in brackets of its own or beside them, each once."""
    return list(dict.fromkeys([*passage.cites, *claims.claims(passage.text).findings]))


def _doubts(passage: Passage, evidence: Evidence) -> Iterator[str]:
    known = {finding.id: finding for finding in evidence.findings}
    names = cited(passage)
    yield from (f"cited {_named(name)}, which is no finding" for name in names if name not in known)
    findings = [known[name] for name in names if name in known]
    text = QUOTED.sub("this", passage.text)
    yield from _form(passage.text, text, findings, evidence)
    ours = _sentences(findings, evidence)
    others = [sentence for sentence in SENTENCE_END.split(text) if _bare(sentence) not in ours]
    yield from _figures([claims.claims(sentence) for sentence in others], findings, evidence)
    for sentence in others:
        yield from _judgements(sentence, findings, evidence)


def _form(text: str, unquoted: str, findings: list[FindingSeen], evidence: Evidence) -> Iterator[str]:
    if not text.isprintable() or MARKUP.search(unquoted) or '"' in unquoted:
        yield "held markup, a link or an address"
    known = {_spoken(name) for name in [*_names(findings), evidence.title, *(step.title for step in evidence.steps)]}
    yield from (f"quoted {_named(name)}, which is no name of what it cites" for name in QUOTED.findall(text) if _spoken(name) not in known)
    for channel in {finding.channel for finding in findings}:
        unquoted = as_spoken(channel).sub("this", unquoted)
    others = sorted({finding.channel for finding in evidence.findings} - {finding.channel for finding in findings})
    yield from (f"named {_named(name)}, of which it cites no finding" for name in others if as_spoken(name).search(unquoted))
    if not unquoted.isascii():
        foreign = {word for word in WORD.findall(unquoted) if not word.isascii()} - set(WORD.findall(_ours(findings)))
        yield from (f"used the word {_named(word)}" for word in sorted(foreign))


def _figures(said: list[Claims], findings: list[FindingSeen], evidence: Evidence) -> Iterator[str]:
    quantities = [*_quantities(findings), *_counts(evidence)]
    moments = {moment for finding in findings for moment in (finding.start, finding.end)} | _times(evidence)
    steps = _steps(findings, evidence)
    words = {word for word in re.findall(r"\w+", " ".join(_names(findings))) if not word[0].isdigit()}
    for each in said:
        unknown = [
            *(claimed.text for claimed in each.quantities if not any(claims.supports(known, claimed) for known in quantities)),
            *(moment for moment in each.moments if not any(claims.is_moment_of(known, moment) for known in moments)),
            *(f"step {number}" for number in each.steps if number not in steps),
            *(word for word in re.findall(r"\w*\d\w*", each.rest) if word not in words),
        ]
        yield from (f"named {_named(text)}, which is in no finding" for text in unknown)


def _judgements(sentence: str, findings: list[FindingSeen], evidence: Evidence) -> Iterator[str]:
    """What is said of outcomes beside the counts, and how it is said."""
    if evidence.verdict == Word.NOT_PASSED:
        sentence = re.sub(re.escape(evidence.verdict), "this", sentence, flags=re.IGNORECASE)
    if echo := ECHO.search(sentence):
        yield f"spoke of {_named(echo[0])!r}, which is no part of a finding"
    if amount := AMOUNT.search(sentence):
        yield f"counted in words ({_named(amount[0])!r})"
    if (denied := DENIED.search(sentence)) and JUDGED.search(sentence):
        yield f"denied something ({_named(denied[0])!r}), which no finding does"
    if evidence.verdict != Word.PASSED and (praised := PRAISED.search(sentence)):
        yield f"said {_named(praised[0])!r} of a run with the verdict {evidence.verdict!r}"
    if (broken := BROKEN.search(sentence)) and Severity.BREACH not in {finding.severity for finding in findings}:
        yield f"said {_named(broken[0])!r}, but it cites no broken limit"
    yield from _statuses(sentence, findings, evidence)


def _statuses(sentence: str, findings: list[FindingSeen], evidence: Evidence) -> Iterator[str]:
    """A status that is no count is that of the step named before it, else after it, else of the run."""
    statuses = _steps(findings, evidence)
    uncounted = claims.COUNT.sub(" ", claims.SHARE.sub(" ", claims.plain(sentence)))
    steps = list(claims.STEP.finditer(uncounted))
    for found in STATUS.finditer(uncounted):
        name = list(STATUSES)[int(str(found.lastgroup)[1:])]
        owner = next((s for s in reversed(steps) if s.end() <= found.start()), steps[0] if steps else None)
        numbers = re.findall(r"\d+\.\d+", owner[1]) if owner else []
        if numbers and any(f"steps {statuses.get(number, '')}" != name for number in numbers):
            yield f"said {_named(found[0])!r} of step {numbers[0]}"
        if not numbers and name == "steps passed" and evidence.verdict not in (Word.PASSED, Word.EXCEPTIONS):
            yield f"said {_named(found[0])!r} of a run with the verdict {evidence.verdict!r}"
        if not numbers and not evidence.counts.get(name):
            yield f"said {_named(found[0])!r}, which no step did"


def _sentences(findings: list[FindingSeen], evidence: Evidence) -> set[str]:
    """Our own sentences, which stand as they are. A text of several is none, for a name in it may have made two of one."""
    return {_bare(text) for text in [*evidence.sentences, *(f.text for f in findings if len(SENTENCE_END.split(f.text)) == 1)]}


def _bare(sentence: str) -> str:
    return CITED.sub("", sentence).rstrip(".")


def _quantities(findings: Iterable[FindingSeen]) -> Iterator[Quantity]:
    """What our own words in a finding say; a figure in the name of a channel or a file is none."""
    for finding in findings:
        yield from claims.claims(_without_names(finding)).quantities
        yield from (quantity for limit in finding.limits for quantity in claims.claims(limit).quantities)
        yield from claims.measured(finding.value, finding.unit)
        yield from (quantity for at in (finding.start_s, finding.end_s) for quantity in claims.measured(at, "s"))
        if finding.start_s is not None and finding.end_s is not None:
            yield from claims.measured(finding.end_s - finding.start_s, "s")


def _counts(evidence: Evidence) -> Iterator[Quantity]:
    yield from (quantity for sentence in evidence.sentences for quantity in claims.claims(sentence).quantities)
    for name, count in evidence.counts.items():
        yield from (each._replace(unit=name) for each in claims.measured(count, ""))
    if total := evidence.counts.get("steps"):
        yield from claims.measured(100 * evidence.counts["steps with an outcome"] / total, "%")


def _times(evidence: Evidence) -> set[str]:
    return {moment for sentence in evidence.sentences for moment in claims.claims(sentence).moments}


def _steps(findings: list[FindingSeen], evidence: Evidence) -> dict[str, str]:
    """Number and status of the steps that may be named."""
    return {step.number: step.status for step in [*evidence.steps, *(step for finding in findings for step in finding.steps)]}


def _names(findings: list[FindingSeen]) -> set[str]:
    return {name for f in findings for name in (f.channel, f.file, *(step.title for step in f.steps))}


def _ours(findings: list[FindingSeen]) -> str:
    return " ".join([*(f"{finding.text} {finding.unit}" for finding in findings), *_names(findings)])


def _without_names(finding: FindingSeen) -> str:
    return as_spoken(finding.file).sub("this", as_spoken(finding.channel).sub("this", finding.text))


def _spoken(name: str) -> str:
    return name.replace("_", " ").casefold()


def _named(text: str) -> str:
    return one_line(text, NAMED_MAX)
