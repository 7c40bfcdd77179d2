"""How much asking, time and memory it takes to list 10,000 tracks of Spotify, and to list them again.

Spotify is the fake of the tests, in a thread of this process; what is measured runs in a process of its own. The
fewest possible requests are a page per 50 tracks, and one that finds out that an app has no audio features, or one per
100 tracks where it has them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from soundatlas.params import load_params
from soundatlas.source_params import SpotifySourceParams
from soundatlas.sources.ingestion import ingest_source
from soundatlas.sources.spotify_account import LOGIN_FILE, TokenFile
from tests.fakes.spotify import CLIENT_ID, CLIENT_SECRET, USER, FakeSpotify, spotify_id, track

TRACKS = 10_000
PLAYLIST = spotify_id(700)
REPOSITORY = Path(__file__).resolve().parents[1]
KILOBYTES_PER_MEGABYTE = 1024
PAGE, BATCH = 50, 100


def fewest_requests(profile: str, tracks: int) -> int:
    """Return the fewest requests that list so many tracks."""
    return -(-tracks // PAGE) + (-(-tracks // BATCH) if profile == "extended" else 1)


def measure(root: Path) -> dict[str, Any]:
    """List the playlist into a project, in this process: seconds, megabytes, and what came."""
    limits = load_params(REPOSITORY / "params.yaml").ingest
    config = SpotifySourceParams(source="spotify", playlists=[PLAYLIST])
    before, start = _peak_megabytes(), time.perf_counter()
    ingested = ingest_source(root, config, limits, os.environ)
    return {
        "seconds": time.perf_counter() - start,
        "peak_megabytes": _peak_megabytes(),
        "megabytes_of_imports": before,
        "tracks": len(ingested.listing.tracks),
    }


def run(profile: str, tracks: int) -> list[dict[str, Any]]:
    """List a playlist of a fake Spotify twice, and return what each took."""
    with tempfile.TemporaryDirectory() as folder, FakeSpotify(profile) as fake:
        fake.playlists[PLAYLIST] = (USER, [{"item": track(number)} for number in range(tracks)])
        environ = {
            **os.environ,
            "XDG_CONFIG_HOME": folder,
            "SPOTIPY_CLIENT_ID": CLIENT_ID,
            "SPOTIPY_CLIENT_SECRET": CLIENT_SECRET,
            "SOUNDATLAS_SPOTIFY_API_URL": fake.api_url,
            "SOUNDATLAS_SPOTIFY_TOKEN_URL": fake.token_url,
        }
        TokenFile(Path(folder, "soundatlas", LOGIN_FILE)).save_token_to_cache(fake.login())
        taken = []
        for name in ("first run", "second run"):
            before = len(fake.asked)
            command = [sys.executable, "-m", "benchmarks.ingestion", "--measure", str(Path(folder, "project"))]
            done = subprocess.run(command, check=True, env=environ, stdout=subprocess.PIPE, text=True)
            requests = len(fake.asked) - before
            taken.append({"app": profile, "run": name, "requests": requests, **json.loads(done.stdout)})
        taken[0]["fewest"], taken[1]["fewest"] = fewest_requests(profile, tracks), 0
        return taken


def main() -> None:
    """Measure both kinds of app, or, in a process of its own, one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=TRACKS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    titles = ("tracks", "requests", "fewest", "seconds", "peak MB", "after imports")
    print(f"{'app':<10}{'run':<12}" + "".join(f"{title:>14}" for title in titles))
    for profile in ("dev2026", "extended"):
        for row in run(profile, options.tracks):
            megabytes = f"{row['peak_megabytes']:>14.0f}{row['megabytes_of_imports']:>14.0f}"
            counts = "".join(f"{row[name]:>14}" for name in ("tracks", "requests", "fewest"))
            print(f"{row['app']:<10}{row['run']:<12}{counts}{row['seconds']:>14.1f}{megabytes}")


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES_PER_MEGABYTE


if __name__ == "__main__":
    main()
