"""What an analysis is about: the run as its document shows it, and which part of it was asked for."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain.reports import Scope
from domain.steps import ExecutionStatus


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    created_by: str = ""
    created_at: datetime | None = None
    observed_at: datetime | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Times are as claimed by the client, naive UTC."""

    uuid: UUID
    title: str
    description: str = ""
    execution_status: ExecutionStatus = ExecutionStatus.TODO
    exception: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    observations: tuple[Observation, ...] = ()


class Card(msgspec.Struct, frozen=True, kw_only=True):
    uuid: UUID
    title: str
    description: str = ""
    test_steps: tuple[Step, ...] = ()


class Association(msgspec.Struct, frozen=True, kw_only=True):
    test_card_id: UUID
    test_step_id: UUID | None = None


class DataFile(msgspec.Struct, frozen=True, kw_only=True):
    uuid: UUID
    file_name: str
    file_size: int = 0
    associations: tuple[Association, ...] = ()


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a run's document that an analysis reads; it passes over the others."""

    uuid: UUID
    test_run_id: str
    title: str
    description: str = ""
    system_name: str = ""
    test_cards: tuple[Card, ...] = ()
    test_data: tuple[DataFile, ...] = ()


class NumberedStep(NamedTuple):
    """`number` is how a report names it: the third step of the second card is `2.3`."""

    number: str
    card: Card
    step: Step

    @property
    def source(self) -> str:
        """How a limit says that it stands in this step's text."""
        return f'step {self.number} "{self.step.title}"'


class NumberedCard(NamedTuple):
    """`steps` are those in scope."""

    number: str
    card: Card
    steps: tuple[NumberedStep, ...]

    @property
    def source(self) -> str:
        return f'card {self.number} "{self.card.title}"'


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The run at its version `run_version`, and the part in scope: all of it, a card, or a step of a card."""

    run: Run
    run_version: int
    scope: Scope = Scope.RUN
    card_id: UUID | None = None
    step_id: UUID | None = None
    analysis_context: str = ""

    def cards(self) -> tuple[NumberedCard, ...]:
        """The cards in scope with their steps in scope, numbered as in the whole run."""
        return tuple(
            NumberedCard(str(number), card, tuple(self._steps(number, card)))
            for number, card in enumerate(self.run.test_cards, 1)
            if self.scope is Scope.RUN or card.uuid == self.card_id
        )

    def steps(self) -> tuple[NumberedStep, ...]:
        return tuple(step for card in self.cards() for step in card.steps)

    def associations(self, file_id: UUID) -> tuple[Association, ...]:
        return next((file.associations for file in self.run.test_data if file.uuid == file_id), ())

    def _steps(self, card_number: int, card: Card) -> Iterator[NumberedStep]:
        for number, step in enumerate(card.test_steps, 1):
            if self.scope is not Scope.STEP or step.uuid == self.step_id:
                yield NumberedStep(f"{card_number}.{number}", card, step)
