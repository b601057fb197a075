"""A ledger only grows, and what is none is told."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from birthmark import BirthmarkError
from birthmark.models.remote.call import Call
from birthmark.models.remote.ledger import Ledger, suspect_digest
from birthmark.models.remote.record import Ending, Spent
from birthmark.models.remote.schema import APPLICATION, Outcome
from birthmark.models.remote.writer import Writer

CALL = Call("k0", "POST", "http://me:word@a/?key=hush", b"img", "p0.jpg")
HEADERS = ("host", "x-key")
ME = suspect_digest("me")


def written(path: Path) -> Path:
    """A ledger with an attempt of each outcome."""

    async def write() -> None:
        ledger = Ledger.made(path)
        writer = Writer(ledger, ledger.begin("me"))
        endings = [
            Ending(Outcome.RECEIVED, None, 200, b"good"),
            Ending(Outcome.RECEIVED, None, 422, b"no"),
            Ending(Outcome.RECEIVED, None, 200, b"bad"),
            Ending(Outcome.FAILED, "HTTP 500", 500, b""),
            Ending(Outcome.UNSENT, "no connection could be made"),
            Ending(Outcome.RECEIVED, None, 200, b"unseen"),
        ]
        asked = [replace(CALL, key=f"k{i}", about=f"p{i}.jpg") for i in range(7)]
        rows = await asyncio.gather(*(writer.intend(one, 1, HEADERS, 0.5) for one in asked))
        await asyncio.gather(*(writer.end(*one) for one in zip(rows[:6], endings, strict=True)))
        await writer.judge(rows[0], Ending(Outcome.ANSWERED))
        await writer.judge(rows[1], Ending(Outcome.REFUSED, "422"))
        await writer.judge(rows[2], Ending(Outcome.FAILED, "is not JSON"))
        ledger.close()

    asyncio.run(write())
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    with Ledger.open(written(tmp_path / "l.db")) as ledger:
        records = list(ledger.records(ME))
        assert [one.outcome for one in records] == [
            Outcome.ANSWERED,
            Outcome.REFUSED,
            Outcome.FAILED,
            Outcome.FAILED,
            Outcome.UNSENT,
            Outcome.RECEIVED,
            None,
        ]
        assert [one.answer for one in records[:3]] == [b"good", b"no", b"bad"]
        assert (records[0].headers, records[0].url) == (HEADERS, "http://a/?key=***")
        assert (records[0].body_bytes, records[0].price) == (3, 0.5)
        assert records[0].received_at is not None
        assert records[0].received_at >= records[0].sent_at
        assert ledger.spent(ME) == Spent(6, 2, 2, 1, 1, 3.0)
        assert ledger.spent("another") == Spent()
        assert ledger.suspects() == {ME: "me"}
        states = ledger.states(ME)
        assert [states[f"k{i}"].used for i in range(7)] == [0, 0, 1, 1, 0, 0, 0]


def test_whoever_begins_finds_what_another_left_in_doubt(tmp_path: Path) -> None:
    ledger = Ledger.made(written(tmp_path / "l.db"))
    assert ledger.begin("you") == 2
    assert ledger.suspects()[suspect_digest("you")] == "you"
    assert ledger.states(ME)["k6"].outcome is Outcome.IN_DOUBT
    assert ledger.spent(ME).in_doubt == 1
    ledger.close()


def test_the_digest_covers_everything(tmp_path: Path) -> None:
    path = written(tmp_path / "l.db")
    with Ledger.open(path) as ledger:
        first = ledger.digest(ME)
        assert ledger.digest(ME) == first
    shutil.copy(path, tmp_path / "changed.db")
    connection = sqlite3.connect(tmp_path / "changed.db")
    (trigger,) = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'calls_end'"
    ).fetchone()
    connection.execute("DROP TRIGGER calls_end")
    connection.execute("UPDATE calls SET answer = CAST('gooe' AS BLOB) WHERE key = 'k0'")
    connection.execute(trigger)
    connection.commit()
    connection.close()
    with Ledger.open(tmp_path / "changed.db") as ledger:
        assert ledger.digest(ME) != first


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM calls",
        "DELETE FROM suspects",
        "UPDATE suspects SET description = 'you'",
        "UPDATE calls SET answer = NULL WHERE key = 'k0'",
        "UPDATE calls SET outcome = 'failed' WHERE key = 'k0'",
        "UPDATE calls SET outcome = 'answered' WHERE key = 'k3'",
        "UPDATE calls SET answer = CAST('x' AS BLOB), outcome = 'answered' WHERE key = 'k5'",
        "UPDATE calls SET url = 'x', outcome = 'answered' WHERE key = 'k5'",
        "UPDATE calls SET about = 'x' WHERE key = 'k6'",
        "UPDATE calls SET key = 'k0', outcome = 'failed' WHERE key = 'k6'",
        "UPDATE calls SET outcome = 'lost' WHERE key = 'k6'",
        "INSERT OR REPLACE INTO calls SELECT * FROM calls WHERE key = 'k6'",
        "INSERT INTO calls SELECT 99, suspect, 'k9', attempt, method, url, headers, body_sha256,"
        " body_bytes, about, price, sent_at, status, answer, received_at, outcome, reason"
        " FROM calls WHERE key = 'k0'",
    ],
)
def test_nothing_is_changed_afterwards(change: str, tmp_path: Path) -> None:
    connection = sqlite3.connect(written(tmp_path / "l.db"))
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(change)
    connection.close()


def test_a_question_is_answered_once(tmp_path: Path) -> None:
    connection = sqlite3.connect(written(tmp_path / "l.db"))
    connection.execute(
        "INSERT INTO calls SELECT NULL, suspect, key, 2, method, url, headers, body_sha256,"
        " body_bytes, about, price, sent_at, NULL, NULL, NULL, NULL, NULL FROM calls"
        " WHERE key = 'k0'"
    )
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        connection.execute("UPDATE calls SET outcome = 'refused' WHERE key = 'k0' AND attempt = 2")
    connection.close()


def altered(statement: str) -> Callable[[Path], None]:
    def alter(path: Path) -> None:
        written(path)
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()

    return alter


def other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE things (a)")
    connection.commit()
    connection.close()


def torn(path: Path) -> None:
    written(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def scribbled(path: Path) -> None:
    written(path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_text("no database, but a text"), "is not an SQLite file"),
        (lambda path: path.mkdir(), "is not a file"),
        (other_database, "but not a ledger"),
        (altered("PRAGMA user_version = 2"), "version 2"),
        (altered("PRAGMA application_id = 7"), "but not a ledger"),
        (altered("CREATE VIEW v AS SELECT 1"), "does not have the tables"),
        (altered("DROP TRIGGER calls_stay"), "does not have the tables"),
        (torn, "damaged"),
        (scribbled, "damaged|cannot be used"),
    ],
)
def test_what_is_no_ledger_is_told(
    make: Callable[[Path], None], problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "l.db"
    make(path)
    for opening in (Ledger.open, Ledger.made):
        with pytest.raises(BirthmarkError, match=problem):
            opening(path).close()


def test_values_of_another_type_are_told(tmp_path: Path) -> None:
    path = written(tmp_path / "l.db")
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO calls (suspect, key, attempt, method, url, headers, body_sha256, body_bytes,"
        " about, price, sent_at) VALUES (1, 'k', 1, 'GET', '', '', '', 'many', '', 0, 'today')"
    )
    connection.commit()
    connection.close()
    with Ledger.open(path) as ledger, pytest.raises(BirthmarkError, match="is damaged"):
        list(ledger.records())


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BirthmarkError, match="is not a file"):
        Ledger.open(tmp_path / "none.db")
    with pytest.raises(BirthmarkError, match="is not a folder"):
        Ledger.made(tmp_path / "none" / "l.db")
    with (
        Ledger.made(tmp_path / "l.db") as ledger,
        pytest.raises(BirthmarkError, match="holds nothing of the suspect"),
    ):
        ledger.digest(ME)
    assert APPLICATION.to_bytes(4, "big") == b"BIRM"


def test_a_full_disk_is_told_to_every_waiting_task(tmp_path: Path) -> None:
    async def write() -> None:
        ledger = Ledger.made(tmp_path / "l.db")
        suspect = ledger.begin("me")
        ledger.connection.execute("PRAGMA max_page_count = 20")
        writer = Writer(ledger, suspect)
        row = await writer.intend(CALL, 1, HEADERS, 0.5)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await writer.end(row, Ending(Outcome.RECEIVED, None, 200, bytes(1 << 20)))
        await writer.end(row, Ending(Outcome.FAILED, "there was no room"))
        ledger.close()

    asyncio.run(write())
    with Ledger.open(tmp_path / "l.db") as ledger:
        assert [one.outcome for one in ledger.records()] == [Outcome.FAILED]
