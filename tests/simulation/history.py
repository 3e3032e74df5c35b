"""One history from its seed: processes work, die and come back, until nothing is left to do; then it is judged."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy.ext.asyncio import AsyncConnection

from api.workers.handlers import JOB_KINDS
from api.workers.leases import LeaseKeeper
from api.workers.runner import work
from api.workers.scheduler import sweep
from domain.campaigns.mailing import recover_journals
from domain.deliveries.local_session import LocalSessions
from domain.extensions import NO_EXTENSIONS
from domain.installation.keys import InstallationKeys
from domain.jobs import JobKind
from domain.kit.db import Transaction
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys
from domain.operations.files import FileDirectory
from domain.services import Services
from domain.sessions.continuity import Continuity
from domain.sessions.journal import JournalDirectory
from domain.templates.rendering import MinijinjaTemplates
from tests.fakes import LASTING_KEYS, OneChannel
from tests.simulation.database import SimulatedConnection, SimulatedDatabase
from tests.simulation.faults import Fault
from tests.simulation.files import Files
from tests.simulation.leases import SimulatedKeeper
from tests.simulation.loop import Stuck
from tests.simulation.population import add_shop
from tests.simulation.storage import START, Storage
from tests.simulation.stories.deliveries import DeliveriesStory
from tests.simulation.stories.events import EventsStory
from tests.simulation.stories.imports import ImportsStory
from tests.simulation.stories.lists import ListsStory
from tests.simulation.stories.memberships import MembershipsStory
from tests.simulation.stories.story import Story
from tests.simulation.world import Process, World, due_notices

STORIES: tuple[type[Story], ...] = (DeliveriesStory, ListsStory, ImportsStory, MembershipsStory, EventsStory)
_ROUND = 8.0
_MOST_ROUNDS = 300
# Longer than it takes until a job that was given up is queued again.
_LONGEST_SILENCE = 6_000
_TEMPLATES = MinijinjaTemplates()
_KEYS = InstallationKeys(SecretKeys(KeyPair(SecretKey(b"k" * 32))), LASTING_KEYS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a history: `wrong` is empty when all of it is as it must be."""

    seed: int
    stories: Sequence[str]
    faults: Counter[Fault]
    wrong: Sequence[str]
    trace: Sequence[str]


