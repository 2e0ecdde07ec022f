# make            set up, run the default study, write the report, print the tables
# make paper      the paper's tables alone        make quick     the whole workflow on few networks
# make full       fifty splits by twenty seeds
# make test       set up and run the tests        make figures   redraw from the tables
# make audit      recompute what the results claim
# make benchmark  our speed beside that of others, and this machine's limit (it must be idle otherwise)
# make reference  keep a finished run in results/reference/, its numbers in README.md (TIMES="test=900": by hand)
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
CORES ?= all
SNAKEMAKE = snakemake --cores $(CORES)
CONFIG_quick := --configfile config/quick.yaml
CONFIG_paper := --configfile config/paper.yaml
CONFIG_full := --configfile config/full.yaml

.DEFAULT_GOAL := default
.PHONY: default paper quick full figures benchmark audit reference test lint rooms lock clean

default: $(READY)
	@$(SNAKEMAKE)
	@python scripts/show_tables.py results

paper quick full: $(READY)
	@$(SNAKEMAKE) $(CONFIG_$@)
	@python scripts/show_tables.py results/$@

figures: $(READY)
	@$(SNAKEMAKE) figures
	@$(SNAKEMAKE) --quiet all --forcerun write_manifest

benchmark: $(READY)
	@$(SNAKEMAKE) benchmark --forcerun measure_throughput measure_scaling

audit: $(READY)
	@python scripts/audit.py results

reference: $(READY)
	@python scripts/audit.py results
	@python scripts/write_reference.py results --seconds $(TIMES)

test: $(READY)
	@python -m pytest

lint: $(READY)
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	snakemake --lint
	PYTHONPATH=src lint-imports --no-logo
	mypy
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

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

# After an edit of pyproject.toml: needs uv.
lock:
	uv pip compile pyproject.toml --extra workflow --extra slurm --extra test --extra build --universal \
	  --python-version 3.11 --fork-strategy fewest --generate-hashes --no-annotate --no-header \
	  --quiet --output-file requirements.txt

clean:
	rm -rf $(VENV) .snakemake
