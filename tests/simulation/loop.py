"""An event loop whose time jumps to the next timer: hours pass in milliseconds, and always in the same order."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
# The process of the simulated machine that a task belongs to.
OWNER: ContextVar[object] = ContextVar("owner", default=None)


class Stuck(Exception):
    """Nothing is left that could ever go on, or it goes on for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop in one thread without files and sockets; `halt` stops all tasks of an owner where they are."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self._over = False
        self._turns: deque[tuple[Context, asyncio.Handle]] = deque()
        self._timers: list[tuple[float, int, Context, asyncio.Handle]] = []
        self._order = count()
        self._halted: set[object] = set()
        self._frozen: dict[object, float] = {}
        self._parked: list[tuple[Context, asyncio.Handle]] = []
        self._tasks: list[asyncio.Task[Any]] = []

    def run(self, main: Coroutine[Any, Any, T], max_steps: int = 1_000_000) -> T:
        """Return the result of a coroutine. Raise Stuck when it cannot end."""
        asyncio._set_running_loop(self)
        try:
            task: asyncio.Task[T] = self.create_task(main)
            step, done = self._step, task.done
            while not done():
                step(max_steps)
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def halt(self, owner: object) -> None:
        """Let none of the owner's tasks do another step."""
        self._halted.add(owner)

    def freeze(self, owner: object, seconds: float) -> None:
        """Let none of the owner's tasks do another step for a while; time goes on for it as for all others."""
        self._frozen[owner] = self.now + seconds

    def close(self) -> None:
        """Cancel all tasks that have not ended, those of halted owners too."""
        asyncio._set_running_loop(self)
        self._over = True
        self._halted.clear()
        self._frozen.clear()
        self._turns.extend(self._parked)
        for task in self._tasks:
            task.cancel()
        last = self.steps + 10_000
        with suppress(Stuck):
            while not all(task.done() for task in self._tasks):
                self._step(last)
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.exception()
        self._tasks.clear()
        self._turns.clear()
        self._timers.clear()
        asyncio._set_running_loop(None)

    def _step(self, max_steps: int) -> None:
        self.steps += 1
        if self.steps > max_steps:
            raise Stuck("it goes on for ever")
        if not self._turns:
            if not self._timers:
                raise Stuck("all wait for each other")
            due, _, context, timer = heapq.heappop(self._timers)
            self.now = max(self.now, due)
            self._turns.append((context, timer))
        context, handle = self._turns.popleft()
        if (self._halted or self._frozen) and (owner := context.get(OWNER)) is not None:
            if owner in self._halted:
                self._parked.append((context, handle))
                return
            if (thaws_at := self._frozen.get(owner)) is not None:
                if thaws_at > self.now:
                    heapq.heappush(self._timers, (thaws_at, next(self._order), context, handle))
                    return
                del self._frozen[owner]
        if not handle.cancelled():
            handle._run()

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self._over

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        context = context or copy_context()
        handle = asyncio.Handle(callback, args, self, context)
        self._turns.append((context, handle))
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = context or copy_context()
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), context, timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave the timer where it is: its time passes without effect."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, context=context)
        self._tasks.append(task)
        return task

    def run_in_executor(self, executor: object, func: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        """Return the function's result at once: a thread has no time of its own here."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is the caller's
            future.set_exception(error)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Ignore what nobody asked for: it is another's who looks at the database."""