class History:
    def __init__(self, seed: int, storage: Storage, files: Files, *, traced: bool = False) -> None:
        self.seed = seed
        self.world = World(seed, storage, files, traced=traced)
        chance = self.world.chance
        picked = chance.choices(STORIES, (6, 2, 2, 2, 2), k=2 if chance.random() < 0.05 else 1)
        self._picked = list(dict.fromkeys(picked))
        self._stories: list[Story] = []
        self._kinds: Mapping[str, JobKind[Services]] = JOB_KINDS
        self._workers = 0
        self._busy = 0
        self._state: dict[str, str] = {}

    def run(self) -> Outcome:
        world = self.world
        world.storage.open(lambda: world.loop.now, world.chance)
        world.files.begin_history(world.chance)
        wrong = world.wrong
        try:
            world.loop.run(self._run(), max_steps=300_000)
        except Stuck as error:
            wrong.append(f"it never ends: {error}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed shows it again
            wrong.append(f"the history broke: {type(error).__name__}: {error}")
        finally:
            world.close()
        names = [story.name for story in self._picked]
        return Outcome(self.seed, names, world.faults.happened, wrong, world.trace or ())

    async def _run(self) -> None:
        world = self.world
        await self._prepare()
        world.restart = self._restart
        for host in ("a", "a", "b")[: world.chance.randint(1, 3)]:
            self._start(host)
        server = Process("a.server", "a", worker=False)
        database = SimulatedDatabase(world, server)
        clients = [asyncio.ensure_future(client) for story in self._stories for client in story.clients(database)]
        scheduler = Process("a.scheduler", "a", worker=False)
        world.processes += [server, scheduler]
        services = self._services(scheduler)
        # Each host has a scheduler, and journals that only its own can read.
        other_host = self._services(Process("b.scheduler", "b", worker=False))
        nothing_to_do = _ROUND
        for _ in range(_MOST_ROUNDS):
            faults = world.faults.happened.total()
            await self._do_chores(services, other_host)
            await asyncio.sleep(_ROUND + world.chance.random() * 2)
            if self._busy or not world.broker.empty or not all(client.done() for client in clients):
                continue
            if any(next(host.journals.abandoned(), None) for host in (services, other_host)):
                continue
            due = self._next_due()
            if due is not None:
                await asyncio.sleep(max(0, due - world.loop.now))
            elif all(story.ended() for story in self._stories):
                break
            else:
                # A job that was given up is queued again after a while.
                nothing_to_do = nothing_to_do * 3 if faults == world.faults.happened.total() else _ROUND
                if nothing_to_do > _LONGEST_SILENCE:
                    world.wrong.append("it never ends: no job is left, and something is still to be done")
                    break
                await asyncio.sleep(nothing_to_do)
        else:
            world.wrong.append("it never ends")
        for client in clients:
            if client.done():
                client.result()
        await self._judge()

    async def _prepare(self) -> None:
        tx = self._judges_transaction()
        for story_class in self._picked:
            store_id = add_shop(self.world.storage)
            story = story_class(self.world, store_id)
            await story.prepare(tx)
            self._stories.append(story)
            self._kinds = {**self._kinds, **story.kinds}
        self.world.on_commit = [story.committed for story in self._stories]
        if self.world.trace is not None:
            self.world.on_commit.append(self._trace_changes)
        self.world.on_crash = [story.crashed for story in self._stories]
        self.world.broker.notify(tx.notices)

    async def _judge(self) -> None:
        tx = self._judges_transaction()
        for story in self._stories:
            await story.judge(tx)
        jobs = self.world.storage.rows("SELECT kind, status FROM jobs WHERE status <> 'failed'")
        if jobs:
            self.world.wrong.append(f"jobs are left: {jobs}")

    def _trace_changes(self, process: Process) -> None:
        """Show what a commit has changed."""
        statement = "SELECT kind, hex(id), status, fence, deaths, owner FROM jobs"
        jobs = self.world.storage.rows(statement)
        state = {f"{kind} {job_id[-4:]}": f"{status} {rest}" for kind, job_id, status, *rest in jobs}
        for story in self._stories:
            state |= story.state()
        for key in sorted(state.keys() | self._state.keys()):
            if state.get(key) != self._state.get(key):
                self.world.note(process, f"  {key}: {state.get(key, 'gone')}")
        self._state = state

    def _judges_transaction(self) -> Transaction:
        nobody = Process("judge", "a", worker=False)
        connection = SimulatedConnection(self.world, nobody, reading=False)
        return Transaction(cast("AsyncConnection", connection))

    def _services(self, process: Process) -> Services:
        channel = next((story.channel for story in self._stories if story.channel is not None), None)
        return Services(
            database=SimulatedDatabase(self.world, process),
            clock=self.world.now,
            templates=_TEMPLATES,
            public_url="https://shop.example",
            keys=_KEYS,
            channels=OneChannel(channel),
            sessions=LocalSessions(_TEMPLATES, channels=[] if channel is None else [channel.channel]),
            journals=JournalDirectory(self.world.files.host(process.host)),
            continuity=Continuity(None),
            files=FileDirectory(Path("/nonexistent")),
            extensions=NO_EXTENSIONS,
        )

    def _start(self, host: str) -> None:
        self._workers += 1
        process = Process(f"{host}.{self._workers}", host)
        self.world.processes.append(process)
        self.world.note(process, "starts")
        services = self._services(process)
        keeper = SimulatedKeeper(self.world, process, services.database)
        for number in range(2):
            self.world.spawn(process, self._consume(process, services, f"{process.name}:{number}", keeper))

    def _restart(self, process: Process) -> None:
        self._busy -= len(process.jobs)
        process.jobs.clear()
        self._start(process.host)

    async def _consume(self, process: Process, services: Services, owner: str, keeper: LeaseKeeper) -> None:
        while True:
            notice = await self.world.broker.next(process)
            job = self.world.spawn(process, work(services, self._kinds, owner, keeper, notice.store_id, notice.job_id))
            process.jobs.append(job)
            self._busy += 1
            # What a consumer survives: the notice is only a hint.
            await asyncio.wait([job])
            if not job.cancelled() and (error := job.exception()) is not None:
                self.world.note(process, f"job not claimed: {type(error).__name__}: {error}".partition("\n")[0])
            process.jobs.remove(job)
            self._busy -= 1

    async def _do_chores(self, services: Services, other_host: Services) -> None:
        """Do a scheduler's round, whose chores may fail: the next round may find the database back."""
        chores = [chore for story in self._stories for chore in story.chores(services)]
        if self._is_anything_to_sweep():
            chores.append(lambda: sweep(services, self._kinds))
        if next(services.journals.abandoned(), None):
            chores.append(lambda: recover_journals(services))
        if next(other_host.journals.abandoned(), None):
            chores.append(lambda: recover_journals(other_host))
        for chore in chores:
            try:
                await chore()
            except Exception as error:  # noqa: BLE001 - the next round may find the database back
                self.world.note(None, f"a chore failed: {type(error).__name__}: {error}".partition("\n")[0])
        self.world.broker.notify(due_notices(self.world))

    def _is_anything_to_sweep(self) -> bool:
        """Return whether a lease has run out, or its owner is dead."""
        running = self.world.storage.rows("SELECT owner, lease_until FROM jobs WHERE status = 'running'")
        now = self.world.now().timestamp() * 1_000_000
        return any(lease_until < now for _, lease_until in running) or bool(
            self.world.dead([owner for owner, _ in running])
        )

    def _next_due(self) -> float | None:
        """Return when the next job is due, None when there is no job."""
        moment = self.world.storage.value(
            "SELECT min(CASE status WHEN 'queued' THEN due_at ELSE lease_until END) FROM jobs WHERE status <> 'failed'"
        )
        return None if moment is None else moment / 1_000_000 - START.timestamp()
