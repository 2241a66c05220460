"""Pieces of SQL keep their parameters in the order of the placeholders."""

import pytest

from haystack_app.sql.fragments import Sql, all_of, any_of, sql


def test_pieces_and_parameters_are_taken_from_left_to_right() -> None:
    held = Sql("x = %s", (2,))
    found = sql("a = %s AND {} AND b = %s OR {}", 1, held, 3, Sql("c"))
    assert found == ("a = %s AND x = %s AND b = %s OR c", (1, 2, 3))


def test_an_escaped_percent_sign_is_not_a_placeholder() -> None:
    assert sql("strftime('%%s', {}) - %s", Sql("t"), 1) == (
        "strftime('%%s', t) - %s",
        (1,),
    )
    assert sql("'%%' || %s", "a") == ("'%%' || %s", ("a",))


def test_braces_in_a_piece_stay() -> None:
    inner = Sql("'{}'::text[]", ())
    assert sql("{} = {}", inner, inner) == ("'{}'::text[] = '{}'::text[]", ())


@pytest.mark.parametrize("parts", [(), (Sql("a"),), (Sql("a"), 1, 2)])
def test_as_many_parts_as_holes(parts: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        sql("{} = %s", *parts)


def test_one_alternative_has_no_parentheses() -> None:
    a, b = Sql("a", (1,)), Sql("b", (2,))
    assert any_of([a]) == a
    assert all_of([a, b]) == ("(a AND b)", (1, 2))
