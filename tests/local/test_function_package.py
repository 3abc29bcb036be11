"""The package of a deployed function, unpacked for this Python."""

import io
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from firehose.local.endpoint.function_package import unpack
from firehose.local.user_error import UserError

HERE = Path(sys.executable).read_bytes()[:20]
ARM64 = HERE[:18] + b"\xb7\x00"  # EM_AARCH64
OWN_TAG = EXTENSION_SUFFIXES[0]


def packed(**files: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return body.getvalue()


@pytest.mark.parametrize(
    ("name", "header", "left_out"),
    [
        pytest.param(f"fast/_core{OWN_TAG}", HERE, [], id="for this Python and processor"),
        pytest.param("fast/_core.abi3.so", HERE, [], id="for any Python, and this processor"),
        pytest.param("fast/_core.abi3.so", ARM64, ["fast"], id="for another processor"),
        pytest.param("fast/_core.cpython-39-x86_64-linux-gnu.so", HERE, ["fast"], id="for another Python"),
        pytest.param("fast.libs/libfast-1.so", ARM64, ["fast.libs"], id="a library beside"),
        pytest.param("fast.cpython-39-aarch64-linux-gnu.so", ARM64, ["fast"], id="a module that is one file"),
    ],
)
def test_a_dependency_that_this_python_cannot_load_is_left_out(
    tmp_path: Path, name: str, header: bytes, left_out: list[str]
) -> None:
    package = packed(**{"orders.py": b"", "plain/__init__.py": b"", name: header})

    assert unpack(package, tmp_path) == left_out

    assert {"orders.py", "plain"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / name).exists() is not bool(left_out)


def test_all_of_a_module_is_left_out(tmp_path: Path) -> None:
    package = packed(**{"fast/__init__.py": b"", "fast/_core.abi3.so": ARM64})

    assert unpack(package, tmp_path) == ["fast"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_zip_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a zip"):
        unpack(b"PK?", tmp_path)
