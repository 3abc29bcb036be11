"""A mode is found by its name: a module transform/<format>_mode.py with a function `mode`."""

import subprocess
import sys
from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest

from glue.layout import Format
from tests.given import Bucket, change, environment, event
from transform.function import build
from transform.outcome import Delivered, Outcome
from transform.parquet_mode import ParquetMode


@pytest.mark.parametrize("name", Format)
def test_a_function_imports_the_module_of_its_own_mode_alone(name: str) -> None:
    """fastavro, which Avro mode needs, is a third of a cold start."""
    variables = environment("demand", claims=True) | {"FORMAT": str(name)}
    code = f"import sys; from transform.function import build; build({variables}, None); print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()

    assert {module for module in loaded if module.endswith("_mode")} == {f"transform.{name}_mode"}


class _EchoMode(ParquetMode):
    """Answers with the row's type instead of its data."""

    @staticmethod
    def result(record_id: str, outcome: Outcome) -> dict[str, Any]:
        assert isinstance(outcome, Delivered)
        return {"recordId": record_id, "result": "Dropped", "data": outcome.type}


def test_a_third_mode_is_one_module_and_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("transform.echo_mode")
    vars(module)["mode"] = lambda _settings, _store: _EchoMode()
    monkeypatch.setitem(sys.modules, "transform.echo_mode", module)
    monkeypatch.setattr("transform.settings.Format", StrEnum("Format", {**Format.__members__, "ECHO": "echo"}))

    reply = build(environment("sale", claims=True) | {"FORMAT": "echo"}, Bucket())(event(change("sale")), None)

    assert [result["data"] for result in reply["records"]] == ["sale"]
