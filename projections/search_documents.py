"""What can be found: one row for each run, card, step, observation and report, with the text that is searched.

An observation is a row of its own and counts as its step, so that no row depends on another one's text.
"""

import re

from domain.cards import CardAdded, CardDeleted, CardEdited, CardRestored
from domain.changes import Change
from domain.differences import told
from domain.observations import ObservationDeleted, ObservationEdited, ObservationRecorded
from domain.reports import ReportCompleted, ReportRequested
from domain.runs import RunCreated, RunDeleted, RunEdited, RunRestored, number_text
from domain.steps import Step, StepAdded, StepDeleted, StepEdited, StepOutcomeRecorded, StepRestored
from projections.quantities import identifiers, joined, measures
from projections.rows import Rows
from projections.tables import Table

BODY_CHARACTERS_MAX = 100_000  # PostgreSQL takes a megabyte of lexemes
_PICTURES = re.compile(r"<svg.*?</svg>", re.DOTALL)

# A number with its unit is one word, whether or not a space stands between; so is an identifier with its hyphens, and "pre-charge" is "precharge" too.
# Most texts have no number or no hyphen: to see that costs a hundredth of looking for what is made of them.
# In plpgsql a session plans it once; a function in SQL, which is put in place of its call, is planned anew by every statement that writes a
# document, and that takes 500 us. It names no function of ours, so that it works whatever the search path, as in a restore.
_CODED = "(code || ' ' || title)"
FUNCTIONS = (
    f"""CREATE OR REPLACE FUNCTION searched(code text, title text, body text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    DECLARE words tsvector := to_tsvector('pg_catalog.english', title);
    BEGIN
      IF strpos(title, '-') > 0 THEN words := words || to_tsvector('pg_catalog.english', {joined("title")}); END IF;
      words := setweight(words, 'A') || setweight(to_tsvector('pg_catalog.english', body), 'B');
      IF strpos(body, '-') > 0 THEN words := words || setweight(to_tsvector('pg_catalog.english', {joined("body")}), 'B'); END IF;
      IF title ~ '[0-9]' THEN words := words || setweight(array_to_tsvector({measures("title")}), 'A'); END IF;
      IF {_CODED} ~ '[0-9]' AND {_CODED} ~ '[-./_]' THEN words := words || setweight(array_to_tsvector({identifiers(_CODED)}), 'A'); END IF;
      IF body ~ '[0-9]' THEN words := words || array_to_tsvector({measures("body")}
        || CASE WHEN body ~ '[-./_]' THEN {identifiers("body")} ELSE '{{}}' END); END IF;
      RETURN words;
    END $$""",
)

# `code` is what people call a run: its number.
SEARCH_DOCUMENTS = Table(
    "search_documents",
    "document_id",
    "run_id",
    {
        "document_id": "uuid NOT NULL",
        "run_id": "uuid NOT NULL",
        "kind": "text NOT NULL",
        "card_id": "uuid",
        "step_id": "uuid",
        "code": "text NOT NULL",
        "title": "text NOT NULL",
        "body": "text NOT NULL",
        "deleted": "boolean NOT NULL",
    },
    ("(run_id)", "(step_id) WHERE kind = 'observation'", "USING gin (words)"),
    made={"words": "tsvector NOT NULL GENERATED ALWAYS AS (searched(code, title, body)) STORED"},
)

# What documents `d` can be found. A step's own row tells of its deletion, an observation's does not. Few cards are deleted, and they have
# an index of their own. Most documents are no observations, so that to join the steps of all would cost more than to look up those of few.
VISIBLE = """WHERE NOT d.deleted
    AND NOT EXISTS (SELECT FROM cards c WHERE c.deleted AND c.card_id = CASE WHEN d.kind <> 'report' THEN d.card_id END)
    AND CASE d.kind WHEN 'observation' THEN (SELECT NOT s.deleted AND NOT c.deleted FROM steps s JOIN cards c USING (card_id)
      WHERE s.step_id = d.step_id) ELSE true END"""

# What of a document `d` is embedded: its title and text. An observation says little without the title of its step.
MEANING = """coalesce((SELECT s.title FROM steps s WHERE d.kind = 'observation' AND s.step_id = d.step_id), d.title) || E'\\n' || d.body"""


def project(change: Change, rows: Rows) -> None:
    """Outcomes stand first: they are most of a log, and touch a document only by their exception."""
    event, after = change.event, change.after
    match event:
        case StepOutcomeRecorded():
            if after.exception != change.before.exception:
                rows.set(SEARCH_DOCUMENTS, change.stream_id, body=_of_step(after))
        case RunCreated():
            _add(change, rows, code=number_text(event.number), title=event.title, body=event.description)
        case CardAdded():
            _add(change, rows, title=event.title, body=event.description, card_id=change.stream_id)
        case StepAdded():
            _add(change, rows, title=event.title, body=event.description, card_id=event.card_id, step_id=change.stream_id)
        case ObservationRecorded():
            _add(change, rows, title="", body=event.text, step_id=event.step_id)
        case ReportRequested():
            _add(change, rows, title=event.title, body="", card_id=event.card_id, step_id=event.step_id)
        case RunEdited() | CardEdited():
            edited = told(event)
            named = {"title": "title", "description": "body"}
            rows.set(SEARCH_DOCUMENTS, change.stream_id, **{named[member]: value for member, value in edited.items()})
        case StepEdited():
            rows.set(SEARCH_DOCUMENTS, change.stream_id, title=after.title, body=_of_step(after))
        case ObservationEdited():
            rows.set(SEARCH_DOCUMENTS, change.stream_id, body=event.text)
        case ReportCompleted():
            body = f"{event.summary}\n{_PICTURES.sub('', event.content)}"
            rows.set(SEARCH_DOCUMENTS, change.stream_id, body=body[:BODY_CHARACTERS_MAX])
        case CardDeleted() | CardRestored() | StepDeleted() | StepRestored() | RunDeleted() | RunRestored() | ObservationDeleted():
            rows.set(SEARCH_DOCUMENTS, change.stream_id, deleted=after.deleted)


def _of_step(step: Step) -> str:
    return "\n".join(filter(None, (step.description, step.exception)))


def _add(change: Change, rows: Rows, **values: object) -> None:
    empty = {"card_id": None, "step_id": None, "code": ""}
    rows.put(SEARCH_DOCUMENTS, change.stream_id, run_id=change.root_id, kind=str(change.kind), deleted=False, **(empty | values))
