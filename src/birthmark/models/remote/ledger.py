"""What was asked and what came back, kept so that it outlasts a crash."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from birthmark.common.errors import BirthmarkError
from birthmark.models.remote.record import Record, Spent, State, now, spends_key
from birthmark.models.remote.schema import (
    APPLICATION,
    MAX_CELL,
    SETTLED,
    TABLES,
    VERSION,
    Outcome,
)

HEADER = 100
PATIENCE = 60.0
"""Seconds to wait for another process's transaction."""


class Ledger:
    """An SQLite file of what suspects were asked and answered; it only grows.

    Made by `Ledger.open` to be read as evidence, or by `Ledger.made` to be written to. Use it as a
    context manager, or `close` it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    @classmethod
    def open(cls, path: str | Path, *, thorough: bool = True) -> Ledger:
        """Open a ledger to read it; if `thorough`, after a look at every page of the file.

        Raises
        ------
        BirthmarkError
            If it is not there, no ledger, damaged or written by a later Birthmark.
        """
        path = Path(path)
        if not path.is_file():
            raise BirthmarkError(path, "is not a file", "name a ledger that an audit wrote")
        with _opened(path, "ro") as ledger:
            ledger._check(thorough)
        return ledger

    @classmethod
    def made(cls, path: str | Path, *, thorough: bool = True) -> Ledger:
        """Open a ledger to write to it; make it if it is not there. `thorough` as for `open`.

        Raises
        ------
        BirthmarkError
            As for `open`, or if it can't be written.
        """
        path = Path(path)
        if path.exists() and not path.is_file():
            raise BirthmarkError(path, "is not a file", "name a file for the ledger")
        if not path.parent.is_dir():
            raise BirthmarkError(path.parent, "is not a folder", "make it, or name another ledger")
        with _opened(path, "rwc") as ledger:
            connection = ledger.connection
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            fresh = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if fresh and _number(connection, "application_id") == 0:
                for statement in TABLES:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
            ledger._check(thorough)
            connection.execute("PRAGMA journal_mode = WAL")
        return ledger

    def gather(self) -> None:
        """Bring all that is in files beside it into the ledger, so that a copy of it is whole."""
        with _understood(self.path):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, thorough: bool) -> None:
        if _number(self.connection, "application_id") != APPLICATION:
            raise _foreign(self.path, "is an SQLite file, but not a ledger")
        version = _number(self.connection, "user_version")
        if version > VERSION:
            raise BirthmarkError(
                self.path,
                f"is a ledger of version {version}, and this Birthmark reads up to {VERSION}",
                "update Birthmark",
            )
        schema = self.connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        if sorted(row[0] for row in schema) != sorted(TABLES):
            raise _foreign(self.path, "does not have the tables of a ledger")
        damage = thorough and self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage not in (False, "ok"):
            raise _damaged(self.path, str(damage))

    def begin(self, description: str) -> int:
        """The row of a suspect, made if it is new; what was left on its way is put in doubt.

        Only for whoever holds the lock, so that nothing can be on its way.
        """
        digest = suspect_digest(description)
        reason = "the audit ended before the answer came"
        with _understood(self.path), self.connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO suspects (digest, description) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (digest, description),
            )
            connection.execute(
                "UPDATE calls SET outcome = ?, reason = ?, received_at = ? WHERE outcome IS NULL",
                (Outcome.IN_DOUBT, reason, now()),
            )
            found = connection.execute("SELECT id FROM suspects WHERE digest = ?", (digest,))
            return int(found.fetchone()[0])

    def suspects(self) -> dict[str, str]:
        """Digest to description of every suspect that was asked."""
        with _understood(self.path):
            rows = self.connection.execute("SELECT digest, description FROM suspects ORDER BY id")
            return {str(digest): str(description) for digest, description in rows}

    def records(self, suspect: str | None = None) -> Iterator[Record]:
        """Every attempt in the order it was made, of one suspect or all.

        Raises
        ------
        BirthmarkError
            If the ledger holds nothing of the suspect, or what it holds makes no sense.
        """
        known = self.suspects()
        if suspect is not None and suspect not in known:
            raise BirthmarkError(
                self.path,
                f"holds nothing of the suspect {suspect[:20]}…",
                f"it holds {len(known)} others; name this suspect's ledger",
            )
        with _understood(self.path):
            rows = self.connection.execute(
                f"SELECT s.digest, {', '.join(_COLUMNS)} FROM calls"  # noqa: S608
                " JOIN suspects s ON s.id = calls.suspect"
                " WHERE ?1 IS NULL OR s.digest = ?1 ORDER BY calls.id",
                (suspect,),
            )
            for row in rows:
                read: dict[str, Any] = {
                    name: None if value is None else kind(value)
                    for (name, kind), value in zip(_COLUMNS.items(), row[1:], strict=True)
                }
                yield Record(suspect=str(row[0]), **read)

    def digest(self, suspect: str) -> str:
        """Digest of all that the ledger holds of a suspect, for evidence.

        SHA-256 over the description and one line of canonical JSON an attempt, the answer's bytes
        as their own digest.
        """
        state = hashlib.sha256(_line({"description": self.suspects().get(suspect, "")}))
        for one in self.records(suspect):
            fields = dict(vars(one))
            if one.answer is not None:
                fields["answer"] = hashlib.sha256(one.answer).hexdigest()
            state.update(_line(fields))
        return f"sha256:{state.hexdigest()}"

    def states(self, suspect: str) -> dict[str, State]:
        """How far each question to a suspect is, by its key."""
        found: dict[str, State] = {}
        with _understood(self.path):
            rows = self.connection.execute(
                "SELECT calls.id, key, attempt, status, outcome FROM calls"
                " JOIN suspects s ON s.id = calls.suspect WHERE s.digest = ? ORDER BY attempt",
                (suspect,),
            )
            for row, key, attempt, status, outcome in rows:
                before = found.get(key)
                used = before.used if before else 0
                if outcome == Outcome.FAILED and spends_key(status):
                    used += 1
                if before and before.outcome in SETTLED:
                    row, outcome = before.row, before.outcome
                kind = None if outcome is None else Outcome(outcome)
                found[str(key)] = State(int(row), kind, int(attempt), used)
        return found

    def came(self, row: int) -> tuple[int, bytes, datetime, str]:
        """The status, bytes and time of a row's answer, and the reason of its outcome."""
        with _understood(self.path):
            status, answer, at, reason = self.connection.execute(
                "SELECT status, answer, received_at, reason FROM calls WHERE id = ?", (row,)
            ).fetchone()
            return int(status), bytes(answer), _time(at), str(reason or "")

    def spent(self, suspect: str) -> Spent:
        """What asking a suspect has taken so far."""
        with _understood(self.path):
            rows = self.connection.execute(
                "SELECT outcome, count(*), sum(price) FROM calls"
                " JOIN suspects s ON s.id = calls.suspect WHERE s.digest = ? GROUP BY outcome",
                (suspect,),
            ).fetchall()
        counts = {outcome: int(count) for outcome, count, _ in rows}
        sent = [row for row in rows if row[0] != Outcome.UNSENT]
        return Spent(
            calls=sum(int(count) for _, count, _ in sent),
            answered=counts.get(Outcome.ANSWERED, 0) + counts.get(Outcome.RECEIVED, 0),
            failed=counts.get(Outcome.FAILED, 0),
            refused=counts.get(Outcome.REFUSED, 0),
            in_doubt=counts.get(Outcome.IN_DOUBT, 0) + counts.get(None, 0),
            cost=float(sum(cost for _, _, cost in sent)),
        )


