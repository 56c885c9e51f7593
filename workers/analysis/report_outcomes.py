"""The part of a report on what the run says was done: a table of all steps, and the words on those that did not simply pass."""

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from domain.steps import ExecutionStatus
from workers.analysis import figures
from workers.analysis.analysis import Analysis
from workers.analysis.plain import escaped, one_line
from workers.analysis.subject import NumberedCard, NumberedStep, Step
from workers.analysis.tables import items, named, table
from workers.analysis.verdict import STATUS_WORDS

TABLE_BYTES_MAX = 50_000
WORDS_BYTES_MAX = 30_000
TITLE_MAX = 100  # characters, as of every text here
TEXT_MAX = 400


def outcomes(analysis: Analysis) -> list[str]:
    cards = analysis.subject.cards()
    if not cards:
        return ["## Outcomes", "", "The run has no cards in scope.", ""]
    found = _found(analysis)
    rows = (row for card in cards for row in _card_rows(card, found))
    lines = table(["", "Step", "Status", "Started (UTC)", "Duration", "Findings"], "llllrl", rows, TABLE_BYTES_MAX)
    words = [_words(step, found) for step in analysis.subject.steps() if _is_remarkable(step.step)]
    told = ["### Failures, exceptions and observations", "", *items(words, WORDS_BYTES_MAX)] if words else []
    return ["## Outcomes", "", *lines, *told]


def _found(analysis: Analysis) -> dict[UUID, list[int]]:
    found = defaultdict(list)
    for number, cited in enumerate(analysis.findings, 1):
        for step_id in cited.step_ids:
            found[step_id].append(number)
    return found


def _card_rows(card: NumberedCard, found: dict[UUID, list[int]]) -> Iterator[tuple[str, ...]]:
    done = sum(s.step.execution_status is not ExecutionStatus.TODO for s in card.steps)
    progress = f"*{done} of {len(card.steps)}*" if card.steps else "*no steps*"
    yield f"*{card.number}*", f"*{escaped(card.card.title, TITLE_MAX)}*", progress, "", "", ""
    for numbered in card.steps:
        step = numbered.step
        yield (
            numbered.number,
            escaped(step.title, TITLE_MAX),
            status(step.execution_status),
            figures.moment(step.started_at) if step.started_at else "",
            _duration(step),
            named(found.get(step.uuid, [])),
        )


def status(execution_status: ExecutionStatus) -> str:
    """Strong where it alarms."""
    text = STATUS_WORDS[execution_status]
    return f"**{text}**" if execution_status is ExecutionStatus.FAILED else text


def _duration(step: Step) -> str:
    if not step.started_at or not step.ended_at:
        return ""
    return figures.duration((step.ended_at - step.started_at).total_seconds())


def _is_remarkable(step: Step) -> bool:
    return bool(step.exception or step.observations) or step.execution_status in (
        ExecutionStatus.FAILED,
        ExecutionStatus.PASSED_WITH_EXCEPTION,
    )


def _words(numbered: NumberedStep, found: dict[UUID, list[int]]) -> str:
    """Who observed something is not named: a report is evidence, and people may be erased."""
    step = numbered.step
    said = [f"**{numbered.number} {escaped(step.title, TITLE_MAX)}** ({STATUS_WORDS[step.execution_status]})"]
    if step.exception:
        said.append(f"Exception: {_quoted(step.exception)}")
    for observation in step.observations:
        at = observation.observed_at or observation.created_at
        said.append(f"Observed{f' {figures.moment(at)}' if at else ''}: {_quoted(observation.text)}")
    if numbers := found.get(step.uuid):
        said.append(f"Findings during it: {named(numbers)}")
    return ". ".join(said) + "."


def _quoted(text: str) -> str:
    """In quotation marks, without a full stop of its own at the end."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{escaped(one_line(text).rstrip('.'), TEXT_MAX)}\N{RIGHT DOUBLE QUOTATION MARK}"
