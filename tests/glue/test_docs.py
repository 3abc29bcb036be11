"""A doc that was copied from another record type's schema is noticed."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from firehose.cli.glue import app
from glue.docs import copied_docs
from glue.schema import SCHEMAS, load
from tests.invented import gift, group, member, optional, record_type

DATES = group("Dates", member("wrapped", doc="when the gift was wrapped"), member("sent", doc="when it was sent"))

TAGS = {"type": "array", "items": optional("string")}


def types(*schemas: dict[str, Any]) -> Any:
    return {schema["name"]: record_type(schema) for schema in schemas}


def of_gift(name: str, **facts: Any) -> dict[str, Any]:
    """A schema made of gift's: a doc of its own at no place."""
    own = [
        member("id", doc="the gift"),
        member("tags", {"type": "array", "items": optional("string")}),
        member("d", DATES),
    ]
    return gift(*own, name=name, **facts)


def test_each_doc_that_still_speaks_of_the_type_it_was_copied_from_is_named() -> None:
    assert copied_docs(types(of_gift("gift"), of_gift("card"))) == [
        "card: the doc is that of gift: A gift.",
        "card.id: the doc is that of gift.id: the gift",
        "card.d.wrapped: the doc is that of gift.d.wrapped: when the gift was wrapped",
    ]


def test_docs_that_are_true_of_both_types_are_not_copies() -> None:
    card = gift(member("id", doc="the card of a gift"), name="card", doc="A card.")

    assert copied_docs(types(gift(member("id", doc="the card of a gift")), card)) == []
    assert copied_docs(load(SCHEMAS)) == []


def test_build_and_check_tell_of_copies_and_refuse_nothing_for_it(tmp_path: Path) -> None:
    for name in ("gift", "card"):
        (tmp_path / f"{name}.avsc").write_text(json.dumps(of_gift(name)))

    built, checked = (
        CliRunner().invoke(app, [command, "--schemas", str(tmp_path), "--out", str(tmp_path / "out")])
        for command in ("build", "check")
    )

    assert (built.exit_code, checked.exit_code) == (0, 0)
    for answered in (built, checked):
        assert "card.id: the doc is that of gift.id: the gift" in answered.stderr
        assert answered.stderr.count("the doc is that of") == 3
