"""Hive type strings: what is read, what is refused and where, and that printing is the inverse of reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue import hive

IDENTIFIERS = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,10}", fullmatch=True) | st.sampled_from(["date", "end", "type"])
LEAVES = st.one_of(
    st.sampled_from(sorted(hive.PRIMITIVES)).map(hive.Primitive),
    st.integers(1, 38).flatmap(lambda p: st.builds(hive.Decimal, st.just(p), st.integers(0, p))),
    st.integers(1, 255).map(hive.Char),
    st.integers(1, 65_535).map(hive.Varchar),
)


def nested(inner: st.SearchStrategy[hive.HiveType]) -> st.SearchStrategy[hive.HiveType]:
    # Names that fold together are refused.
    fields = st.lists(st.tuples(IDENTIFIERS, inner), min_size=1, max_size=4, unique_by=lambda field: field[0].lower())
    return st.one_of(
        inner.map(hive.Array),
        st.builds(hive.Map, LEAVES, inner),
        fields.map(lambda fields: hive.Struct(tuple(fields))),
    )


TYPES = st.recursive(LEAVES, nested, max_leaves=12)


@given(TYPES)
def test_what_a_type_prints_is_read_as_that_type(kind: hive.HiveType) -> None:
    assert hive.parse(str(kind)) == kind


@given(st.text(max_size=60) | st.text("arystuc<>:,()0123 mapint", max_size=40))
def test_any_text_is_a_type_or_a_hive_type_error(text: str) -> None:
    try:
        kind = hive.parse(text)
    except hive.HiveTypeError:
        return

    assert hive.parse(str(kind)) == kind


@pytest.mark.parametrize("name", ["1a", "größe", "a.b", "$a", "_"])
def test_a_struct_field_may_have_any_name_of_letters_and_digits(name: str) -> None:
    assert hive.parse(f"struct<{name}:int>") == hive.Struct(((name, hive.Primitive("int")),))


def test_a_struct_field_may_have_a_reserved_word_for_a_name() -> None:
    kind = hive.parse("struct<date:date,end:timestamp,type:array<int>>")

    assert kind == hive.Struct(
        (
            ("date", hive.Primitive("date")),
            ("end", hive.Primitive("timestamp")),
            ("type", hive.Array(hive.Primitive("int"))),
        )
    )


def test_type_names_fold_case_and_field_names_keep_it() -> None:
    assert str(hive.parse("STRUCT<fanId:String>")) == "struct<fanId:string>"


def test_a_bare_decimal_is_hives_default() -> None:
    assert hive.parse("decimal") == hive.Decimal(10, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("array<int", "expected '>' at position 9", id="not closed"),
        pytest.param("int>", "expected the end at position 3", id="closed twice"),
        pytest.param("set<string>", "expected a Hive type at position 0", id="a crawler's set"),
        pytest.param("map<array<int>,int>", "expected a primitive map key at position 4", id="a nested key"),
        pytest.param("struct<a:int,a:int>", "not used before at position 13", id="a name twice"),
        pytest.param("struct<a:int,A:int>", "not used before at position 13", id="a name twice but for its case"),
        pytest.param("struct<-a:int>", "expected a field name at position 7", id="no identifier"),
        pytest.param("struct<>", "expected a field name at position 7", id="no fields"),
        pytest.param("decimal(39,0)", "precision 1 to 38", id="39 digits"),
        pytest.param("decimal(5,6)", "precision 1 to 38", id="scale over precision"),
        pytest.param("char(256)", "a length from 1 to 255", id="256 characters"),
        pytest.param("varchar(0)", "a length from 1 to 65535", id="no characters"),
        pytest.param("", "expected a type at position 0", id="nothing"),
    ],
)
def test_what_is_no_type_is_refused_with_its_position(text: str, message: str) -> None:
    with pytest.raises(hive.HiveTypeError, match=message.replace("(", r"\(")):
        hive.parse(text)


@pytest.mark.parametrize("opened", ["array<", "map<int,", "struct<a:"])
@pytest.mark.parametrize(("depth", "readable"), [(hive.MAX_DEPTH, True), (hive.MAX_DEPTH + 1, False)])
def test_nesting_ends_in_an_error_before_python_does(depth: int, readable: bool, opened: str) -> None:
    text = opened * (depth - 1) + "int" + ">" * (depth - 1)

    if readable:
        assert str(hive.parse(text)) == text
    else:
        with pytest.raises(hive.HiveTypeError):
            hive.parse(text)
