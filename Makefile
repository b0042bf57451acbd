# The two commands: `make app` and `make test`. Both make .venv on first use and need nothing but Python 3.11 or newer.
# While working: `make quick`, the half of the tests that needs no browser, no Ray and no long computation. WORKERS is the number of
# processes that share the tests.
PYTHON  ?= python3
VENV    ?= .venv
HOST    ?= 127.0.0.1
PORT    ?= 8501
WORKERS ?= 2
RUN      = $(VENV)/bin/python

.PHONY: app test quick lint clean

app: $(VENV)/.app-installed
	@echo "Skip Connection Explorer: http://$(HOST):$(PORT)   (stop with Ctrl-C)"
	@$(RUN) -m streamlit run app.py --server.address $(HOST) --server.port $(PORT)

test: lint
	@sh tests/browser/find_browser.sh $(RUN)
	$(RUN) -m pytest -n $(WORKERS) $(ARGS)

quick: $(VENV)/.test-installed
	$(RUN) -m pytest -n $(WORKERS) -m "not browser and not ray and not slow" $(ARGS)

lint: $(VENV)/.test-installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed. Name one with: make app PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python has no venv module here. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; }

$(VENV)/.app-installed: $(VENV)/bin/python requirements.txt
	@echo "Installing (once; PyTorch is large, so this takes some minutes) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.test-installed: $(VENV)/.app-installed requirements-test.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
