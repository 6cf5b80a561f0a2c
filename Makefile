# Lead Hub. `make setup` needs Python 3.11+, pip, make and git, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# most tests wait (for a vendor's clock, for a process), so more workers than cores
WORKERS ?= 4
# the suite starts hundreds of interpreters: let the first one keep what it compiled
unexport PYTHONDONTWRITEBYTECODE
STAMP := $(VENV)/.installed

.PHONY: setup demo test plays kills journey bench compare check unit lint types contracts format docs lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Lead Hub needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(STAMP)

demo: setup
	$(BIN)/hub demo $(if $(ONCE),--once) $(if $(JSON),--json) $(if $(PEOPLE),--people $(PEOPLE)) $(if $(SEED),--seed $(SEED))

lint: setup
	$(BIN)/ruff format --check hub tests docs bench
	$(BIN)/ruff check hub tests docs bench

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest tests/unit tests/architecture

check: lint types contracts unit

# the types are checked beside the tests, which leave a core idle now and then
test: setup lint contracts
	@$(BIN)/mypy > $(VENV)/types.txt 2>&1 & types=$$!; \
	$(BIN)/pytest tests -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not alone"; tests=$$?; \
	wait $$types; types=$$?; cat $(VENV)/types.txt; exit $$((tests || types))
	$(BIN)/pytest $$(grep -rl --include='test_*.py' 'pytest.mark.alone' tests) -m alone

# Random plays against an independent recomputation; FIRST is the first seed. See docs/plays.md.
plays: setup
	$(BIN)/python -m tests.plays --plays $(or $(PLAYS),3000) --first $(or $(FIRST),0) --jobs $(WORKERS)

# Kill -9 of each process of a real `hub up`, twice, with a run under way (docs/operate.md); then at twenty random
# moments while leads come by webhooks (docs/live.md).
kills: setup
	$(BIN)/python -m tests.faults.running_hub
	$(BIN)/python -m tests.faults.live_kills

# A whole Salesforce org migrates while it is killed and shaken; what it cost. See docs/migrate.md.
journey: setup
	$(BIN)/python -m tests.journey --source $(or $(SOURCE),salesforce) --leads $(or $(LEADS),10000) --seed $(or $(SEED),1)

# What a sync costs, beside dlt: needs an idle machine, and `pip install -e '.[bench]'`. See bench/sync.md.
bench: setup
	$(BIN)/python -m bench.sync --rounds $(or $(ROUNDS),3) --peer dlt $(if $(ROWS),--rows $(ROWS))

# The same for the commit REF and for the working tree; fails if a stage costs a tenth more.
compare: setup
	$(BIN)/python -m bench.compare $(or $(REF),HEAD) --rounds $(or $(ROUNDS),3) $(if $(ROWS),--rows $(ROWS))

format: setup
	$(BIN)/ruff format hub tests docs bench
	$(BIN)/ruff check --fix hub tests docs bench

# The references that are made from the code.
docs: setup
	$(BIN)/python docs/generate.py

# The tested set: names and versions only, never an address.
lock:
	$(BIN)/python -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==' > requirements.lock

clean:
	rm -rf $(VENV) .hub
