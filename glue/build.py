"""Generates the committed files that are made from the schemas: glue/tables, glue/athena, docs/data-dictionary.md."""

import json
from pathlib import Path

from glue.compliance import deletions_sql, personal_data_sql, rows_without_item_sql
from glue.dictionary import data_dictionary
from glue.merge import merge_statements
from glue.schema import SCHEMAS, load
from glue.tables import table_inputs
from glue.views import view_inputs

PROJECT = Path(__file__).parent.parent
TABLES = Path("glue") / "tables"
ATHENA = Path("glue") / "athena"
DICTIONARY = Path("docs") / "data-dictionary.md"
STALE = "stale"


def generated(schemas: Path = SCHEMAS) -> dict[Path, str]:
    """Every generated file and its text: {Path("glue/tables/sale.json"): "{...", ...}.

    Raises:
        SchemaError: a schema is invalid.
    """
    types = load(schemas)
    files = {TABLES / f"{name}.json": _json(tables) for name, tables in table_inputs(types).items()}
    return files | {
        ATHENA / "views.json": _json(view_inputs(types)),
        ATHENA / "merges.json": _json(merge_statements(types)),
        ATHENA / "deletions.sql": deletions_sql(types),
        ATHENA / "personal-data-of-deleted.sql": personal_data_sql(types),
        ATHENA / "rows-without-item.sql": rows_without_item_sql(types),
        DICTIONARY: data_dictionary(types),
    }


def drift(schemas: Path = SCHEMAS, project: Path = PROJECT) -> dict[Path, str]:
    """The files below `project` that differ from the schemas, and how: {Path("glue/tables/gift.json"): "stale"}.

    A file is missing, different, or stale, which is a table without a schema.
    """
    files = generated(schemas)
    found = {path.relative_to(project): STALE for path in (project / TABLES).glob("*.json")}
    for path, text in files.items():
        found[path] = _difference(project / path, text)
    return {path: how for path, how in sorted(found.items()) if how}


def build(schemas: Path = SCHEMAS, project: Path = PROJECT) -> dict[Path, str]:
    """Write the files that have drifted, remove those that are stale, and return what `drift` found before."""
    files = generated(schemas)
    found = drift(schemas, project)
    for path in found:
        if path in files:
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(files[path], "utf-8", newline="\n")
        else:
            (project / path).unlink()
    return found


def is_checkout(project: Path = PROJECT) -> bool:
    """True if `project` is a checkout of this project, and not a folder of installed packages."""
    return (project / "pyproject.toml").is_file() and (project / DICTIONARY.parent).is_dir()


def _difference(path: Path, text: str) -> str:
    if not path.is_file():
        return "missing"
    return "" if path.read_bytes() == text.encode() else "different"


def _json(tables: object) -> str:
    return json.dumps(tables, indent=2, ensure_ascii=False) + "\n"
