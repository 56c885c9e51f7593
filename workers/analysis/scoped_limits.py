"""Which written limits hold for a file: those of the steps and cards that it belongs to, else all in scope."""

from uuid import UUID

from workers.analysis.findings import Limit
from workers.analysis.limit_texts import limits_in
from workers.analysis.subject import Subject

CONTEXT = "analysis context"


def of_file(subject: Subject, file_id: UUID) -> list[Limit]:
    """Limits of the file's own cards and steps, in the order of the run; a step's file also keeps the limits of its card."""
    own = subject.associations(file_id)
    whole_cards = {a.test_card_id for a in own if a.test_step_id is None}
    cards, steps = {a.test_card_id for a in own}, {a.test_step_id for a in own}
    limits: list[Limit] = [] if own else limits_in(_text(subject.run.title, subject.run.description), "run")
    for card in subject.cards():
        if not own or card.card.uuid in cards:
            limits += limits_in(_text(card.card.title, card.card.description), card.source)
        for step in card.steps:
            if not own or card.card.uuid in whole_cards or step.step.uuid in steps:
                limits += limits_in(_text(step.step.title, step.step.description), step.source)
    return limits + limits_in(subject.analysis_context, CONTEXT)


def _text(title: str, description: str) -> str:
    return f"{title}\n{description}"
