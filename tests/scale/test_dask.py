"""A cluster of several processes: Dask's workers make the store, and one of them may die."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from soundatlas.params import EngineParams
from soundatlas.progress import silent
from soundatlas.scale.places import Place
from soundatlas.scale.spectrograms import update_store_with_beam
from soundatlas.store.writing import Update

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster():
    """Give a cluster of two worker processes of one thread each, on this machine."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture
def update(clips, front_end, cluster):
    """Give an update of a store by the cluster."""
    options = [f"--dask_client_address={cluster.scheduler_address}"]
    engine = EngineParams(kind="beam", runner="DaskRunner", options=options, place=None)

    def update(store: Place, wanted: dict[str, str]) -> Update:
        project = Place(str(clips))
        return update_store_with_beam(
            store, wanted, front_end, project=project, timeout_seconds=120.0, retries=2, engine=engine, advance=silent
        )

    return update


def test_cluster_makes_the_local_store(update, wanted, built, tmp_path, content):
    """Two processes give the bytes that one machine gives, and go on from what is there."""
    store = Place(str(tmp_path / "store"))
    few = dict(sorted(wanted.items())[:6])
    first = update(store, few)
    assert first.computed + first.failed == len(few)
    assert update(store, wanted) == Update(7 - first.computed, first.computed, 0, 2)
    assert content(store) == content(Place(str(built)))


def test_worker_that_is_killed_costs_nothing(update, cluster, wanted, built, tmp_path, content):
    """Another worker does what the dead one had begun: a shard is written whole, or not yet."""
    (tmp_path / "store").mkdir()
    update(Place(str(tmp_path / "warm")), wanted)
    worker = cluster.workers[0].pid
    store = tmp_path / "store"

    def kill_when_begun() -> None:
        while not any(store.glob("*.safetensors")):
            time.sleep(0.005)
        os.kill(worker, signal.SIGKILL)

    killer = threading.Thread(target=kill_when_begun, daemon=True)
    killer.start()
    update(Place(str(store)), wanted)
    killer.join(10)
    assert not killer.is_alive()
    assert content(Place(str(store))) == content(Place(str(built)))
