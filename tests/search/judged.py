"""A judged set for search: the documents of a hardware campaign in five domains, and queries with graded answers.

The documents stand in `power.toml`, `battery.toml`, `avionics.toml`, `telemetry.toml` and `mechanical.toml`, five runs each, the queries in
`queries.toml`. A document is named by its place: run `TR-0042`, card `TR-0042/2`, step `TR-0042/2.3`, report `TR-0042/R1`.

How grades were given: by the author of the documents, who had just written them, before there was a search or an embedder. Not every document
was read again for every query, and what a search finds was not judged afterwards, so that some grades of 1 and 2 are likely missing; to add
them after seeing the ranking of one method would favour it. 3: what the engineer was looking for. 2: answers in part, or is the card, run or
report that directly holds the answer. 1: the same subject, worth a glance. 0, and not written down: anything else. An identifier or a quantity
that differs makes a document 0 even if its words agree. Every third query is held out, by its place in the file: it may be measured, but
nothing may be tuned on it. The kinds:

* exact: words, numbers and identifiers as they stand in the answer
* partial: the beginning of words, or some of the words among others that stand nowhere
* typo: as exact, mistyped
* unit: a quantity, written with or without its space, in the answer perhaps the other way
* paraphrase: not one word that is in any document graded above 0, after stemming and without stop words
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent
DOMAINS = ("power", "battery", "avionics", "telemetry", "mechanical")


class Kind(StrEnum):
    EXACT = "exact"
    PARTIAL = "partial"
    TYPO = "typo"
    UNIT = "unit"
    PARAPHRASE = "paraphrase"


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`grades`: the name of each document that answers, with 1, 2 or 3."""

    text: str
    kind: Kind
    grades: dict[str, int]
    held_out: bool = False


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    description: str
    exception: str = ""
    observations: tuple[str, ...] = ()


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    description: str
    steps: tuple[Step, ...]


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    summary: str


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: str
    title: str
    description: str
    cards: tuple[Card, ...]
    reports: tuple[Report, ...] = ()


class Document(msgspec.Struct, frozen=True):
    """What search sees of a component. `component`: run, card, step or report; `run`: the number of its run."""

    name: str
    component: str
    domain: str
    run: str
    title: str
    body: str
    path: str

    @property
    def text(self) -> str:
        return f"{self.title}\n{self.body}"


class _Campaign(msgspec.Struct, forbid_unknown_fields=True):
    runs: tuple[Run, ...]


class _Queries(msgspec.Struct, forbid_unknown_fields=True):
    queries: tuple[Query, ...]


@cache
def queries() -> tuple[Query, ...]:
    return msgspec.toml.decode((FOLDER / "queries.toml").read_bytes(), type=_Queries).queries


@cache
def runs(domain: str) -> tuple[Run, ...]:
    return msgspec.toml.decode((FOLDER / f"{domain}.toml").read_bytes(), type=_Campaign).runs


@cache
def documents() -> dict[str, Document]:
    """By name, in the order of the files."""
    return {found.name: found for domain in DOMAINS for run in runs(domain) for found in _of_run(domain, run)}


def _of_run(domain: str, run: Run) -> Iterator[Document]:
    yield Document(run.number, "run", domain, run.number, run.title, run.description, run.title)
    for place, card in enumerate(run.cards, 1):
        name = f"{run.number}/{place}"
        yield Document(name, "card", domain, run.number, card.title, card.description, card.title)
        for order, step in enumerate(card.steps, 1):
            body = "\n".join(filter(None, [step.description, step.exception, *step.observations]))
            yield Document(f"{name}.{order}", "step", domain, run.number, step.title, body, f"{card.title} > {step.title}")
    for place, report in enumerate(run.reports, 1):
        yield Document(f"{run.number}/R{place}", "report", domain, run.number, report.title, report.summary, report.title)
