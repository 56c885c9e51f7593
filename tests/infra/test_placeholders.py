"""Named placeholders become positional ones."""

import pytest

from infra import placeholders
from infra.placeholders import positional


def test_each_name_has_one_number_in_order_of_its_first_place() -> None:
    assert positional("SELECT %(b)s, %(a)s::int, %(b)s") == (b"SELECT $1, $2::int, $1", ("b", "a"))


def test_two_per_cent_signs_are_one() -> None:
    assert positional("SELECT 7 %% 4, '100 %%', %(a)s") == (b"SELECT 7 % 4, '100 %', $1", ("a",))


def test_a_text_without_placeholders_has_no_names() -> None:
    assert positional("SELECT 'größer'") == ("SELECT 'größer'".encode(), ())


@pytest.mark.parametrize("text", ["SELECT 7 % 4", "SELECT %s", "SELECT %(a)b", "SELECT '%"])
def test_what_is_no_named_placeholder_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="no placeholder"):
        positional(text)


async def test_it_is_what_psycopg_makes_of_it(world) -> None:
    sql, params = "SELECT %(n)s::int %% 5, %(t)s || %(t)s, %(n)s + 1", {"n": 7, "t": "é%", "unused": object()}
    async with world.pool.connection() as conn:
        ours = await (await placeholders.execute(conn, sql, params)).fetchone()
        theirs = await (await conn.execute(sql, {"n": 7, "t": "é%"})).fetchone()
    assert ours == theirs == (2, "é%é%", 8)
