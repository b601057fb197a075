"""The ledger's tables, and what may be done to them."""

from __future__ import annotations

from enum import StrEnum

APPLICATION = 0x4249524D
VERSION = 1
MAX_ANSWER = 16 << 20
MAX_CELL = MAX_ANSWER + (1 << 20)


class Outcome(StrEnum):
    """What became of an attempt."""

    RECEIVED = "received"
    """Its whole answer is kept, and not yet looked at."""
    ANSWERED = "answered"
    """With an answer that counts."""
    REFUSED = "refused"
    """The suspect said that it will not answer this question."""
    FAILED = "failed"
    """No answer, or a useless one."""
    UNSENT = "unsent"
    """It was written down, and surely never left this machine: it costs nothing."""
    IN_DOUBT = "in-doubt"
    """Written down and perhaps sent, before the audit itself was ended."""


SETTLED = (Outcome.ANSWERED, Outcome.REFUSED)

_ASKED = "id suspect key attempt method url headers body_sha256 body_bytes about price sent_at"
_CAME = "status answer received_at"


def _same(columns: str) -> str:
    return " AND ".join(f"NEW.{column} IS OLD.{column}" for column in columns.split())


_KINDS = ", ".join(f"'{one}'" for one in Outcome)
_FINAL = ", ".join(f"'{one}'" for one in (*SETTLED, Outcome.FAILED))

TABLES = (
    """CREATE TABLE suspects (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
)""",
    f"""CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    suspect INTEGER NOT NULL REFERENCES suspects (id),
    key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    body_bytes INTEGER NOT NULL,
    about TEXT NOT NULL,
    price REAL NOT NULL,
    sent_at TEXT NOT NULL,
    status INTEGER,
    answer BLOB,
    received_at TEXT,
    outcome TEXT CHECK (outcome IN ({_KINDS})),
    reason TEXT,
    UNIQUE (suspect, key, attempt)
)""",
    f"""CREATE UNIQUE INDEX once ON calls (suspect, key)
    WHERE outcome IN ({", ".join(f"'{one}'" for one in SETTLED)})""",
    """CREATE TRIGGER suspects_stay BEFORE DELETE ON suspects
    BEGIN SELECT RAISE (ABORT, 'a ledger only grows'); END""",
    """CREATE TRIGGER suspects_unchanged BEFORE UPDATE ON suspects
    BEGIN SELECT RAISE (ABORT, 'a ledger only grows'); END""",
    """CREATE TRIGGER calls_stay BEFORE DELETE ON calls
    BEGIN SELECT RAISE (ABORT, 'a ledger only grows'); END""",
    """CREATE TRIGGER calls_begin BEFORE INSERT ON calls
    WHEN NEW.outcome IS NOT NULL OR NEW.status IS NOT NULL OR NEW.answer IS NOT NULL
        OR EXISTS (SELECT 1 FROM calls WHERE id = NEW.id)
        OR EXISTS (SELECT 1 FROM calls
            WHERE suspect = NEW.suspect AND key = NEW.key AND attempt = NEW.attempt)
    BEGIN SELECT RAISE (ABORT, 'a call is written down before it is sent'); END""",
    f"""CREATE TRIGGER calls_end BEFORE UPDATE ON calls
    WHEN NOT ({_same(_ASKED)} AND NEW.outcome IS NOT NULL AND (OLD.outcome IS NULL
        OR (OLD.outcome = '{Outcome.RECEIVED}' AND NEW.outcome IN ({_FINAL}) AND {_same(_CAME)})))
    BEGIN SELECT RAISE (ABORT, 'what is in a ledger stays as it is'); END""",
)
"""A row of `calls` is inserted before the request is sent, completed when it ended, and then stays;
only one that is `received` may still get another outcome, once."""
