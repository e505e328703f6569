"""What became of each tile, on disk after every change: whoever kills the run loses nothing."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from openeo.extra.job_management import JobDatabaseInterface

from drylands_openeo.errors import DrylandsError
from drylands_openeo.jobs.split import Tile

WAITING, FINISHED, FAILED = "not_started", "finished", "failed"

TEXTS = ("tile", "status", "id", "backend_name", "start_time", "running_start_time", "error", "abandoned")
NUMBERS = ("costs", "attempts")
OURS = ("tile", "error", "attempts", "abandoned")
"""Columns that the job manager does not write."""

UNSAID = ("skipped", "start_failed")
"""What the manager calls a tile whose start did not succeed: our own start has already said what became of it."""


class State(JobDatabaseInterface):  # type: ignore[misc]
    """The table of a run's tiles in ``folder``: Parquet where pyarrow is installed, CSV otherwise.

    Columns: tile; status; id and backend_name of its job; attempts that failed, and the last error; abandoned: jobs at
    back-ends that fell silent ("backend id" by ";"), to be stopped if these come back; and what the manager adds.
    """

    def __init__(self, folder: Path) -> None:
        known = [folder / f"state{suffix}" for suffix in (".parquet", ".csv")]
        new = known[0 if find_spec("pyarrow") else 1]
        self.path = next((path for path in known if path.exists()), new)
        self._table = self._read() if self.path.exists() else pd.DataFrame()

    def begin(self, tiles: Iterable[Tile]) -> None:
        """One waiting row a tile; or, where there are rows, those that failed wait again."""
        if self._table.empty:
            rows = [{"tile": tile.name, "status": WAITING, "attempts": 0} for tile in tiles]
            self._table = _typed(pd.DataFrame(rows))
        else:
            for index in self.rows("failed", "canceled", "error"):
                self.set(index, status=WAITING, attempts=0)
        self.save()

    def rows(self, *statuses: str) -> list[int]:
        """The rows that are in one of these states."""
        return [int(index) for index in self._table.index[self._table["status"].isin(statuses)]]

    def of(self, backend: str, *statuses: str) -> list[int]:
        """The rows in these states whose job is at a back-end."""
        return [index for index in self.rows(*statuses) if self.get(index, "backend_name") == backend]

    def get(self, index: int, column: str) -> Any:
        """One value."""
        return self._table.loc[index, column]

    def set(self, index: int, **values: Any) -> None:
        """Change a row, on disk too."""
        for column, value in values.items():
            self._table.loc[index, column] = value
        self.save()

    def save(self) -> None:
        """Write the table, in one step: a kill leaves the old one or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".{self.path.name}.part")
        if self.path.suffix == ".parquet":
            self._table.to_parquet(part, index=False)
        else:
            self._table.to_csv(part, index=False)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(self.path)

    def exists(self) -> bool:
        """Whether there are tiles."""
        return not self._table.empty

    def persist(self, df: pd.DataFrame) -> None:
        """Take over what the job manager found out."""
        told = df[~df["status"].isin(UNSAID)]
        for column in told.columns.difference(list(OURS)):
            if column not in self._table:
                self._table[column] = pd.Series("", index=self._table.index, dtype=object)
            values = told[column].dropna()
            self._table.loc[values.index, column] = values
        self.save()

    def count_by_status(self, statuses: Iterable[str] = ()) -> dict[str, int]:
        """Rows by state."""
        counts = self._table.groupby("status").size().to_dict()
        wanted = set(statuses)
        return {str(status): int(count) for status, count in counts.items() if not wanted or status in wanted}

    def get_by_status(self, statuses: Iterable[str], max: int | None = None) -> pd.DataFrame:
        """A copy of the rows in these states."""
        found = self._table[self._table["status"].isin(list(statuses))]
        return (found if max is None else found.head(max)).copy()

    def get_by_indices(self, indices: Iterable[int | str]) -> pd.DataFrame:
        """A copy of these rows."""
        return self._table.loc[self._table.index.intersection(list(indices))].copy()

    def _read(self) -> pd.DataFrame:
        if self.path.suffix == ".parquet":
            return _typed(pd.read_parquet(self.path))
        return _typed(pd.read_csv(self.path, dtype=str, keep_default_na=False))


class AtBackend:
    """The rows whose jobs are at one back-end, as the job manager sees them."""

    def __init__(self, state: State, backend: str) -> None:
        self._state, self._backend = state, backend

    def get_by_status(self, statuses: Iterable[str], max: int | None = None) -> pd.DataFrame:
        """A copy of the rows in these states."""
        found = self._state.get_by_status(statuses)
        found = found[found["backend_name"] == self._backend]
        return found if max is None else found.head(max)

    def persist(self, df: pd.DataFrame) -> None:
        """Take over what the job manager found out."""
        self._state.persist(df)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else works on the folder meanwhile; a DrylandsError where somebody does. A killed run holds nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DrylandsError(f"folder {str(folder)!r} is being worked on by another run") from None
        yield


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Texts as texts, '' where there is none; numbers as numbers: what was written is what is read."""
    typed = table.copy()
    for name in {*TEXTS, *typed.columns} - {*NUMBERS}:
        texts = typed[name] if name in typed else pd.Series("", index=typed.index)
        typed[name] = texts.astype(object).fillna("").astype(str).astype(object)
    for name in NUMBERS:
        numbers = typed[name] if name in typed else pd.Series(0.0, index=typed.index)
        typed[name] = pd.to_numeric(numbers.replace("", 0)).fillna(0).astype(float)
    return typed
