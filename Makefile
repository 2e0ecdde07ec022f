PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
CORES ?= all
SNAKEMAKE = snakemake --cores $(CORES)
CONFIG_quick := --configfile config/quick.yaml
CONFIG_paper := --configfile config/paper.yaml
CONFIG_full := --configfile config/full.yaml
CONFIG_beyond := --configfile config/beyond.yaml

.DEFAULT_GOAL := default
.PHONY: default help paper quick beyond full figures notebooks benchmark audit reference test test-unit lint rooms lock clean

# A run that differs from results/reference/ by more than chance fails (1); one that can't be compared does not (2).
FINISH = python scripts/compare_runs.py $(1); status=$$?; python scripts/show_tables.py $(1) && [ $$status -ne 1 ]

## make              set up .venv/, run the default study, write its report, print its tables
default: $(READY)
	@$(SNAKEMAKE)
	@$(call FINISH,results)

## make VERBOSE=1    any of these that runs the workflow, in Snakemake's own words and with the reason for each step
## make help         list these targets
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make paper        the paper's two tables and the experiments on its theory, on digits alone
## make quick        the whole workflow on few networks, to see that it works
## make beyond       the claims in settings that the default study does not have: wider, longer, ReLU, Adam, MNIST
## make full         up to fifty splits by twenty seeds, on a cluster (docs/clusters.md)
paper quick beyond full: $(READY)
	@$(SNAKEMAKE) $(CONFIG_$@)
	@$(call FINISH,results/$@)

## make figures      redraw the figures from the tables
figures: $(READY)
	@$(SNAKEMAKE) figures
	@$(SNAKEMAKE) --forcerun write_manifest

## make notebooks    open the notebooks in a browser, on the results of a finished run (adds JupyterLab to .venv/)
notebooks: $(READY)
	@python -m pip install --quiet jupyterlab
	@jupyter lab notebooks

## make benchmark    our speed beside that of other solvers, and this machine's limit; it must be idle meanwhile
benchmark: $(READY)
	@$(SNAKEMAKE) benchmark --forcerun measure_throughput measure_scaling

## make audit        recompute what the results claim (DEEP=1: train many networks again, which takes minutes)
audit: $(READY)
	@python scripts/audit.py results $(if $(DEEP),--deep)

## make reference    keep a finished run in results/reference/ and its numbers in README.md (TIMES="test=900": by hand)
reference: $(READY)
	@python scripts/audit.py results
	@python scripts/write_reference.py results --seconds $(TIMES)

# A worker for each core; the tests of a file go to one worker, the longest first.
PYTEST := python -m pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

## make test         run all tests but the slow ones
test: $(READY)
	@$(PYTEST)

## make test-unit    run those that run no workflow
test-unit: $(READY)
	@$(PYTEST) -m "not slow and not workflow"

## make lint         check style, types, import contracts and the workflow
lint: $(READY)
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	snakemake --lint
	PYTHONPATH=src lint-imports --no-logo
	mypy
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

## make rooms        draw the rooms of the library and their imports in CONTRIBUTING.md
rooms: $(READY)
	@PYTHONPATH=src python scripts/draw_rooms.py

# The exact versions that were tested, each file checked against its hash.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "make: $(PYTHON) is Python %d.%d; Python 3.11 or newer is needed: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Setting up $(VENV) (about 6 GB, 3 minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

## make lock         after an edit of pyproject.toml, pin every package again; needs uv
lock:
	uv pip compile pyproject.toml --extra workflow --extra slurm --extra test --extra build --universal \
	  --python-version 3.11 --fork-strategy fewest --generate-hashes --no-annotate --no-header \
	  --quiet --output-file requirements.txt

## make clean        remove .venv/ and what Snakemake recorded of past runs
clean:
	rm -rf $(VENV) .snakemake
