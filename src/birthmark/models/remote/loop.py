"""Running an event loop from code that knows nothing of one, and stopping it by Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end, in a thread of its own if a loop runs here, as in a notebook.

    Ctrl-C cancels it, and it may end what it has begun; a second Ctrl-C ends it at once.

    Raises
    ------
    KeyboardInterrupt
        If it did not end by itself.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def noted() -> T:
        task = asyncio.create_task(main())
        started.append((asyncio.get_running_loop(), task))
        return await task

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(asyncio.run, noted())
        while True:
            try:
                return result.result()
            except KeyboardInterrupt:
                with suppress(RuntimeError):  # it has just ended
                    for loop, task in started:
                        loop.call_soon_threadsafe(task.cancel)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
