"""The judged set is what it says it is, so that what is measured on it means something."""

import re
from collections import Counter

import psycopg
import pytest

from infra.embedded.postgres import Postgres
from tests.search import judged
from tests.search.judged import DOMAINS, Kind, Query

DOCUMENTS = judged.documents()
QUERIES = judged.queries()
PARAPHRASES = [query for query in QUERIES if query.kind is Kind.PARAPHRASE]


@pytest.fixture(scope="module")
def stems(postgres: Postgres):
    """The stems of the words of a text as PostgreSQL's English dictionary makes them, stop words left out."""
    with psycopg.connect(postgres.owner_url) as conn:
        yield lambda text: set(conn.execute("SELECT tsvector_to_array(to_tsvector('english', %s))", [text]).fetchone()[0])


def test_there_are_three_hundred_documents_of_every_component_in_five_domains() -> None:
    assert len(DOCUMENTS) >= 300
    counts = Counter((document.domain, document.component) for document in DOCUMENTS.values())
    assert set(counts) == {(domain, component) for domain in DOMAINS for component in ("run", "card", "step", "report")}
    assert min(Counter(document.domain for document in DOCUMENTS.values()).values()) >= 55


def test_a_run_has_one_number_and_no_text_is_there_twice() -> None:
    runs = [document.run for document in DOCUMENTS.values() if document.component == "run"]
    assert len(runs) == len(set(runs)) == 25
    assert max(Counter(document.text for document in DOCUMENTS.values()).values()) == 1


def test_there_are_eighty_queries_of_five_kinds() -> None:
    assert len({query.text for query in QUERIES}) == len(QUERIES) == 80
    counts = Counter(query.kind for query in QUERIES)
    assert set(counts) == set(Kind)
    assert counts[Kind.PARAPHRASE] >= 20
    assert min(counts.values()) >= 10


def test_every_domain_is_asked_about() -> None:
    asked = Counter(DOCUMENTS[name].domain for query in QUERIES for name in query.grades)
    assert {domain for domain in DOMAINS if asked[domain] >= 20} == set(DOMAINS)


def test_every_grade_is_for_a_document_and_every_query_has_a_best_answer() -> None:
    for query in QUERIES:
        assert query.grades.keys() <= DOCUMENTS.keys()
        assert set(query.grades.values()) <= {1, 2, 3}
        assert 3 in query.grades.values()


def test_every_third_query_is_held_out_and_so_a_third_of_each_kind() -> None:
    assert [query.held_out for query in QUERIES] == [place % 3 == 0 for place in range(1, len(QUERIES) + 1)]
    for kind in Kind:
        of_kind = [query for query in QUERIES if query.kind is kind]
        assert abs(sum(query.held_out for query in of_kind) - len(of_kind) / 3) < 1


@pytest.mark.parametrize("query", PARAPHRASES, ids=lambda query: query.text)
def test_a_paraphrase_shares_no_word_with_its_answers(query: Query, stems) -> None:
    assert len(stems(query.text)) >= 2
    assert {name: shared for name in query.grades if (shared := stems(query.text) & stems(DOCUMENTS[name].text))} == {}


def test_two_texts_that_share_a_word_in_another_form_are_noticed(stems) -> None:
    assert stems("pumps leaked") & stems("The pump is leaking.") == {"pump", "leak"}


@pytest.mark.parametrize("query", [q for q in QUERIES if q.kind is Kind.TYPO], ids=lambda query: query.text)
def test_a_mistyped_query_has_a_word_that_stands_in_no_document(query: Query) -> None:
    words = set(re.findall(r"\w+", " ".join(document.text for document in DOCUMENTS.values()).lower()))
    assert set(re.findall(r"\w+", query.text.lower())) - words


@pytest.mark.parametrize("query", [q for q in QUERIES if q.kind is Kind.UNIT], ids=lambda query: query.text)
def test_the_best_answers_to_a_quantity_hold_it_in_some_spelling(query: Query) -> None:
    quantity = _plain(re.match(r"-?[\d.]+ ?[^\s]+", query.text)[0])
    holding = {name for name, document in DOCUMENTS.items() if re.search(rf"(?<![\d.]){re.escape(quantity)}(?!\w)", _plain(document.text))}
    assert holding == set(query.grades) - {name for name, grade in query.grades.items() if grade == 1}


def _plain(text: str) -> str:
    """Without the space before a unit and the comma in a number; degrees in one spelling."""
    return re.sub(r"(?<=\d)\s(?=[A-Za-z°])", "", re.sub(r"(?<=\d),(?=\d{3})", "", text)).replace("°C", "degC")
