"""Every event type, written out, and how each kind of stream folds its events."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from domain import assets, card_templates, cards, data_files, issue_links, issues, observations, reports, runs, steps, systems, tokens
from domain.events import Event, name_of


class Kind(StrEnum):
    """What a stream is about."""

    RUN = "run"
    CARD = "card"
    STEP = "step"
    OBSERVATION = "observation"
    FILE = "file"
    REPORT = "report"
    SYSTEM = "system"
    ASSET = "asset"
    ISSUE = "issue"
    CARD_TEMPLATE = "card_template"
    TOKEN = "token"


EVENTS: tuple[type[Event], ...] = (
    runs.RunCreated,
    runs.RunEdited,
    runs.RunAssetsChanged,
    runs.RunClosed,
    runs.RunReopened,
    runs.RunDeleted,
    runs.RunRestored,
    runs.CardsReordered,
    cards.CardAdded,
    cards.CardEdited,
    cards.CardMoved,
    cards.CardDeleted,
    cards.CardRestored,
    cards.StepsReordered,
    steps.StepAdded,
    steps.StepEdited,
    steps.StepMoved,
    steps.StepOutcomeRecorded,
    steps.StepDeleted,
    steps.StepRestored,
    observations.ObservationRecorded,
    observations.ObservationEdited,
    observations.ObservationDeleted,
    data_files.FileRegistered,
    data_files.FileVerified,
    data_files.FileAssociated,
    data_files.FileDissociated,
    data_files.FileDeleted,
    data_files.FileRestored,
    reports.ReportRequested,
    reports.ReportStarted,
    reports.ReportCompleted,
    reports.ReportFailed,
    reports.ReportCancelled,
    issue_links.IssueLinked,
    issue_links.IssueUnlinked,
    systems.SystemCreated,
    systems.SystemEdited,
    systems.SystemDeleted,
    systems.SystemRestored,
    assets.AssetCreated,
    assets.AssetEdited,
    assets.AssetDeleted,
    assets.AssetRestored,
    issues.IssueCreated,
    issues.IssueEdited,
    issues.IssueDeleted,
    issues.IssueRestored,
    card_templates.CardTemplateCreated,
    card_templates.CardTemplateEdited,
    card_templates.CardTemplateDeleted,
    card_templates.CardTemplateRestored,
    tokens.TokenIssued,
    tokens.TokenRevoked,
)

BY_NAME: dict[str, type[Event]] = {name_of(e): e for e in EVENTS}

EVOLVE: dict[Kind, Callable[[Any, Event], Any]] = {
    Kind.RUN: runs.evolve,
    Kind.CARD: cards.evolve,
    Kind.STEP: steps.evolve,
    Kind.OBSERVATION: observations.evolve,
    Kind.FILE: data_files.evolve,
    Kind.REPORT: reports.evolve,
    Kind.SYSTEM: systems.evolve,
    Kind.ASSET: assets.evolve,
    Kind.ISSUE: issues.evolve,
    Kind.CARD_TEMPLATE: card_templates.evolve,
    Kind.TOKEN: tokens.evolve,
}
