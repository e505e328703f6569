"""What outlives the server: jobs, their log lines, users' processes; one SQLite file, one server at a time."""

import json
import secrets
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from drylands_openeo.errors import DrylandsError

LEVELS = ("debug", "info", "warning", "error")

ACTIVE = ("queued", "running")
"""States in which a job is being worked on."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS processes (id TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, status TEXT NOT NULL, progress REAL,
    created TEXT NOT NULL, updated TEXT NOT NULL, content TEXT NOT NULL, result TEXT);
CREATE TABLE IF NOT EXISTS logs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, time TEXT NOT NULL, level TEXT NOT NULL,
    message TEXT NOT NULL, code TEXT, data TEXT);
CREATE INDEX IF NOT EXISTS logs_of_job ON logs (job, number);
"""


def now() -> str:
    """This moment, as openEO writes it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class Job:
    """A batch job; ``content``: title, description, process and the rest of what the user gave; ``result``: files."""

    id: str
    status: str
    progress: float | None
    created: str
    updated: str
    content: Mapping[str, Any]
    result: Mapping[str, Any] | None


class Store:
    """The SQLite file of a data folder. Raises DrylandsError where another server holds it."""

    def __init__(self, path: Path) -> None:
        self._lock = RLock()
        self._connection = sqlite3.connect(path, timeout=0.2, check_same_thread=False, isolation_level=None)
        try:
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.executescript(SCHEMA)
            self._begin()
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise DrylandsError(f"data folder {str(path.parent)!r} is in use by another server ({error})") from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @property
    def secret(self) -> bytes:
        """What tokens and links of this data folder are signed with."""
        return bytes.fromhex(self._rows("SELECT value FROM settings WHERE name = 'secret'")[0][0])

    def jobs(self, *, limit: int | None = None, before: int | None = None) -> list[tuple[int, Job]]:
        """(number, job), the newest first; those with a number below ``before``."""
        rows = self._rows(
            "SELECT number, id, status, progress, created, updated, content, result FROM jobs "
            "WHERE number < ? ORDER BY number DESC LIMIT ?",
            before if before is not None else 2**62,
            limit if limit is not None else -1,
        )
        return [(row[0], _job(row[1:])) for row in rows]

    def job(self, job_id: str) -> Job | None:
        """One job, or None."""
        rows = self._rows(
            "SELECT id, status, progress, created, updated, content, result FROM jobs WHERE id = ?", job_id
        )
        return _job(rows[0]) if rows else None

    def add_job(self, job_id: str, content: Mapping[str, Any]) -> None:
        """A new job, created but not started."""
        self._rows(
            "INSERT INTO jobs (id, status, created, updated, content) VALUES (?, 'created', ?, ?, ?)",
            job_id,
            now(),
            now(),
            json.dumps(content),
        )

    def edit_job(self, job_id: str, content: Mapping[str, Any]) -> None:
        """Replace what the user gave."""
        self._rows("UPDATE jobs SET content = ?, updated = ? WHERE id = ?", json.dumps(content), now(), job_id)

    def move_job(
        self, job_id: str, states: Collection[str], state: str, *, result: Mapping[str, Any] | None = None
    ) -> bool:
        """Bring a job from one of ``states`` to another; False where it is in none of them.

        A job that is queued again has neither results nor log lines.
        """
        marks = ", ".join("?" * len(states))
        progress = {"queued": 0.0, "running": 0.0, "finished": 100.0}.get(state)
        with self._lock:
            moved = self._connection.execute(
                f"UPDATE jobs SET status = ?, progress = coalesce(?, progress), result = ?, updated = ? "
                f"WHERE id = ? AND status IN ({marks})",
                (state, progress, None if result is None else json.dumps(result), now(), job_id, *states),
            ).rowcount
            if moved and state == "queued":
                self._connection.execute("DELETE FROM logs WHERE job = ?", (job_id,))
        return bool(moved)

    def set_progress(self, job_id: str, percent: float) -> None:
        """How far a running job is [%]."""
        self._rows(
            "UPDATE jobs SET progress = ?, updated = ? WHERE id = ? AND status = 'running'", percent, now(), job_id
        )

    def delete_job(self, job_id: str) -> None:
        """Forget a job and its log."""
        self._rows("DELETE FROM jobs WHERE id = ?", job_id)
        self._rows("DELETE FROM logs WHERE job = ?", job_id)

    def interrupted(self) -> list[str]:
        """The jobs that the last server left unfinished."""
        return [row[0] for row in self._rows("SELECT id FROM jobs WHERE status IN ('queued', 'running')")]

    def log(self, job_id: str, level: str, message: str, *, code: str | None = None, data: Any = None) -> None:
        """Add a line to a job's log."""
        self._rows(
            "INSERT INTO logs (job, time, level, message, code, data) VALUES (?, ?, ?, ?, ?, ?)",
            job_id,
            now(),
            level,
            message,
            code,
            None if data is None else json.dumps(data),
        )

    def logs(self, job_id: str, *, after: int, levels: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """Lines of a job's log, the oldest first, as openEO writes them."""
        marks = ", ".join("?" * len(levels))
        rows = self._rows(
            f"SELECT number, time, level, message, code, data FROM logs "
            f"WHERE job = ? AND number > ? AND level IN ({marks}) ORDER BY number LIMIT ?",
            job_id,
            after,
            *levels,
            limit,
        )
        return [_line(row) for row in rows]

    def last_error(self, job_id: str) -> dict[str, Any] | None:
        """The last line of level error."""
        rows = self._rows(
            "SELECT number, time, level, message, code, data FROM logs WHERE job = ? AND level = 'error' "
            "ORDER BY number DESC LIMIT 1",
            job_id,
        )
        return _line(rows[0]) if rows else None

    def processes(self) -> dict[str, dict[str, Any]]:
        """Users' processes by id."""
        return {name: json.loads(text) for name, text in self._rows("SELECT id, content FROM processes ORDER BY id")}

    def put_process(self, process_id: str, content: Mapping[str, Any]) -> None:
        """Save a user's process, in the place of an earlier one of that id."""
        self._rows("INSERT OR REPLACE INTO processes (id, content) VALUES (?, ?)", process_id, json.dumps(content))

    def delete_process(self, process_id: str) -> bool:
        """Forget a user's process; False where there is none."""
        with self._lock:
            return bool(self._connection.execute("DELETE FROM processes WHERE id = ?", (process_id,)).rowcount)

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def _begin(self) -> None:
        """Write something, which takes the lock that SQLite then keeps."""
        self._rows("INSERT OR IGNORE INTO settings VALUES ('secret', ?)", secrets.token_hex(32))
        self._rows("INSERT OR REPLACE INTO settings VALUES ('opened', ?)", now())


def _job(row: Sequence[Any]) -> Job:
    job_id, status, progress, created, updated, content, result = row
    given = json.loads(content)
    return Job(job_id, status, progress, created, updated, given, None if result is None else json.loads(result))


def _line(row: Sequence[Any]) -> dict[str, Any]:
    number, time, level, message, code, data = row
    line = {"id": str(number), "time": time, "level": level, "message": message}
    return line | ({} if code is None else {"code": code}) | ({} if data is None else {"data": json.loads(data)})
