"""Iceberg catalogs: SQLite in a folder, or Glue. This file loads PyIceberg: import it when a stream needs it."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.io import OutputStream
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO
from pyiceberg.table import Table, TableProperties
from pyiceberg.typedef import EMPTY_DICT, Properties
from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError, OperationalError

from firehose.local.iceberg_nulls import keep_null_lists
from firehose.local.iceberg_shortcuts import take_shortcuts
from firehose.local.private_files import make_folder, open_private

if TYPE_CHECKING:
    from pyiceberg.catalog.glue import GlueCatalog

SQLITE = "catalog.sqlite"
_TABLES_OF_CATALOG = 2  # each of which another process may make at the same moment

# Another commit came first; or nobody knows whether this one has landed. After both the table is loaded anew.
TO_TRY_AGAIN = (CommitFailedException, CommitStateUnknownException)

keep_null_lists()
take_shortcuts()


def folder_catalog(folder: Path, name: str = "local") -> SqlCatalog:
    """Return the catalog of a folder, which is made if it is missing; its tables lie beside it.

    Files and folders are private to their user, as all that is written here. The tables' metadata name their files by
    absolute paths, so a folder cannot be moved.
    """
    make_folder(folder)
    place = folder.absolute()
    with open(place / SQLITE, "ab", opener=open_private):
        pass
    # SQLAlchemy decodes %20, and takes what follows a question mark for settings: it would open a file elsewhere.
    database = URL.create("sqlite", database=str(place / SQLITE)).render_as_string()
    own = f"{PrivateFileIO.__module__}.{PrivateFileIO.__name__}"
    properties = {"uri": database, "warehouse": place.as_uri(), "py-io-impl": own}
    for _ in range(_TABLES_OF_CATALOG):
        with suppress(OperationalError):
            return SqlCatalog(name, **properties)
    return SqlCatalog(name, **properties)


def make_namespace(catalog: Catalog, name: str) -> None:
    """Make a namespace, unless it is there, or another process makes it at the same moment."""
    with suppress(IntegrityError):
        catalog.create_namespace_if_not_exists(name)


def glue_catalog(client: Any, **properties: str) -> "GlueCatalog":
    """Return Glue's catalog behind a boto3 client; `properties` are PyIceberg's, such as `s3.endpoint`."""
    from firehose.local.iceberg_glue import FindingGlueCatalog  # noqa: PLC0415 - boto3: 0.3 s a folder need not pay

    return FindingGlueCatalog("glue", client, **properties)


def without_retries(table: Table, **properties: str) -> Table:
    """Return a loaded table whose commits fail at once if another was faster, with other properties for this process.

    PyIceberg would repeat a refused commit by itself, and so write again what another process has written meanwhile.
    This lies over the loaded table only: Firehose and Athena read the stored property, too.
    """
    own = {**table.metadata.properties, **properties, TableProperties.COMMIT_NUM_RETRIES: "0"}
    table.metadata = table.metadata.model_copy(update={"properties": own})
    return table


class PrivateFileIO(PyArrowFileIO):
    """Writes files that only their user may open, as private_files does."""

    def __init__(self, properties: Properties = EMPTY_DICT) -> None:
        super().__init__(properties)

    def new_output(self, location: str) -> PyArrowFile:
        """Return a file to be written."""
        made = super().new_output(location)
        return _PrivateFile(made.location, made._path, made._filesystem)


class _PrivateFile(PyArrowFile):
    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: FBT001, FBT002 - PyIceberg's signature
        if not overwrite and self.exists():
            raise FileExistsError(f"{self.location} exists already")
        path = Path(self._path)
        make_folder(path.parent)
        with open(path, "ab", opener=open_private):  # Arrow keeps the mode of a file that is there
            pass
        return super().create(overwrite=True)
