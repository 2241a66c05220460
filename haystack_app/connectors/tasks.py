"""Jobs of connectors: what people ask for by buttons and commands."""

from __future__ import annotations

from typing import Any

from ..jobs import SHORT, JobContext, JobFailed, JobTask, enqueue_for, task
from ..models import Connector, Job
from . import status
from .context import ENDED, ConnectorContext
from .errors import NothingToDo, explained
from .kind import ConnectorKind
from .registry import kind_of

__all__ = ["ask_for", "learn_connector", "perform", "ping_connector", "sync_connector"]


@task(title="ping connector", queue_name=SHORT, max_attempts=1)
def ping_connector(context: JobContext, connector: int) -> dict[str, Any]:
    """Whether the system can be reached, and what it says of itself."""
    return _performed(context, connector, "ping")


@task(title="learn entities of connector", max_attempts=1)
def learn_connector(
    context: JobContext, connector: int, confirmed: bool = False
) -> dict[str, Any]:
    """Bring the entities in step; ``confirmed``: many may go to the trash."""
    return _performed(context, connector, "learn", confirmed=confirmed)


@task(title="sync connector", max_attempts=1)
def sync_connector(context: JobContext, connector: int) -> dict[str, Any]:
    """Current values and histories, as far as the kind has them."""
    done: dict[str, Any] = {}
    kind = kind_of(_row(connector).kind)
    if kind.can_read_current:
        done["current"] = _performed(context, connector, "current")
    if kind.can_sync_history:
        done["history"] = _performed(context, connector, "history")
    return done


_TASKS: dict[str, JobTask[..., Any]] = {
    "ping": ping_connector,
    "learn": learn_connector,
    "sync": sync_connector,
}


def ask_for(user: Any, connector: Connector, action: str, **kwargs: Any) -> Job:
    """A job of a user: ping, learn or sync. One that waits already is returned."""
    task = _TASKS[action]
    arguments = {"connector": connector.pk, **kwargs}
    waiting = Job.objects.unfinished().filter(
        task=task.module_path, kwargs=arguments, status=Job.Status.READY
    )
    if (job := waiting.first()) is not None:
        return job
    title = f"{action} connector {connector.name}"
    return enqueue_for(user, task, title=title, **arguments)


def _performed(
    context: JobContext, pk: int, action: str, **kwargs: Any
) -> dict[str, Any]:
    """Raises JobFailed with the text that the connector shows."""
    row = _row(pk)
    caller = context.caller()
    if caller is not None:
        caller.check("manage_connectors", "")
        if caller.scope is not None:
            raise JobFailed("users with a scope cannot manage connectors")
    own = ConnectorContext(row, context.signals, _told(context), is_job=True)
    return dict(perform(row, action, own, **kwargs))


def _told(context: JobContext) -> Any:
    def tell(done: int, total: int | None, note: str | None) -> None:
        context.progress(done, total, note)

    return tell


def perform(
    row: Connector, action: str, context: ConnectorContext, **kwargs: Any
) -> dict[str, Any]:
    """Do one action of a connector and store its status. Raises JobFailed."""
    kind: ConnectorKind | None = None
    try:
        kind = kind_of(row.kind)(row)
        done = dict(kind.perform(action, context, **kwargs))
    except (*ENDED, JobFailed):
        raise
    except NothingToDo as error:
        raise JobFailed(str(error)) from None
    except Exception as error:
        what, text = explained(error, kind.redacted if kind else None)
        status.report(row, what, text)
        raise JobFailed(text) from None  # its traceback might have secrets
    finally:
        if kind is not None:
            kind.close()
    if action == "learn" or row.status != Connector.Status.CONFIRM:
        context.succeeded()
    return done


def _row(pk: int) -> Connector:
    try:
        return Connector.objects.get(pk=pk)
    except Connector.DoesNotExist:
        raise JobFailed("the connector was deleted") from None