@contextmanager
def locked(path: Path, told: Callable[[], None]) -> Iterator[None]:
    """Be the only one who writes to a ledger; `told` is called if another must be waited for."""
    import fcntl

    try:
        lock = path.with_name(f"{path.name}.lock").open("ab")
    except OSError as error:
        fix = "check its folder's permissions and free space"
        raise BirthmarkError(path, f"cannot be locked ({error.strerror})", fix) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def suspect_digest(identity: str) -> str:
    """The digest by which a ledger knows a suspect."""
    return f"sha256:{hashlib.sha256(identity.encode()).hexdigest()}"


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[Ledger]:
    """A ledger that is closed only if what follows fails."""
    if path.exists() and 0 < path.stat().st_size < HEADER:  # SQLite would take it for an empty one
        raise _foreign(path, "is not an SQLite file")
    address = f"file:{quote(str(path.resolve()))}?mode={mode}"
    with _understood(path), ExitStack() as stack:
        connection = sqlite3.connect(
            address, uri=True, isolation_level=None, timeout=PATIENCE, check_same_thread=False
        )
        stack.callback(connection.close)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        yield Ledger(path, connection)
        stack.pop_all()


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Tell SQLite's errors, and values of another type than ours, as a user's.

    The file is never opened but by SQLite: to close it would end the locks of this process's other
    connections.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise BirthmarkError(
            path, f"cannot be used ({error})", "check its folder's permissions and free space"
        ) from error
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise _foreign(path, "is not an SQLite file") from error
        raise _damaged(path, str(error)) from error
    except (sqlite3.Error, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise _damaged(path, str(error)) from error


def _foreign(path: Path, problem: str) -> BirthmarkError:
    return BirthmarkError(path, problem, "name a ledger, or a new file for one")


def _damaged(path: Path, detail: str) -> BirthmarkError:
    return BirthmarkError(
        path,
        f"is damaged ({detail})",
        "restore a copy; without one, its answers must be asked for again, into a new file",
    )


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    with closing(connection.execute(f"PRAGMA {pragma}")) as rows:
        return int(rows.fetchone()[0])


def _line(fields: dict[str, Any]) -> bytes:
    return (
        json.dumps(fields, sort_keys=True, separators=(",", ":"), default=_plain).encode() + b"\n"
    )


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(UTC)


_COLUMNS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("key", "method", "url", "body_sha256", "about", "reason"), str),
    **dict.fromkeys(("attempt", "body_bytes", "status"), int),
    **dict.fromkeys(("sent_at", "received_at"), _time),
    "headers": lambda text: tuple(str(text).split()),
    "price": float,
    "answer": bytes,
    "outcome": Outcome,
}
"""Fields of a record and how to read them."""
