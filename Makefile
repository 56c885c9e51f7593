# What a developer and an operator type. Needs python3 (3.11 to 3.13) with pip, and make.
PYTHON ?= python3
BIN := .venv/bin
export PORT ?= 8000

.PHONY: run test lint bench soak faults fuzz e2e lock

run:
	@$(PYTHON) bootstrap.py prod
	@exec $(BIN)/runledger serve

test:
	@$(PYTHON) bootstrap.py dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint:
	@$(PYTHON) bootstrap.py dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench:
	@$(PYTHON) bootstrap.py dev
	$(BIN)/python -m bench $(ROW)

soak:
	@$(PYTHON) bootstrap.py dev
	$(BIN)/python -m bench.soak

faults:
	@$(PYTHON) bootstrap.py dev
	$(BIN)/python -m tests.faults.campaign --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

fuzz:
	@$(PYTHON) bootstrap.py dev
	FUZZ_S=$${FUZZ_S:-600} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} $(BIN)/python -m pytest -rP tests/api/test_contract_fuzz.py

e2e:
	@$(PYTHON) bootstrap.py dev
	@test -x /usr/bin/chromium || { apt-get update -q && apt-get install -qy --no-install-recommends chromium; }
	$(BIN)/python -m pytest tests/acceptance
	$(BIN)/python -m pytest -m e2e tests/e2e

lock:
	@$(PYTHON) bootstrap.py lock
