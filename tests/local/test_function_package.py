"""The package of a deployed function: found by its hash, unpacked without its dependencies."""

import io
import zipfile
from pathlib import Path

import pytest

from firehose.local.endpoint.function_package import code_sha256, package_of, unpack
from firehose.local.user_error import UserError
from firehose.pipeline.package import checkout_package

pytestmark = pytest.mark.slow


def test_the_deployed_package_is_known_by_its_hash() -> None:
    package = checkout_package()

    assert package == checkout_package()
    assert package_of(code_sha256(package), [b"another", package]) == package
    assert package_of("no such hash", [package]) is None


def test_only_the_functions_own_code_is_unpacked(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("transform/handler.py", "glue/schema.py", "msgspec/_core.so"):
            archive.writestr(name, "")

    unpack(packed.getvalue(), tmp_path, ("glue", "transform"))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["glue", "transform"]


@pytest.mark.parametrize(
    ("package", "message"),
    [(b"PK?", "is not a zip"), (b"PK\x05\x06" + b"\0" * 18, "has no code in glue or transform")],
)
def test_a_package_that_cannot_be_run_is_the_users_mistake(tmp_path: Path, package: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        unpack(package, tmp_path, ("glue", "transform"))
