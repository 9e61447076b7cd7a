# Every target sets up what it needs on a bare machine (Python 3.11+, and apt for the browser and server tests).
PY := .venv/bin/python
ARGS ?=
AUDIT_ARGS ?=

.PHONY: demo test test-slow check audit bench bench-growth bench-console bench-all arq-suite faults ha-demo compat screenshots format lock clean run-env dev-env

demo: run-env  ## an embedded server, workers, documents and failures to play with; ARGS=--once drains and exits
	$(PY) -m qconsole.cli demo $(ARGS)

test: dev-env check  ## the checks, then the everyday suite
	$(PY) -m pytest -m "not slow" -n 2 --dist loadgroup $(ARGS)

test-slow: dev-env  ## the long forms: fault storms, the model's 10,000 steps, soaks
	$(PY) -m pytest -m slow $(ARGS)

check: dev-env audit  ## lint, types, import contracts, known vulnerabilities
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

audit: dev-env  ## known vulnerabilities of the pinned packages; says so where the index cannot be asked
	$(PY) .ci/audit.py $(AUDIT_ARGS)

bench: dev-env  ## ours against plain arq and its peers, in one run
	$(PY) -m tests.benchmarks $(ARGS)

bench-growth: dev-env  ## cost per job as queues, retention, workers and flows grow; draws docs/images/growth-*.png
	$(PY) -m tests.benchmarks.growth $(ARGS)

bench-console: dev-env  ## the console on a million jobs
	$(PY) -m tests.benchmarks.console $(ARGS)

bench-all: dev-env  ## all of these, cluster and terminal too, in about 40 minutes; makes the tables of docs/performance.md
	$(PY) -m tests.benchmarks.full $(ARGS)

arq-suite: dev-env  ## arq's own test suite with our worker class swapped in
	$(PY) -m tests.arq_suite $(ARGS)

faults: dev-env  ## the fault table: what was acknowledged, lost, run twice
	$(PY) -m tests.faults $(ARGS)

ha-demo: run-env  ## a failover of Sentinel or Cluster, watched live
	$(PY) docs/examples/ha_demo.py $(ARGS)

compat: dev-env  ## the runtime's tests on Valkey 9, Redis 7 and Redis 6.2
	$(PY) -m tests.compatibility $(ARGS)

screenshots: dev-env  ## every screen of the web and terminal consoles into docs/screenshots
	$(PY) -m tests.screenshots $(ARGS)
	$(PY) -m tests.screenshots_tui

format: dev-env
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lock: dev-env  ## renew the pinned lists from pyproject.toml
	$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml .ci/build.in --extra workers --extra reports -o .ci/requirements-run.txt
	$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  pyproject.toml .ci/build.in --extra all --group dev -c .ci/requirements-run.txt -o .ci/requirements-dev.txt

run-env:
	@.ci/python run

dev-env:
	@.ci/apt
	@.ci/python dev

clean:
	rm -rf .venv .bench .artefacts .qconsole dist
