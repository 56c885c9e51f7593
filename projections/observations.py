"""Observations as seen at their step."""

from domain.changes import Change
from domain.observations import ObservationDeleted, ObservationEdited, ObservationRecorded
from projections.rows import Rows
from projections.steps import STEPS
from projections.tables import Table

OBSERVATIONS = Table(
    "observations",
    "observation_id",
    "run_id",
    {
        "observation_id": "uuid NOT NULL",
        "step_id": "uuid NOT NULL",
        "run_id": "uuid NOT NULL",
        "text": "text NOT NULL",
        "observed_at": "timestamptz",
        "created_by": "uuid NOT NULL",
        "created_at": "timestamptz NOT NULL",
        "updated_at": "timestamptz NOT NULL",
        "recorded": "integer NOT NULL",
        "deleted": "boolean NOT NULL",
        "version": "integer NOT NULL",
    },
    ("(run_id)",),
)


def project(change: Change, rows: Rows) -> None:
    observation, event = change.stream_id, change.event
    match event:
        case ObservationRecorded():
            rows.put(
                OBSERVATIONS,
                observation,
                step_id=event.step_id,
                run_id=change.root_id,
                text=event.text,
                observed_at=event.observed_at,
                created_by=change.actor_id,
                created_at=change.at,
                updated_at=change.at,
                recorded=change.wide,
                deleted=False,
                version=change.version,
            )
        case ObservationEdited():
            rows.set(OBSERVATIONS, observation, text=event.text, observed_at=event.observed_at)
        case ObservationDeleted():
            rows.set(OBSERVATIONS, observation, deleted=True)
    rows.set(OBSERVATIONS, observation, version=change.version, updated_at=change.at)
    rows.set(STEPS, change.after.step_id, updated_at=change.at)
