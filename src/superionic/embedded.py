"""The tables of embedded (sqlite) stores."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from maggma.core import Store
from maggma.stores import MontyStore

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
    folder = Path(store.database_path) / store.database_name
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / f"{store.collection_name}.collection")) as connection, connection:
        connection.execute(_TABLE)
