"""Task runs of sources, on a real Prefect server."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
import tiny_project
from prefect import flow
from prefect.client.orchestration import get_client

from flows.source_tasks import ask_sources
from soundatlas.errors import NotReadyError, QuotaError, WebError
from soundatlas.sources import lookup
from soundatlas.sources.listing_files import SOURCES
from soundatlas.sources.rows import Row, build_listing

pytestmark = pytest.mark.usefixtures("prefect_server")

SERVICES = [{"source": "deezer", "non_commercial": True}, {"source": "musicbrainz"}]


@pytest.fixture
def asked(project, repository, monkeypatch):
    """Let two services be listed beside the demo; the first is as the test says, the second gives one track."""
    demo = tiny_project.values(repository)["catalog"]["sources"]
    tiny_project.start_project(project, repository, catalog={"sources": [*demo, *SERVICES]})

    def let(fault: Exception | None) -> None:
        def first(config, context):
            del config, context
            if fault is not None:
                raise fault
            return build_listing([], [])

        def second(config, context):
            del config, context
            about = {"track_id": "musicbrainz:1", "source": "musicbrainz", "licence": "CC0-1.0", "ml_use": "allowed"}
            return build_listing([Row({**about, "year": 1771.0})], [])

        functions = {"deezer": first, "musicbrainz": second}
        real = lookup.find_source
        monkeypatch.setattr(
            "soundatlas.sources.ingestion.find_source",
            lambda name: SimpleNamespace(OFFER=real(name).OFFER, ingest=functions[name]),
        )

    return let


def states(run) -> dict[str, str]:
    """Return the task runs of a flow that was just run: name -> state."""
    with get_client(sync_client=True) as client:
        return {task.name: task.state.name for task in client.read_task_runs() if task.name.startswith("ask ")} | run


def test_each_service_is_a_task_run(asked, project) -> None:
    """Services are asked in the order of params.yaml, each in a run of its own; the demo is none of them."""
    asked(None)

    @flow(name="ask")
    def ask() -> None:
        ask_sources(project)

    ask()
    assert sorted(path.name.split("-")[0] for path in (project / SOURCES).iterdir()) == ["deezer", "musicbrainz"]
    assert states({}) == {"ask deezer": "Completed", "ask musicbrainz": "Completed"}


@pytest.mark.parametrize(
    "fault",
    [
        NotReadyError("log in first"),
        QuotaError("no more", dt.datetime(2026, 11, 27, tzinfo=dt.UTC)),
        WebError("deezer does not answer"),
    ],
    ids=["not ready", "quota", "down"],
)
def test_one_that_gives_nothing_keeps_no_other_from_being_asked(fault, asked, project) -> None:
    """The run fails with the source's words, after all the others have been asked."""
    asked(fault)

    @flow(name="ask")
    def ask() -> None:
        ask_sources(project)

    with pytest.raises(type(fault)):
        ask()
    assert [path.name.split("-")[0] for path in (project / SOURCES).iterdir()] == ["musicbrainz"]
