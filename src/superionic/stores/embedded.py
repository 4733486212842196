"""What embedded (sqlite) stores need beyond maggma's: tables that a kill cannot break, and documents found alone.

montydb reads a whole collection into memory for every query and removal, and for every single document of an update:
reading a run of 200 segments would read the store 200 times, and writing 2,000 documents would take hours.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from bson import decode, encode
from bson.raw_bson import RawBSONDocument
from maggma.core import Store
from maggma.stores import MontyStore
from monty.json import jsanitize

# As montydb creates it, but in one transaction.
_TABLE = "CREATE TABLE IF NOT EXISTS [documents](k text NOT NULL, v text NOT NULL, PRIMARY KEY(k))"


def create_table(store: Store) -> None:
    """Create the table of a sqlite MontyStore, if it is not there yet; do nothing for other stores.

    Montydb creates it with the first document, in two steps: a process killed between them leaves a file without a
    table, in which montydb can neither read nor write from then on. It also cannot remove from a missing one.

    Parameters
    ----------
    store
        A store, connected or not.
    """
    if not isinstance(store, MontyStore) or store.storage != "sqlite":
        return
    file = _file(store)
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")  # montydb's; the file remembers it
        connection.execute(_TABLE)


def connect_in_turn(store: Store, docs_store: Store) -> None:
    """Connect a store as one of several processes that do so at the same time.

    At every connection montydb writes its settings anew, and reads them back; another process must not find them
    half-written.

    Parameters
    ----------
    store
        The store to connect.
    docs_store
        Where its documents are; only embedded ones wait for each other.
    """
    if not isinstance(docs_store, MontyStore) or docs_store.database_path == ":memory:":
        store.connect()
        return
    folder = Path(docs_store.database_path)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".connecting").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # until the file is closed
        store.connect()


def _file(store: MontyStore) -> Path:
    return Path(store.database_path) / str(store.database_name) / f"{store.collection_name}.collection"


def keyed(store: Store) -> Store:
    """A plain sqlite MontyStore as the KeyedStore on the same file; any other store as it is."""
    if type(store) is MontyStore and store.storage == "sqlite":
        return KeyedStore.from_dict(store.as_dict())
    return store


class KeyedStore(MontyStore):
    """A sqlite MontyStore that finds a document by its key alone, and looks through others one at a time.

    The file is montydb's, with the key as each document's ``_id``. A plain MontyStore reads and writes it too; what
    that wrote is found as well, only not so fast.
    """

    def connect(self, force_reset: bool = False) -> None:
        """Connect to the file, which is made if it is not there yet."""
        create_table(self)
        super().connect(force_reset)

    def query(
        self,
        criteria: dict[str, Any] | None = None,
        properties: dict[str, Any] | list[str] | None = None,
        sort: dict[str, Any] | None = None,
        hint: dict[str, Any] | None = None,
        skip: int = 0,
        limit: int = 0,
        **kwargs: Any,
    ) -> Iterator[dict[str, Any]]:
        """Documents that match; `properties` are names of fields at the top, and sorting is left to montydb."""
        if sort:
            yield from super().query(criteria, properties, sort, hint, skip, limit, **kwargs)
            return
        yield from islice(self._matching(criteria or {}, properties), skip, skip + limit if limit else None)

    def count(self, criteria: dict[str, Any] | None = None, hint: dict[str, Any] | None = None) -> int:  # noqa: ARG002
        """Number of documents that match."""
        if criteria:
            return sum(1 for _ in self._matching(criteria))
        with closing(self._connection()) as connection:
            return int(connection.execute("SELECT count(*) FROM documents").fetchone()[0])

    def update(self, docs: list[dict[str, Any]] | dict[str, Any], key: list[str] | str | None = None) -> None:
        """Store documents, each in place of the one with its key; other keys are left to montydb."""
        if key not in {None, self.key}:
            super().update(docs, key)
            return
        plain = [jsanitize(document, allow_bson=True) for document in ([docs] if isinstance(docs, dict) else docs)]
        stale = self._written_by_others({document[self.key] for document in plain})
        with closing(self._connection()) as connection, connection:
            connection.executemany("DELETE FROM documents WHERE k = ?", [(row,) for row in stale])
            for document in plain:
                document["_id"] = document[self.key]
                connection.execute(
                    "INSERT OR REPLACE INTO documents(k, v) VALUES (?, ?)", (_row(document["_id"]), encode(document))
                )

    def remove_docs(self, criteria: dict[str, Any]) -> None:
        """Remove the documents that match."""
        rows = [(_row(document["_id"]),) for document in self._matching(criteria)]
        with closing(self._connection()) as connection, connection:
            connection.executemany("DELETE FROM documents WHERE k = ?", rows)

    def _matching(self, criteria: dict[str, Any], properties: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
        """Documents that match, whole or with these fields only; no other field of them is decoded."""
        from montydb.engine.queries import QueryFilter

        wanted = set(properties) if properties else None
        needed = wanted and wanted | {self.key} | {field.partition(".")[0] for field in criteria}
        if any(field.startswith("$") for field in criteria):
            needed = None
        keys = self._keys(criteria)
        found: set[str] = set()
        with closing(self._connection()) as connection:
            for key in keys or ():
                row = connection.execute("SELECT v FROM documents WHERE k = ?", (_row(key),)).fetchone()
                if row:
                    found.add(key)
                    yield _some(decode(row[0]), wanted)
            if keys is not None and found.issuperset(keys):
                return
            matches = QueryFilter(criteria)
            for (value,) in connection.execute("SELECT v FROM documents"):
                document = _decoded(value, needed)
                if document.get(self.key) not in found and matches(document):
                    yield _some(document, wanted)

    def _written_by_others(self, keys: set[Any]) -> list[bytes]:
        """Rows of documents with one of these keys that a plain MontyStore wrote, with an _id of its own."""
        with closing(self._connection()) as connection:
            rows = [row for (row,) in connection.execute("SELECT k FROM documents") if _is_object_id(row)]
            found = ((row, connection.execute("SELECT v FROM documents WHERE k = ?", (row,))) for row in rows)
            return [row for row, values in found if decode(values.fetchone()[0]).get(self.key) in keys]

    def _keys(self, criteria: dict[str, Any]) -> list[str] | None:
        """The keys that are asked for, if it is for nothing but keys."""
        if set(criteria) != {self.key}:
            return None
        wanted = criteria[self.key]
        if isinstance(wanted, dict):
            return list(wanted["$in"]) if set(wanted) == {"$in"} else None
        return [wanted]

    def _connection(self) -> sqlite3.Connection:
        return sqlite3.connect(_file(self))


def _row(identifier: Any) -> bytes:
    from montydb.types import bson

    return bytes(bson.id_encode(identifier))


def _is_object_id(row: bytes) -> bool:
    return bytes(row)[:1] == b"\x07"  # BSON's number of the type


def _decoded(value: bytes, fields: set[str] | None) -> dict[str, Any]:
    """A stored document, or these fields of it; the others are skipped, whatever their size."""
    if fields is None:
        return dict(decode(value))
    raw = RawBSONDocument(value)
    return {name: _plain(raw[name]) for name in fields if name in raw}


def _plain(value: Any) -> Any:
    if isinstance(value, RawBSONDocument):
        return decode(value.raw)
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


def _some(document: dict[str, Any], fields: set[str] | None) -> dict[str, Any]:
    return document if fields is None else {name: document[name] for name in fields if name in document}
