# `make` builds .venv from the locked requirements with nothing but python3.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
BENCH  := $(VENV)/.installed-for-benchmarks

.PHONY: all install demo trace test system faults check coverage mutants lint types lock wheel chart docs dashboard page
.PHONY: clean bench bench-install bench-docs bench-plot
.DELETE_ON_ERROR:

all: install

install: $(STAMP)

# The lock names everything: pip has nothing to resolve. Older ones take `coverage[toml]` for a requirement that
# nobody has pinned, as soon as there is a newer coverage.
$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("capi-consumer needs Python 3.11 or newer; set PYTHON=")'
	@echo "installing the locked requirements into $(VENV): about a minute"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: install           ## the whole job on an embedded broker, under a minute
	$(BIN)/capi-consumer demo

trace: install          ## the code that a record visits on its way; JSON=1 prints JSON
	$(BIN)/python -m tools.trace_record $(if $(JSON),--json)

# Two at once: most of the time they wait, for sessions, brokers and time-outs. Those on Kafka are one of the
# two rows, and begin first. A test that hangs takes its worker with it: three times, then the run is over.
test: install           ## every test; what cannot run here is skipped with its reason
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder --max-worker-restart 3

system: install         ## only the tests on a real Apache Kafka
	$(BIN)/python -m pytest -m kafka

faults: install         ## every fault of docs/faults.md in full, about an hour; ONLY=F1,F16 runs these
	PYTHONPATH=tests $(BIN)/python -m faults --only "$(ONLY)"

# What only a benchmark needs: Meta's SDK, FastStream, matplotlib.
$(BENCH): requirements/bench.txt $(STAMP)
	@echo "installing what the benchmarks need into $(VENV): some seconds"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/bench.txt
	touch $@

# The parts: core, peer, pipeline, telemetry, others, latency, scale.
bench-install: $(BENCH)  ## what only the benchmarks and the test of Meta's SDK need

bench: $(BENCH)         ## how fast it is, at most 15 minutes; FULL=1 is the long form, ONLY=core,peer runs these
	@PYTHONPATH=tests $(BIN)/python -m benchmarks --only "$(ONLY)" $(if $(FULL),--full)

bench-docs: $(BENCH)    ## what docs/performance.md and docs/operations.md say of speed, from the last run
	@PYTHONPATH=tests $(BIN)/python -m benchmarks --docs

bench-plot: $(BENCH)    ## what the settings do: docs/performance.svg and its table; some minutes
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.tuning

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

# Without hypothesis: what only random values reach doesn't count as tested.
PURE_TESTS := tests/domain tests/mapping tests/meta tests/dead_letters/test_headers.py tests/delivery/test_batcher.py \
  tests/delivery/test_delay_queue.py tests/delivery/test_poison_detection.py tests/kafka/test_backpressure.py \
  tests/kafka/test_offset_tracker.py
coverage: install       ## check that the tests of the pure modules cover every line and branch
	$(BIN)/python -m pytest $(PURE_TESTS) -m "not hypothesis" --cov --durations=1 --quiet

# The tool is not among the locked requirements: nothing but this needs it.
MUTMUT := mutmut==3.8.1
mutants: install        ## what the tests of the normalising miss, by changing the code; some minutes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(MUTMUT)"
	rm -rf mutants
	$(BIN)/mutmut run
	$(BIN)/mutmut results

check: lint types coverage  ## what continuous integration runs
	@$(MAKE) --no-print-directory test

wheel: install
	$(BIN)/python -m hatchling build --target wheel

chart: install          ## what the chart says of the settings, written anew from consumer/config/settings.py
	$(BIN)/python helm/generate.py

docs: install           ## what docs/ says of metrics, settings, reasons and alerts, written anew from the code
	$(BIN)/python docs/generate.py

dashboard: install      ## docs/dashboard.svg, from a run that a real Prometheus watches; three minutes
	PYTHONPATH=tests $(BIN)/python -m prometheus.draw

page: install           ## docs/page.webp, README's picture of the live page; a minute, with Chromium
	PYTHONPATH=tests $(BIN)/python -m support.page_picture

# Pins and hashes for every platform, no address of an index. Needs uv.
PINS := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header
lock:
	uv pip compile $(PINS) pyproject.toml -o requirements/run.txt
	uv pip compile $(PINS) --extra dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	uv pip compile $(PINS) --extra bench -c requirements/run.txt -c requirements/dev.txt pyproject.toml -o requirements/bench.txt
	echo hatchling | uv pip compile $(PINS) -c requirements/dev.txt - -o requirements/build.txt

clean:
	rm -rf $(VENV) build dist mutants
