"""Other names for what a query asks for, so that "low voltage" finds an undervoltage."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain

from infra import thesaurus
from projections.search_query import Term, uncut

SPELLINGS_MAX = 32


def widened(terms: Sequence[Term]) -> tuple[Term, ...]:
    """The same terms in their order, with all names of the concepts that they name; words that make a name together become one term."""
    stems = [tuple(map(thesaurus.stem, thesaurus.words(term.word))) for term in terms]
    found, place = [], 0
    while place < len(terms):
        length, names = _named(terms, stems, place)
        found.append(_joined(terms[place : place + length], names))
        place += length
    return tuple(found)


def _named(terms: Sequence[Term], stems: Sequence[tuple[str, ...]], place: int) -> tuple[int, list[int]]:
    """How many of the terms from `place` make the longest name, and the concepts that it stands for."""
    for length in range(min(thesaurus.NAME_WORDS_MAX, len(terms) - place), 0, -1):
        taken = slice(place, place + length)
        names = thesaurus.named().get(tuple(chain.from_iterable(stems[taken])))
        if names and not any(term.exact for term in terms[taken]):
            return length, names
    return 1, []


def _joined(terms: Sequence[Term], concepts: list[int]) -> Term:
    if not concepts:
        return terms[0]._replace(open=False)
    own = terms[0].spellings if len(terms) == 1 else uncut(tuple(word for term in terms for word in term.spellings[-1]))
    others = [spelling for concept in concepts for spelling in _spellings(concept)]
    spellings = tuple(dict.fromkeys([*own, *others]))[:SPELLINGS_MAX]
    return Term(spellings, exact=False, open=False, word=" ".join(term.word for term in terms))


@cache
def _spellings(concept: int) -> tuple[tuple[str, ...], ...]:
    return tuple(spelling for name in thesaurus.concepts()[concept] for spelling in _of_name(name))


def _of_name(name: str) -> Iterator[tuple[str, ...]]:
    """As text search can find it; texts have "o-ring" as "oring" too."""
    if "-" in name and " " not in name:
        yield (name.replace("-", ""),)
    yield from uncut(tuple(name.replace("-", " ").split()))
