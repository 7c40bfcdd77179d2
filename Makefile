# Each target does all of its own set-up in .venv and is safe to run twice. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Where `make ui` serves, on 127.0.0.1.
PREFECT_PORT ?= 4200
MLFLOW_PORT ?= 5000
PAGES_PORT ?= 8088
# No package of ours reports usage home.
export DVC_NO_ANALYTICS ?= 1
export GX_ANALYTICS_ENABLED ?= false
export DO_NOT_TRACK ?= 1

.PHONY: help setup demo bench-atlas bench-beam bench-spectrograms bench-fma bench-inference bench-ingestion bench-pictures bench-quality bench-training test test-slow check format lock tune ui \
	backup restore clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
		{ echo "soundatlas needs Python 3.11 to 3.13, and $(PYTHON) is another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(READY): $(VENV)/bin/uv requirements.lock pyproject.toml
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(READY) ## run the whole pipeline on the built-in catalogue and show what came out
	python -m flows.pipeline
	@soundatlas summary

bench-spectrograms: $(READY) ## measure log-mels from mp3 against librosa and the decoder alone, after make demo
	python -m benchmarks.spectrograms $(OPTIONS)

bench-ingestion: $(READY) ## measure what listing 10,000 tracks of a fake Spotify takes, and listing them again
	python -m benchmarks.ingestion $(OPTIONS)

bench-pictures: $(READY) ## measure thumbnails of log-mels against pyplot, after make demo
	python -m benchmarks.pictures $(OPTIONS)

bench-training: $(READY) ## measure how fast a training goes and how much of it waits for batches
	python -m benchmarks.training $(OPTIONS)

bench-fma: $(READY) ## measure how fast FMA's metadata load: OPTIONS="--folder ~/fma" for the real ones
	python -m benchmarks.fma_metadata $(OPTIONS)

bench-quality: $(READY) ## train soundatlas and its peers on the same data: FOLDER=… FMA=… OPTIONS="--folds 5"
	python -m benchmarks.quality $(if $(FOLDER),--folder "$(FOLDER)") $(if $(FMA),--fma "$(FMA)") $(OPTIONS)

bench-atlas: $(READY) ## measure time and memory of the map: OPTIONS="--tracks 400 10000"
	python -m benchmarks.atlas $(OPTIONS)

bench-beam: $(READY) ## measure what a second worker of a Dask cluster brings, under Apache Beam, after make demo
	python -m benchmarks.beam $(OPTIONS)

# Processes that share the tests; each takes about 1.5 GB, and a processor.
TEST_WORKERS ?= 2
test: $(READY) ## run the tests
	pytest --numprocesses $(TEST_WORKERS)

test-slow: $(READY) ## run the whole-pipeline and kill stories
	pytest -m slow --numprocesses $(TEST_WORKERS)

check: $(READY) ## lint, types, import floors
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-cache

format: $(READY) ## format the code
	ruff check --fix .
	ruff format .

TRIALS ?= 20
MINUTES ?= 60
tune: $(READY) ## search for better training parameters on the validation tracks
	@soundatlas tune --trials $(TRIALS) --minutes $(MINUTES)

ui: $(READY) ## open Prefect, MLflow, the map, Data Docs and the evaluation in the browser
	@python -m flows.serve --prefect-port $(PREFECT_PORT) --mlflow-port $(MLFLOW_PORT) --pages-port $(PAGES_PORT)

backup: $(READY) ## save registry, artifacts and history in one file: FILE=…, or backups/mlruns-<time>.tar
	@soundatlas backup $(if $(FILE),"$(FILE)")

restore: $(READY) ## put a backup in the place of mlruns/: FILE=…; what was there is kept beside
	@soundatlas restore $(if $(FILE),"$(FILE)",$(error say which backup: make restore FILE=backups/…))

bench-inference: $(READY) ## measure classification from mp3 against other ways, after make demo
	python -m benchmarks.inference

lock: $(VENV)/bin/uv ## resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --constraint constraints.txt \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" --output-file requirements.lock --quiet

clean: ## remove what the pipeline made; your inbox, your deny-list, what `soundatlas ingest` brought and the DVC cache stay
	rm -rf data/ingest/*.json data/ingest/*.parquet data/catalog data/audio data/spectrograms data/backbone data/stems data/stem_audio data/split \
		data/validation data/data_docs data/model data/.unfinished data/repeats data/evaluation \
		data/champion.json data/predictions data/atlas data/history data/flips mlruns
