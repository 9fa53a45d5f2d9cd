"""From a list of objects to committed tables, on any engine, and on from wherever an earlier run ended."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from dmarcwatch.collect.batches import batched
from dmarcwatch.errors import CollectError
from dmarcwatch.scale.accounts import (
    PartsDone,
    PartsTask,
    Summary,
    gather_items,
    nothing_new,
    summarize,
    with_unlisted,
)
from dmarcwatch.scale.dataset import Dataset, folder, shards_folder
from dmarcwatch.scale.engine import Engine, EngineError
from dmarcwatch.scale.listing import Listing
from dmarcwatch.scale.mapping import Batch, parts_folder, read_batch
from dmarcwatch.scale.opening import Listed
from dmarcwatch.scale.part import Part
from dmarcwatch.scale.plan import DEFAULT_BATCH, Plan, Planner
from dmarcwatch.scale.recipe import Recipe
from dmarcwatch.scale.reducing import Shard, reduce_shard
from dmarcwatch.scale.shelf import Written

Task = TypeVar("Task")
Result = TypeVar("Result")

_PIECES = 8
"""Into so many a batch is cut that ended its workers: three times, and 500 objects are 1."""
_GATHERED_PARTS = 200
"""Parts whose items become one file."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that reading a list into a data set needs."""

    dataset: Dataset
    recipe: Recipe
    engine: Engine
    batch_objects: int = DEFAULT_BATCH
    say: Callable[[str], None] = lambda text: None
    retry: bool = False
    """Read objects that have rejects again, as after an upgrade."""

    def run(self, listings: Sequence[Listing]) -> list[Summary]:
        """Finish what an earlier run began, then read what is new; a summary for each increment.

        Where nothing is new and something could not be listed, one without an increment says so.

        Raises CollectError where a part of the list could not be read: nothing of that increment counts,
        what was read is kept, and the next run reads the rest. Raises EngineError where the cluster is gone.
        """
        planner = Planner(self.dataset)
        summaries = []
        for increment in sorted(set(self.dataset.begun()) - set(self.dataset.committed)):
            self.say(f"Increment {increment} was begun by an earlier run and is finished first.")
            summaries.append(self._carry_out(planner, planner.read(increment)))
        plan = planner.make(listings, now=self.recipe.now, batch_objects=self.batch_objects, retry=self.retry)
        if plan.objects:
            summaries.append(self._carry_out(planner, plan))
        elif plan.left:
            summaries.append(with_unlisted(nothing_new(), plan.left, plan.unlisted))
        return summaries

    def _carry_out(self, planner: Planner, plan: Plan) -> Summary:
        self.say(f"Increment {plan.increment}: {plan.objects:,} objects in {plan.batches:,} batches.")
        self._read(planner, plan)
        parts = [name for names in self._parts(plan.increment).values() for name in names]
        self.say(f"All are read; {self.dataset.shards} shards are summed up.")
        earlier = self.dataset.committed
        uri = self.dataset.uri
        shards = (
            Shard(uri, plan.increment, number, tuple(parts), earlier) for number in range(self.dataset.shards)
        )
        self._all(reduce_shard, shards)
        tasks = (
            PartsTask(uri, plan.increment, number, tuple(names))
            for number, names in enumerate(batched(parts, _GATHERED_PARTS))
        )
        gathered = sorted(self._all(gather_items, tasks), key=lambda done: done.files["items"])
        return self._commit(plan, gathered)

    def _commit(self, plan: Plan, gathered: Sequence[PartsDone]) -> Summary:
        """Write the manifest: from then on the increment counts. Its parts are deleted."""
        dataset, increment = self.dataset, plan.increment
        shards = [dataset.shard_done(increment, number) for number in range(dataset.shards)]
        summary = summarize(increment, gathered, shards)
        summary = with_unlisted(summary, plan.left, plan.unlisted)
        hosts: defaultdict[str, set[str]] = defaultdict(set)
        for done in gathered:
            for source, names in done.mail_hosts.items():
                hosts[source].update(names)
        manifest = {
            "increment": increment,
            "now": plan.now.isoformat(),
            "retry": plan.retry,
            "sources": [source.name for source in plan.sources],
            "items": dict(done.files["items"] for done in gathered),
            "objects": dict(done.files["objects"] for done in gathered),
            "shards": dataset.shard_notes(increment),
            "mail_hosts": {source: sorted(names) for source, names in hosts.items()},
            "summary": summary.as_dict(),
        }
        dataset.shelf.write(f"{folder(increment)}/manifest.json", json.dumps(manifest).encode())
        dataset.shelf.drop(parts_folder(increment))
        vars(dataset).pop("committed", None)
        return summary

    def _read(self, planner: Planner, plan: Plan) -> None:
        """Read all batches that have no part yet; what ends its workers in ever smaller pieces."""
        wave: Iterable[Batch] = self._waiting(planner, plan)
        troubles: list[tuple[Batch, CollectError]] = []
        while True:
            deadly: list[Batch] = []
            for batch, outcome in self.engine.run(read_batch, wave):
                if isinstance(outcome, OSError | ImportError) and len(batch.objects) == 1:
                    troubles.append((batch, CollectError(f"the worker lacks something: {outcome}.")))
                elif isinstance(outcome, CollectError):
                    troubles.append((batch, outcome))
                elif isinstance(outcome, Exception):
                    self.say(f"Batch {batch.part} ended its workers ({outcome!r:.200}).")
                    deadly.append(batch)
            if not deadly:
                break
            wave = [piece for batch in deadly for piece in _smaller(batch)]
        if troubles:
            raise _unfinished(plan, troubles)

    def _waiting(self, planner: Planner, plan: Plan) -> Iterator[Batch]:
        """The batches that have no whole part."""
        batches = self._batches(planner, plan, self._parts(plan.increment, checked=True))
        for first in batches:
            # What was summed up of a part that is gone is summed up of the new one.
            self.dataset.shelf.drop(shards_folder(plan.increment))
            return chain([first], batches)
        return batches

    def _batches(self, planner: Planner, plan: Plan, present: dict[int, list[str]]) -> Iterator[Batch]:
        """The objects that are in no part yet, in their batches."""
        recipe = replace(self.recipe, now=plan.now)
        for number, objects in planner.batches(plan.increment):
            done = {each for name in present.get(number, ()) for each in range(*_span(name))}
            for waiting in _runs([each for each in objects if each.number not in done]):
                source = waiting[0].source
                yield Batch(
                    self.dataset.uri, plan.increment, number, waiting, plan.sources[source],
                    plan.recorded[source], recipe, self.dataset.shards, self.dataset.committed, plan.retry,
                )  # fmt: skip

    def _parts(self, increment: int, *, checked: bool = False) -> dict[int, list[str]]:
        """The parts by batch that together hold each object once, in order; of pieces the widest.

        `checked`: those that are not whole are left out.
        """
        found: defaultdict[int, list[str]] = defaultdict(list)
        names = self.dataset.shelf.names(parts_folder(increment))
        for name in sorted(names, key=lambda name: (_batch(name), _span(name)[0], -_span(name)[1])):
            kept = found[_batch(name)]
            beside = not kept or _span(name)[0] >= _span(kept[-1])[1]
            if beside and (not checked or self._is_whole(increment, name)):
                kept.append(name)
        return dict(found)

    def _is_whole(self, increment: int, name: str) -> bool:
        try:
            Part(self.dataset.shelf, f"{parts_folder(increment)}/{name}")
        except Written as error:
            self.say(f"{error.message} Its objects are read again.")
            return False
        return True

    def _all(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> list[Result]:
        """The results of tasks that cannot be cut smaller. Raises what one of them raised."""
        results: list[Result] = []
        for task, outcome in self.engine.run(function, tasks):
            if isinstance(outcome, CollectError):
                raise outcome
            if isinstance(outcome, Exception):
                raise EngineError(
                    f"{function.__name__} could not be carried out for {getattr(task, 'number', task)}: "
                    f"{outcome!r:.300}.",
                    hint="Give the workers more memory and run the command again; what was read is kept.",
                ) from outcome
            results.append(outcome)
        return results


def _smaller(batch: Batch) -> list[Batch]:
    """What to try after a batch ended its workers."""
    if len(batch.objects) > 1:
        return batch.split(_PIECES)
    if batch.condemned:
        raise EngineError(
            f"Even taking the bytes of object {batch.part} ends its worker.",
            hint="Move that object elsewhere, or give the workers more memory, and run the command again.",
        )
    return [replace(batch, condemned=True)]


def _runs(objects: Sequence[Listed]) -> Iterator[tuple[Listed, ...]]:
    """The objects in runs of consecutive numbers, so that a part's name says which it holds."""
    start = 0
    for end in range(1, len(objects) + 1):
        if end == len(objects) or objects[end].number != objects[end - 1].number + 1:
            yield tuple(objects[start:end])
            start = end


def _unfinished(plan: Plan, troubles: Sequence[tuple[Batch, CollectError]]) -> CollectError:
    objects = sum(len(batch.objects) for batch, _ in troubles)
    first = troubles[0][1]
    return CollectError(
        f"{objects:,} of the {plan.objects:,} objects of increment {plan.increment} could not be read, and "
        f"nothing of it counts yet: {first.message}",
        hint=f"{first.hint} Run the command again; the others are kept.".strip(),
    )


def _batch(name: str) -> int:
    return int(name.partition("-")[0])


def _span(name: str) -> tuple[int, int]:
    """The numbers of the first object of a part and of the one behind its last."""
    _, first, end = name.split("-")
    return int(first), int(end)
