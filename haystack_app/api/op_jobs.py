"""Ops that a job runs: ``POST /api/load?job=true``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from ..auth.caller import Caller
from ..conf import limit
from ..jobs import JobContext, JobFailed, enqueue_for, task
from ..jobs.local import name_of_process
from ..kinds.grid import Grid
from ..kinds.scalars import Number
from ..models import Job
from ..ops import Op, dispatch, find_op
from ..ops.registry import Step
from ..wire import hayson_writer
from ..wire.registry import Format
from .exceptions import BadRequest
from .negotiation import request_format
from .parsers import body_grid

__all__ = ["check_job_count", "enqueue_op", "run_op"]


def enqueue_op(
    op: Op, caller: Caller, project: str | None, body: tuple[str, bytes]
) -> Job:
    """A job that runs an op for its caller. Raises UnknownProject or BadRequest.

    ``body`` is the content type and the bytes of the request. A store in the memory of
    this process binds the job to it.
    """
    store = dispatch.context_for(project, caller).storage
    check_job_count(caller)
    return enqueue_for(
        caller.user,
        run_op,
        op.name,
        project,
        title=op.name if project is None else f"{op.name} ({project})",
        process="" if store.shared else name_of_process(),
        body=body,
    )


def check_job_count(caller: Caller) -> None:
    """Raises BadRequest if a user has as many unfinished jobs as may be."""
    waiting = Job.objects.unfinished().filter(owner=caller.user).count()
    if waiting >= limit("JOBS"):
        raise BadRequest(f"{waiting} jobs of yours are not finished (cap JOBS)")


@task(title="op")
def run_op(context: JobContext, name: str, project: str | None) -> Any:
    """Run an op with the rights that its caller has now; the result is in Hayson.

    Raises JobFailed with the text of an error grid.
    """
    caller, op = context.caller(), find_op(name)
    if caller is None or op is None:
        raise JobFailed(f"unknown op {name!r}")
    caller.check(op.permission, "")
    context.progress(0, note="reading the request")
    content_type, body = context.body()
    grid = _grid(op, project, content_type, body)
    within = dispatch.context_for(project, caller)
    steps = op.steps(within, grid) if op.steps else None
    if steps is None:
        context.progress(0, note="storing")
        with context.step(None):
            answer = op.run(within, grid)
            if answer.is_error:
                raise JobFailed(str(answer.meta.get("dis", "")))
    else:
        answer = _summed(context, op, project, steps)
    return orjson.loads("".join(hayson_writer.grid_chunks(answer)))


def _summed(
    context: JobContext, op: Op, project: str | None, steps: Sequence[Step]
) -> Grid:
    """Do the steps that are left, each with the rights of its moment."""
    begun = context.checkpoint or {"steps": 0, "counts": {}}
    counts: Counter[str] = Counter(begun["counts"])
    for number in range(begun["steps"], len(steps)):
        context.progress(number, len(steps), "storing")
        caller = context.caller()
        if caller is None:
            raise JobFailed("the job has no owner")
        caller.check(op.permission, "")
        after = Counter(counts)
        checkpoint: dict[str, Any] = {"steps": number + 1, "counts": after}
        with context.step(checkpoint, done=number + 1):
            within = dispatch.context_for(project, caller)
            after.update(steps[number](within))
        within.storage.let_others_write()
        counts = after
    row = {name: Number(count) for name, count in counts.items()}
    return Grid.of([row], row) if row else Grid()


def _grid(op: Op, project: str | None, content_type: str, body: bytes) -> Grid:
    format: Format | None = request_format(content_type)
    if format is None:
        raise JobFailed(f"unsupported Content-Type {content_type!r}")
    return body_grid(
        format,
        body,
        accepts_list=op.accepts_list,
        in_columns=op.takes_samples,
        is_marker=dispatch.marker_words(project),
    )
