"""What is typed into a search is understood whatever it is, and a snippet shows why something was found."""

import time

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded.postgres import Postgres
from projections import quantities
from projections.quantities import MEASURE, measure
from projections.search_query import TERMS_MAX, understood
from projections.snippets import CHARACTERS_MAX, snippet

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
TYPED = st.lists(
    TEXT | st.sampled_from(['"', "-", "- ", " or ", "13 V", "-40 °C", "SN-1234", "&", "|", "!", "<->", ":*", "'", "\\", "(", ")", "%s"]),
    max_size=12,
).map("".join)
WORDS = st.text("abcdefghij", min_size=4, max_size=12)
SPELLINGS = [
    ("13V", "13v"), ("13 V", "13v"), ("13.0 volts", "13v"), ("3,000 rpm", "3000rpm"), ("3000rpm", "3000rpm"), ("0,5 A", "0.5a"),
    ("-40 °C", "-40°c"), ("\u221240 degC", "-40°c"), ("4 μs", "4us"), ("4 us", "4us"), ("5 mΩ", "5mo"), ("5 mohm", "5mo"), ("9l/min", "9l/min"),
    ("2 Mbit/s", "2mbit/s"), ("28-VDC", "28vdc"), ("25%", "25%"), ("-0 V", "0v"), ("5 V/us", "5v/us"), ("5 kohms/s", "5ko/s"),
]  # fmt: skip
NO_QUANTITIES = ["44-0961-C", "SN-1234", "V13", "13 volumes", "13", "1.2.3 V8", ""]


@pytest.fixture(scope="module")
def conn(postgres: Postgres):
    with psycopg.connect(postgres.owner_url) as conn:
        conn.execute(f"CREATE FUNCTION pg_temp.measures(given text) RETURNS text[] LANGUAGE sql RETURN {quantities.measures('given')}")
        yield conn


@given(TYPED)
def test_whatever_is_typed_is_understood(text: str) -> None:
    wanted = understood(text)
    assert max(map(len, wanted)) <= TERMS_MAX
    assert set(wanted.must) <= set(wanted.terms)
    assert all(term.tsquery() for terms in wanted for term in terms)


@given(texts=st.lists(TYPED, min_size=20, max_size=20))
def test_postgresql_takes_every_query(conn, texts: list[str]) -> None:
    for term in {term for text in texts for terms in understood(text) for term in terms}:
        sql = "SELECT %s::tsquery" if term.exact else "SELECT to_tsquery('english', %s)"
        for labels in ("", "*", "A", "*A"):
            conn.execute(sql, [term.tsquery(labels)])


@pytest.mark.parametrize(("text", "lexeme"), SPELLINGS)
def test_a_quantity_is_one_word_in_texts_and_queries(conn, text: str, lexeme: str) -> None:
    assert conn.execute("SELECT pg_temp.measures(%s)", [f"Apply {text}, then wait"]).fetchone()[0] == [lexeme]
    assert [term.spellings for term in understood(text).terms] == [((lexeme,),)]


@pytest.mark.parametrize("text", NO_QUANTITIES)
def test_what_is_no_quantity_is_none(conn, text: str) -> None:
    assert conn.execute("SELECT pg_temp.measures(%s)", [text]).fetchone()[0] == []
    assert not MEASURE.search(text)


@given(
    st.lists(
        st.sampled_from("0123456789.,- VmskHzΩµ°C/%h")
        | st.sampled_from([" 13 V", "1,000 rpm", "deg C", "-volts", "\u2103", "/√Hz", " kohms", "5 V/us", "_", "\u2126", "\u2212"]),
        max_size=30,
    ).map("".join)
)
def test_postgresql_and_python_read_the_same_quantities(conn, text: str) -> None:
    ours = sorted({measure(*found.groups()) for found in MEASURE.finditer(text)})
    assert sorted(set(conn.execute("SELECT pg_temp.measures(%s)", [text]).fetchone()[0])) == ours


def test_hyphens_join_and_words_may_begin_so() -> None:
    (term,) = understood("pre-charge").terms
    assert term.spellings == (("precharge",), ("pre", "charge"))
    assert term.tsquery("*") == "('precharge':*) | ('pre':* <-> 'charge':*)"


def test_a_part_that_text_search_drops_does_not_leave_the_other_alone() -> None:
    (term,) = understood("brown-out").terms
    assert term.spellings == (("brownout",),)


@given(TEXT, st.lists(TEXT, max_size=4))
def test_a_snippet_is_short_and_of_one_line(text: str, words: list[str]) -> None:
    shown = snippet(text, words)
    assert len(shown) <= CHARACTERS_MAX
    assert "\n" not in shown


@pytest.mark.parametrize("text", ["\n" * 20_000, "- \n" + "\n" * 20_000, "a" + "\n " * 10_000 + "b"])
def test_a_snippet_of_nothing_but_lines_takes_no_time(text: str) -> None:
    """A pattern that goes over line ends looks at each blank line once for each before it: two seconds."""
    begun = time.process_time()
    snippet(text, ["a"])
    assert time.process_time() < begun + 0.5


@given(st.lists(WORDS, max_size=120), WORDS, st.lists(WORDS, max_size=120))
def test_a_snippet_contains_the_hit(before: list[str], word: str, after: list[str]) -> None:
    assert word in snippet(" ".join([*before, word, *after]), [word])
