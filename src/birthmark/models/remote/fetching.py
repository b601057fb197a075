"""One run of calls through a courier: what is sent, what the answers are worth, when to stop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Progress
from birthmark.models.remote.access import Access
from birthmark.models.remote.call import Call, Reply, Unusable
from birthmark.models.remote.ledger import Ledger
from birthmark.models.remote.line import Line
from birthmark.models.remote.record import State
from birthmark.models.remote.schema import SETTLED, Outcome
from birthmark.models.remote.statuses import Meaning, fix_of, meaning, said

FIRST = 8
"""So many answers of no use, and none of use, and asking is stopped as pointless."""
WINDOW = 64
"""Calls that the courier holds beside those on their way, so that it never waits for us."""
WINDOW_BYTES = 64 << 20
KEPT = "what was answered is kept, and the same command goes on from there"


@dataclass(frozen=True)
class Useless:
    """An answer of no use.

    Attributes
    ----------
    row
        Where the ledger has it.
    call
        What it answers.
    number
        Of the call, if the courier has it.
    outcome
        What it will be recorded as: refused or failed.
    reason, fix
        What is wrong with it, and how the user may mend it.
    """

    row: int
    call: Call
    number: int | None
    outcome: Outcome
    reason: str
    fix: str


class Fetching:
    """See `Client.fetch`, whose parameters these are.

    Until a first answer is of use, at most 8 calls are out, and answers of no use are held back: if
    8 are, asking stops with what the last one said, and they stay in the ledger unjudged. So an
    error of the user's costs little, and once it is mended they are looked at again.
    """

    def __init__(
        self,
        line: Line,
        access: Access,
        suspect: str,
        name: str,
        accept: Callable[[Call, Reply], None],
        progress: Progress,
    ) -> None:
        self._line = line
        self._access = access
        self._suspect = suspect
        self._name = name
        self._accept = accept
        self._progress = progress
        self._queue: deque[Call] = deque()
        self._out: dict[int, Call] = {}
        self._bytes = 0
        self._number = 0
        self._held: list[Useless] = []
        self._useless = 0
        self._proven = False
        self._states: Mapping[str, State] = {}
        self._done = self._total = 0

    def run(self, calls: Sequence[Call]) -> None:
        """Settle all calls.

        Raises
        ------
        BirthmarkError, KeyboardInterrupt
            As `Client.fetch` says.
        """
        self._total = len(calls)
        try:
            try:
                self._await_ready()
                self._look_back(calls)
                while self._queue or self._out or self._held:
                    if not self._hand_out() and self._all_held():
                        self._release()
                    elif self._out:
                        self._hear()
            except BirthmarkError:
                self._drain()
                raise
        except KeyboardInterrupt:
            raise self._interrupted() from None

    def _await_ready(self) -> None:
        while (frame := self._line.hear()[0])["op"] != "ready":
            if frame["op"] == "waiting":
                what = f"Waiting for another audit to leave {self._access.ledger.name}"
                self._progress(what, 0, self._total)

    def _look_back(self, calls: Sequence[Call]) -> None:
        """Find what is to be asked; look at answers that an earlier run did not look at."""
        with Ledger.open(self._access.ledger, thorough=False) as ledger:
            self._states = ledger.states(self._suspect)
            self._proven = any(s.outcome is Outcome.ANSWERED for s in self._states.values())
            for call in calls:
                state = self._states.get(call.key)
                if state is None or state.outcome not in (*SETTLED, Outcome.RECEIVED):
                    self._queue.append(call)
                elif state.outcome is Outcome.RECEIVED:
                    status, body, at, _ = ledger.came(state.row)
                    if meaning(status, self._proven) is Meaning.WRONG:
                        self._line.judge(state.row, Outcome.FAILED, said(status, body))
                        self._queue.append(call)
                    else:
                        self._weigh(state.row, call, None, Reply(status, body, at))
                else:
                    self._count()

    def _hand_out(self) -> bool:
        """Give the courier calls while there is room; whether it got any."""
        room = WINDOW + 2 * self._access.limits.concurrency if self._proven else FIRST
        handed = False
        while self._queue and len(self._out) < room and self._bytes < WINDOW_BYTES:
            call = self._queue.popleft()
            self._number += 1
            self._out[self._number] = call
            self._bytes += len(call.body)
            self._line.call(self._number, call, self._states.get(call.key))
            handed = True
        return handed

    def _all_held(self) -> bool:
        return sum(one.number is not None for one in self._held) == len(self._out)

    def _hear(self) -> None:
        fields, content = self._line.hear()
        kind, number = fields["op"], fields.get("number", 0)
        if kind == "reply":
            reply = Reply(fields["status"], content, datetime.now(UTC))
            self._weigh(fields["row"], self._out[number], number, reply)
        elif kind == "pause":
            what = f"{self._name} asks to wait {fields['seconds']:.0f} s"
            self._progress(what, self._done, self._total)
        elif kind == "budget":
            raise self._over_budget()
        elif kind == "fatal":
            raise BirthmarkError(self._name, fields["reason"], f"mend that; {KEPT}")
        elif kind == "gave-up":
            raise BirthmarkError(
                self._name,
                f"gave no answer about {self._out[number].about} in"
                f" {self._access.limits.attempts} attempts ({fields['reason']})",
                f"try later; {KEPT}",
            )

    def _weigh(self, row: int, call: Call, number: int | None, reply: Reply) -> None:
        """Decide what an answer is worth, unless that must wait."""
        found = meaning(reply.status, self._proven)
        text = said(reply.status, reply.body)
        if found is Meaning.WRONG:
            self._judge(Useless(row, call, number, Outcome.FAILED, text, ""))
            raise BirthmarkError(self._name, f"answers {text}", f"{fix_of(reply.status)}; {KEPT}")
        if found is Meaning.REFUSAL:
            fix = "check that the call has the form that the API wants"
            self._hold(Useless(row, call, number, Outcome.REFUSED, text, fix))
            return
        try:
            self._accept(call, reply)
        except Unusable as error:
            fix = "check where in the answer its numbers are said to be"
            self._hold(Useless(row, call, number, Outcome.FAILED, error.reason, fix))
        except BirthmarkError as error:
            self._hold(Useless(row, call, number, Outcome.FAILED, error.problem, error.fix))
        else:
            self._line.judge(row, Outcome.ANSWERED)
            self._settled(number)
            self._proven = True
            self._release()

    def _hold(self, one: Useless) -> None:
        if self._proven:
            self._judge(one)
            return
        self._held.append(one)
        self._useless += 1
        if self._useless >= FIRST:
            raise BirthmarkError(
                self._name,
                f"gave {self._useless} answers, none of use; to {one.call.about}: {one.reason}",
                f"{one.fix}; what it answered is kept, and looked at again",
            )

    def _release(self) -> None:
        held, self._held = self._held, []
        for one in held:
            self._judge(one)

    def _judge(self, one: Useless) -> None:
        """Record what an answer is worth; one that failed is asked for again."""
        self._line.judge(one.row, one.outcome, one.reason)
        if one.outcome is Outcome.REFUSED:
            self._settled(one.number)
        elif one.number is None:
            self._queue.append(one.call)

    def _settled(self, number: int | None) -> None:
        if number is not None:
            self._bytes -= len(self._out.pop(number).body)
        self._count()

    def _count(self) -> None:
        self._done += 1
        self._progress(f"Asking {self._name}", self._done, self._total)

    def _drain(self) -> None:
        """Let nothing new be sent, and look at what comes in until all is recorded."""
        self._line.stop()
        try:
            while (frame := self._line.hear())[0]["op"] != "stopped":
                self._look_at_late(*frame)
        except BirthmarkError:
            pass  # it ended: what it recorded is looked at the next time

    def _look_at_late(self, fields: Mapping[str, Any], content: bytes) -> None:
        """Judge an answer that comes while asking stops, if it is of use; leave the others."""
        if fields["op"] != "reply" or fields["number"] not in self._out:
            return
        reply = Reply(fields["status"], content, datetime.now(UTC))
        found = meaning(reply.status, self._proven)
        if found is Meaning.WRONG:
            self._line.judge(fields["row"], Outcome.FAILED, said(reply.status, reply.body))
        elif found is Meaning.ANSWER:
            try:
                self._accept(self._out[fields["number"]], reply)
            except (Unusable, BirthmarkError):
                return
            self._line.judge(fields["row"], Outcome.ANSWERED)
            self._settled(fields["number"])

    def _interrupted(self) -> KeyboardInterrupt:
        """Finish what is on its way, unless interrupted again; then it is finished without us."""
        self._progress("Stopping: waiting for answers on their way", self._done, self._total)
        try:
            self._drain()
            how = f"what was answered is kept in {self._access.ledger}"
        except KeyboardInterrupt:
            self._line.leave()
            how = f"answers on their way are still being recorded in {self._access.ledger}"
        return KeyboardInterrupt(f"stopped; {how}, and the same command goes on from there")

    def _over_budget(self) -> BirthmarkError:
        limits = self._access.limits
        most = f"{limits.max_calls} calls" if limits.max_calls is not None else ""
        cost = f"a cost of {limits.max_cost:g}" if limits.max_cost is not None else ""
        return BirthmarkError(
            self._name,
            f"would take more than {' or '.join(one for one in (most, cost) if one)},"
            " and not all is answered",
            f"raise the limit and run the same command: what was answered is kept in"
            f" {self._access.ledger}",
        )
