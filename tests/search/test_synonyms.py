"""Other names for what is asked for: which there are, and that PostgreSQL finds every one of them whole."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from infra import thesaurus
from infra.embedded.postgres import Postgres
from projections.search_query import understood
from projections.synonyms import widened

NAMES = [name for names in thesaurus.concepts() for name in names]


@pytest.fixture(scope="module")
def conn(postgres: Postgres):
    with psycopg.connect(postgres.owner_url) as conn:
        yield conn


def spellings(query: str) -> list[set[tuple[str, ...]]]:
    return [set(term.spellings) for term in widened(understood(query).terms)]


@pytest.mark.parametrize(
    ("query", "other"),
    [("aerials", ("antenna",)), ("low voltage", ("undervoltage",)), ("brown-out", ("undervoltage",)), ("Shut down", ("trip",))],
)
def test_a_name_brings_the_others_with_it(query: str, other: tuple[str, ...]) -> None:
    (only,) = spellings(query)
    assert other in only


def test_words_keep_their_own_spelling_and_what_is_no_name_stays_alone() -> None:
    quantity, identifier, aerial, unknown = spellings("aerial zzyzx SN-1234 13 V")
    assert ("aerial",) in aerial
    assert (unknown, identifier, quantity) == ({("zzyzx",)}, {("sn-1234",)}, {("13v",)})


def test_a_name_that_text_search_would_cut_is_left_out() -> None:
    (names,) = spellings("switch off")
    assert ("turn", "off") not in names
    assert ("turn",) not in names


def test_no_spelling_is_cut_at_its_ends(conn: Connection) -> None:
    """By PostgreSQL's stop words: one of "under voltage" alone would find every voltage."""
    found = {spelling for name in NAMES for term in widened(understood(name).terms) for spelling in term.spellings if len(spelling) > 1}
    ends = sorted({end for spelling in found for end in (spelling[0], spelling[-1])})
    cut = conn.execute("SELECT w FROM unnest(%s::text[]) w WHERE to_tsvector('english', w) = ''", [ends]).fetchall()
    assert cut == []


@given(st.lists(st.sampled_from(NAMES) | st.text("abc -'\"", max_size=8), max_size=6).map(" ".join))
def test_postgresql_takes_every_widened_query(conn: Connection, query: str) -> None:
    for term in widened(understood(query).terms):
        assert conn.execute("SELECT to_tsquery('english', %s)", [term.tsquery()]).fetchone() is not None
