"""Running an event loop from code that knows nothing of one, and stopping it by Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end, in a thread: where a loop runs already, as in a notebook, too.

    Ctrl-C interrupts this function and never the coroutine's own steps: it cancels it, and it may
    end what it has begun; a second Ctrl-C cancels it again.

    Raises
    ------
    KeyboardInterrupt
        If the coroutine was cancelled to its end.
    """
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = Future()

    async def noted() -> T:
        task = asyncio.create_task(main())
        begun.set_result((asyncio.get_running_loop(), task))
        return await task

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(lambda: asyncio.run(noted()))
        while True:
            try:
                return result.result()
            except KeyboardInterrupt:
                loop, task = begun.result()
                with suppress(RuntimeError):  # it has just ended
                    loop.call_soon_threadsafe(task.cancel)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
