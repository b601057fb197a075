"""Asking an API about many probes: what the ledger holds is not sent again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress, silent
from birthmark.models.remote.access import Access
from birthmark.models.remote.call import Call, Refusal, Reply
from birthmark.models.remote.ledger import Ledger, locked, suspect_digest
from birthmark.models.remote.loop import run
from birthmark.models.remote.record import Spent, State
from birthmark.models.remote.schema import SETTLED, Outcome

GOES_ON = "the same command continues from there"
Accept = Callable[[Call, Reply], None]
"""Looks at a new answer; raises `Unusable` or `BirthmarkError` if it is of no use."""


class Client:
    """Asks one suspect, and keeps what it answers in a ledger.

    Parameters
    ----------
    identity
        A canonical description of what is asked: the same text for the same suspect, and another if
        answers could differ. It is kept in the ledger: no secrets in it.
    access
        The ledger and the limits.
    name
        How messages call the suspect.

    Raises
    ------
    BirthmarkError
        If the ledger is none, damaged or can't be written.
    """

    def __init__(self, identity: str, access: Access, name: str = "the suspect") -> None:
        self._identity = identity
        self._access = access
        self._name = name
        self._suspect = suspect_digest(identity)
        Ledger.made(access.ledger).close()

    def fetch(
        self, calls: Sequence[Call], accept: Accept, progress: Progress = silent
    ) -> Sequence[Reply | Refusal]:
        """Answers or refusals to the calls, in their order.

        Parameters
        ----------
        calls
            What to ask; calls with one key are one.
        accept
            Looks at each new answer. One that it finds unusable counts as failed, and the call is
            made again.
        progress
            Is told how far it is.

        Returns
        -------
        Sequence of Reply or Refusal
            Read from the ledger one by one as they are looked at.

        Raises
        ------
        BirthmarkError
            If a limit is reached, a call fails too often, or the API answers as if it were asked
            wrongly. What was answered is kept.
        KeyboardInterrupt
            With a sentence about what is kept, once what was on its way has ended; if interrupted
            again, at once.
        """
        wanted = list({call.key: call for call in calls}.values())
        if self._missing(wanted):
            kept, how = f"the answers so far are kept in {self._access.ledger}", "stopped"
            try:
                problem = self._settled(wanted, accept, progress)
            except KeyboardInterrupt as error:
                problem, how = error, "stopped; calls under way may or may not have arrived"
            if isinstance(problem, KeyboardInterrupt):
                raise KeyboardInterrupt(f"{how}; {kept}, and {GOES_ON}") from None
            if isinstance(problem, sqlite3.Error):
                fix = f"earlier answers are kept, and {GOES_ON}"
                told = BirthmarkError(self._access.ledger, f"can't be written ({problem})", fix)
                raise told from problem
            if problem is not None:
                raise problem
        states = self._states()
        return Kept(self._access, [states[call.key] for call in calls])

    def _settled(
        self, calls: Sequence[Call], accept: Accept, progress: Progress
    ) -> BaseException | None:
        """Ask until all is settled, or until what is given."""
        from birthmark.models.remote.session import Session

        path = self._access.ledger
        what = f"Waiting for another audit to finish with {path.name}"
        waiting = locked(path, lambda: progress(what, 0, len(calls)))
        with waiting, Ledger.made(path, thorough=False) as ledger:
            session = Session(ledger, self._identity, self._access, self._name, accept, progress)
            problem = run(lambda: session.run(calls))
            ledger.gather()
            return problem

    def plan(self, calls: Sequence[Call]) -> tuple[int, int]:
        """How many calls `fetch` would send at least, and how many the ledger has settled."""
        wanted = list({call.key: call for call in calls}.values())
        missing = len(self._missing(wanted))
        return missing, len(wanted) - missing

    def spent(self) -> Spent:
        """What asking this suspect has taken so far, on this ledger."""
        with Ledger.open(self._access.ledger, thorough=False) as ledger:
            return ledger.spent(self._suspect)

    def _states(self) -> dict[str, State]:
        with Ledger.open(self._access.ledger, thorough=False) as ledger:
            return ledger.states(self._suspect)

    def _missing(self, calls: Sequence[Call]) -> list[Call]:
        settled = {key for key, state in self._states().items() if state.outcome in SETTLED}
        return [call for call in calls if call.key not in settled]


class Kept(Sequence[Reply | Refusal]):
    """Answers in a ledger, each read when it is looked at: together they may be large.

    Parameters
    ----------
    access
        Says which ledger.
    states
        The row that settled each question.
    """

    def __init__(self, access: Access, states: Sequence[State]) -> None:
        self._ledger = Ledger.open(access.ledger, thorough=False)
        self._states = states

    def __len__(self) -> int:
        return len(self._states)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        state = self._states[index]
        status, body, at, reason = self._ledger.came(state.row)
        if state.outcome is Outcome.REFUSED:
            return Refusal(reason, status, at)
        return Reply(status, body, at)
