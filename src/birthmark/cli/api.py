"""Options for suspects behind an API, and what is said about asking them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from birthmark.cli.terminal import say
from birthmark.common.errors import BirthmarkError

if TYPE_CHECKING:
    from birthmark.models.adapters.base import DryRun
    from birthmark.models.remote import Access

KEPT = "the answers so far are kept"
GOES_ON = "the same command continues from there"
PANEL = "Suspects behind an API"
HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
NO_REACH: Mapping[str, Any] = {}


def _option(*names: str, text: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=PANEL, **more)


Ledger = Annotated[Path | None, _option(text="Where to keep paid answers (default: next to OUT).")]
MaxCalls = Annotated[int | None, _option(text="The most calls to send, counting earlier runs.")]
Price = Annotated[float | None, _option(text="What one call costs.")]
MaxCost = Annotated[float | None, _option(text="The most to spend, counting earlier runs.")]
Concurrency = Annotated[int | None, _option(text="Calls to send at once (default: 4).")]
Rate = Annotated[float | None, _option(text="The most calls a second (default: no limit).")]
Timeout = Annotated[float | None, _option(text="Seconds to wait for an answer (default: 30).")]
Attempts = Annotated[int | None, _option(text="How often to try one call (default: 8).")]
AllowEnv = Annotated[
    list[str],
    _option(
        text="An environment variable that a .api.toml may send: NAME, or NAME@HOST.",
        metavar="NAME",
    ),
]
Headers = Annotated[
    list[str],
    _option(
        "--header",
        text="A header to send, and the environment variable that holds its value:"
        " Authorization=KEY.",
        metavar="HEADER=NAME",
    ),
]
CaFile = Annotated[
    Path | None,
    _option(text="Certificates (PEM) to trust as well, for a self-signed server."),
]
DryRunning = Annotated[
    bool, _option("--dry-run", text="Say what would be sent and what it costs; send nothing.")
]


def stated(
    ledger: Path | None,
    max_calls: int | None,
    price: float | None,
    max_cost: float | None,
    concurrency: int | None,
    rate: float | None,
    timeout: float | None,
    attempts: int | None,
    allow_env: list[str],
) -> dict[str, Any]:
    """The options that were given, by their names."""
    given: dict[str, Any] = {
        "ledger": ledger,
        "max_calls": max_calls,
        "price": price,
        "max_cost": max_cost,
    }
    given |= {"concurrency": concurrency, "rate": rate, "timeout": timeout, "attempts": attempts}
    given |= {"allow_env": allow_env or None}
    return {name: value for name, value in given.items() if value is not None}


def reached(headers: list[str], ca_file: Path | None) -> dict[str, Any]:
    """Options that say how servers are reached, as `Access` takes them.

    Raises
    ------
    BirthmarkError
        If a header is not given as HEADER=NAME.
    """
    pairs = []
    for text in headers:
        header, _, name = text.partition("=")
        if not HEADER.fullmatch(header) or not VARIABLE.fullmatch(name):
            raise BirthmarkError(
                "--header",
                f"is not HEADER=NAME (header {header[:40]!r})",
                "write a header and the name of an environment variable: Authorization=MY_KEY",
            )
        pairs.append((header, name))
    given = {"headers": tuple(pairs), "ca_file": ca_file}
    return {name: value for name, value in given.items() if value}


def access_of(
    specs: list[str], ledger: Path, given: dict[str, Any], reach: Mapping[str, Any] = NO_REACH
) -> Access | None:
    """How models behind an API may be asked; None if none of these is.

    Parameters
    ----------
    specs
        The models.
    ledger
        Where answers are kept if nothing is stated.
    given
        From `stated`; it wins over what the file that describes an API states.
    reach
        From `reached`.

    Raises
    ------
    BirthmarkError
        If an option is given and no model is behind an API, or a number is out of its range.
    """
    from birthmark.models.adapters.lookup import is_remote, stated_limits
    from birthmark.models.remote import Access, Limits

    remote = [spec for spec in specs if is_remote(spec)]
    if not remote:
        if given or reach:
            first = next(iter([*given, *reach])).replace("headers", "header")
            raise BirthmarkError(
                "--" + first.replace("_", "-"),
                "is for a model behind an API",
                "drop it, or name an address or a .api.toml",
            )
        return None
    limits = {name: value for name, value in given.items() if name not in ("ledger", "allow_env")}
    of_file = stated_limits(remote[0]) if len(remote) == 1 else {}
    return Access(
        given.get("ledger", ledger),
        Limits(**(of_file | limits)),
        tuple(given.get("allow_env", ())),
        **reach,
    )


@contextmanager
def kept(suspect: Any) -> Iterator[None]:
    """Say of whatever fails after paid calls that their answers are kept."""
    try:
        yield
    except BirthmarkError as error:
        note = _kept(suspect)
        if note is None or KEPT in error.fix or GOES_ON in error.fix:
            raise
        raise BirthmarkError(error.subject, error.problem, f"{error.fix}; {note}") from error
    except BaseException as error:
        if GOES_ON not in str(error) and (note := _kept(suspect)):
            say(f"birthmark: {note}", error=True)
        raise


def _kept(suspect: Any) -> str | None:
    """What the ledger keeps, if anything."""
    spent = getattr(suspect, "spent", None)
    answered = spent().answered if spent else 0
    if not answered:
        return None
    return f"{KEPT} in {suspect.access.ledger}, and {GOES_ON}"


def spent_sentence(suspect: Any) -> str | None:
    """What asking took, in words; None for models that are not behind an API."""
    if not hasattr(suspect, "spent"):
        return None
    spent, price = suspect.spent(), suspect.access.limits.price
    cost = f", at a cost of {money(spent.cost)}" if price or spent.cost else ""
    said = (
        f"Sent {spent.calls:,} calls in all, counting earlier runs{cost}. The answers are kept in"
        f" {suspect.access.ledger}"
    )
    if not spent.in_doubt:
        return said
    return (
        f"{said}\n{spent.in_doubt:,} of these calls may not have arrived, since the run was"
        " stopped meanwhile; they were sent again, and count."
    )


def money(amount: float) -> str:
    """An amount with its cents, and with what is below them if there is any."""
    whole, point, cents = f"{amount:,.4f}".partition(".")
    return f"{whole}{point}{cents[:2]}{cents[2:].rstrip('0')}"


def plan_lines(plan: DryRun, suspect: Any, *, at_most: bool, repeats: int = 0) -> list[str]:
    """What a dry run says; `repeats` of the calls ask something again."""
    access = suspect.access
    limits, most = access.limits, "at most " if at_most else ""
    lines = [
        f"Would send {most}{plan.calls:,} calls; {access.ledger} holds {plan.known:,} answers.",
        *(
            [f"{repeats} of them are repeats, to see whether answers change (--repeats)."]
            if repeats
            else []
        ),
        f"Each: {plan.example}.",
    ]
    if limits.price:
        lines.append(
            f"Cost: {money(plan.cost)} if every call succeeds; a failed call is tried up to"
            f" {limits.attempts} times and may be charged each time."
        )
    else:
        lines.append("Cost: unknown. Pass --price to see it, and --max-cost to limit it.")
    if plan.least_seconds:
        lines.append(
            f"Takes at least {plan.least_seconds:,.0f} s at {limits.rate:g} calls a second."
        )
    if not enough(plan, suspect):
        lines.append("The limit on calls or cost is too low to ask everything.")
    return [*lines, "Nothing was sent."]


def enough(plan: DryRun, suspect: Any) -> bool:
    """Whether the limits allow all calls of a plan, if each succeeds at once."""
    limits, spent = suspect.access.limits, suspect.spent()
    calls, cost = spent.calls + plan.calls, spent.cost + plan.cost
    return (limits.max_calls is None or calls <= limits.max_calls) and (
        limits.max_cost is None or cost <= limits.max_cost
    )
