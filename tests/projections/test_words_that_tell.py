"""By what a word is found: by its beginning too, unless that would find too much."""

import pytest

from projections.search_query import Term
from projections.search_text import _form
from projections.word_counts import Count

MOST = 300


@pytest.mark.parametrize(
    ("exact", "wholes", "begins", "begun"),
    [
        (False, 5, 0, True),
        (False, 5, MOST, True),
        (False, 5, MOST + 1, False),
        (False, MOST + 1, 0, False),
        (True, 0, MOST + 1, True),  # the part of an identifier finds all that begin so
        (True, 5, MOST + 1, False),
        (True, 5, MOST, True),
    ],
)
def test_a_beginning_counts_unless_it_finds_too_much(exact: bool, wholes: int, begins: int, begun: bool) -> None:
    term = Term((("sn-12",),), exact=exact, open=True, word="SN-12")
    whole, used, documents = _form(term, Count(True, "'sn-12'", wholes, "'sn-12':*", begins, None, 0), MOST)
    assert (whole, used) == ("'sn-12'", "'sn-12':*" if begun else "'sn-12'")
    assert documents == (max(wholes, begins) if begun else wholes)
