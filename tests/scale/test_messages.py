"""Messages that name audio: each audio is heard once, from a source without end, over Google's own client."""

from __future__ import annotations

import json
import shutil
import time

import apache_beam as beam
import pytest
import tiny_project
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner

from soundatlas.errors import UsageError
from soundatlas.files import sha256_file
from soundatlas.history.answers import CLASSIFIED, Answer
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.prediction_key import code_sha256
from soundatlas.scale import guards
from soundatlas.scale.answers import Said, take_said
from soundatlas.scale.hearing import Ear
from soundatlas.scale.messages import ClassifyMessages, Fetching, read_messages, url_of
from soundatlas.scale.places import Place
from soundatlas.scale.runners import run_pipeline
from tests.fakes.pubsub import serving

SUBSCRIPTION = "projects/my-project/subscriptions/new-music"
WAIT_SECONDS = 60.0  # that no healthy pipeline takes


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def incoming(tmp_path):
    """Give a folder of new music: two files of equal bytes, another one, a broken and an empty one."""
    folder = tmp_path / "incoming"
    tiny_project.write_clip(folder / "a.wav", 1)
    shutil.copy(folder / "a.wav", folder / "again.wav")
    tiny_project.write_clip(folder / "b.wav", 2)
    (folder / "text.mp3").write_text("no music", encoding="utf-8")
    (folder / "empty.wav").touch()
    return folder


@pytest.fixture
def answers(tmp_path) -> Place:
    """Give an empty place for the answers."""
    return Place(str(tmp_path / "answers"))


@pytest.fixture
def classify(model, incoming, answers) -> ClassifyMessages:
    """Give the transform for messages that name what lies in the folder."""
    ear = Ear(Place(""), Place(str(model)), content_sha256(model), 120.0, 2, code_sha256())
    return ClassifyMessages(ear, answers, Fetching(str(incoming), 1))


def test_each_audio_is_heard_once_and_each_failure_told(classify, incoming, answers, direct, tmp_path):
    """Equal bytes give one answer, and whatever a message names that cannot be heard gives a reason."""
    names = ["a.wav", "again.wav", "b.wav", "text.mp3", "empty.wav", "gone.wav"]
    urls = [*(f"{incoming}/{name}" for name in names), f"{incoming}/../secret.wav", f"{tmp_path}/secret.wav", "\xff"]
    tiny_project.write_clip(tmp_path / "secret.wav", 3)

    def build(pipeline):
        return pipeline | beam.Create([url.encode("latin-1") for url in urls]) | classify

    run_pipeline(build, direct, units=len(urls))
    said = {each.audio_sha256: each for each in take_said(answers)}
    heard = {sha: each.answer.status for sha, each in said.items() if each.answer is not None}
    assert heard == {
        sha256_file(incoming / "a.wav"): CLASSIFIED,
        sha256_file(incoming / "b.wav"): CLASSIFIED,
        sha256_file(incoming / "text.mp3"): "not_audio",
    }
    failed = {url: answer.status for each in said.values() for url, answer in each.failed.items()}
    assert failed == {
        f"{incoming}/empty.wav": "empty",
        f"{incoming}/gone.wav": "unreadable",
        f"{incoming}/../secret.wav": "bad_row",
        f"{tmp_path}/secret.wav": "bad_row",
        "\N{REPLACEMENT CHARACTER}": "bad_row",
    }


def test_message_that_comes_again_is_not_heard_again(classify, incoming, answers, direct, monkeypatch):
    """A queue gives a message at least once: the second time, what the first one left is seen."""

    def build(pipeline):
        return pipeline | beam.Create([f"{incoming}/a.wav".encode()]) | classify

    run_pipeline(build, direct, units=1)
    before = answers.signatures()
    monkeypatch.setattr("soundatlas.scale.messages.hear", None)  # is not called
    run_pipeline(build, direct, units=1)
    assert answers.signatures() == before


def test_audio_that_failed_in_passing_is_heard_when_its_message_comes_again(
    classify, incoming, answers, direct, monkeypatch
):
    """A reason that may pass is no answer: the same message brings one later, and the failure is then forgotten."""
    urls = [f"{incoming}/{name}" for name in ("a.wav", "again.wav")]
    sha = sha256_file(incoming / "a.wav")

    def build(pipeline):
        return pipeline | beam.Create([url.encode() for url in urls]) | classify

    with monkeypatch.context() as patched:
        patched.setattr(
            "soundatlas.scale.messages.hear", lambda *_: Said(sha, None, {"a.wav": Answer("timeout", "too long")})
        )
        run_pipeline(build, direct, units=1)
    assert sorted((said.audio_sha256, *said.failed) for said in take_said(answers)) == [(sha, url) for url in urls]
    run_pipeline(build, direct, units=1)
    assert [said.answer.status for said in take_said(answers)] == [CLASSIFIED]


@pytest.mark.parametrize(
    ("body", "url"),
    [
        (b"gs://bucket/a b.wav\n", "gs://bucket/a b.wav"),
        (json.dumps({"bucket": "bucket", "name": "new/a.wav", "size": "3"}).encode(), "gs://bucket/new/a.wav"),
        (b'{"bucket": 1', '{"bucket": 1'),
        (b"{}", "{}"),
    ],
)
def test_message_is_a_url_or_what_the_storage_sends(body, url):
    """Both ways of naming an object are read; anything else is a name of nothing."""
    assert url_of(body) == url


def test_subscription_is_read_without_end(classify, incoming, answers, monkeypatch):
    """What is published while the pipeline runs is heard as it comes, and acknowledged."""
    with serving() as subscription:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", subscription.address)
        subscription.publish(f"{incoming}/a.wav".encode())
        pipeline = beam.Pipeline(runner=BundleBasedDirectRunner(), options=PipelineOptions(["--streaming"]))
        _ = pipeline | read_messages(SUBSCRIPTION) | classify
        result = pipeline.run()
        try:
            _wait_for(answers, 1)
            subscription.publish(f"{incoming}/again.wav".encode(), f"{incoming}/b.wav".encode())
            _wait_for(answers, 2)
            assert subscription.waiting == 0
        finally:
            result.cancel()
    assert {said.answer.status for said in take_said(answers)} == {CLASSIFIED}


@pytest.mark.parametrize("name", ["new-music", "projects/p/subscriptions/s"])
def test_what_is_no_subscription_is_a_wrong_use(name):
    """A name that Google would not take is one line."""
    with pytest.raises(UsageError, match=f"{name} names no subscription"):
        read_messages(name)


def _wait_for(answers: Place, count: int) -> None:
    begun = time.monotonic()
    while len(answers.signatures()) < count:
        assert time.monotonic() - begun < WAIT_SECONDS
        time.sleep(0.1)
