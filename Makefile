# One command each to build, serve and test the book; `make help` lists them.

PYTHON ?= python3
PORT   ?= 8000
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# One thread for the linear algebra: the last digits of a sum depend on how it is split over
# threads, and chapters print digits that the tests compare. It also keeps two test processes
# from fighting over two cores.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
# Progress bars are for people at a terminal, not for pages.
export TQDM_DISABLE := 1
export PYTHONUNBUFFERED := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Run by the tool's own environment, whatever other environment or PYTHONPATH is active.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help install book serve test lint unit chapters notebooks bench peers normalize clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## create .venv and install everything into it (other targets do this by themselves)

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one:  make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "Could not create $(VENV). On Debian and Ubuntu: apt install python3-venv" >&2; \
	  rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install -r requirements.txt
	$(BIN)/python -m pip install --no-deps -e .
	@touch $@

book: $(READY) ## execute the chapters and build the site in _build/html (warnings are errors)
	@# pages of a build that failed are read again, or its warnings would be forgotten
	@test -e _build/.good || rm -rf _build/.doctrees
	@rm -f _build/.good
	$(BIN)/jupyter-book build . -W --keep-going -n
	@touch _build/.good
	@echo
	@echo "The book is in _build/html. Open it:"
	@echo "  file://$(CURDIR)/_build/html/index.html"
	@echo "  or:  make serve    and go to  http://127.0.0.1:$(PORT)/"

serve: ## serve the built site on http://127.0.0.1:8000/ (PORT=... for another port)
	@test -e _build/html/index.html || { echo "Nothing to serve yet: run 'make book' first." >&2; exit 1; }
	@echo "http://127.0.0.1:$(PORT)/   (Ctrl-C stops)"
	@$(PYTHON) -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

test: lint book unit chapters ## everything: lint, types, a build, unit tests, the site in a browser, chapter outputs

lint: $(READY) ## ruff and mypy, and whether notebooks and addresses are as the tools leave them
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/stamp_repository.py --check
	$(BIN)/python tools/normalize_notebooks.py --check
	$(BIN)/python tools/make_exercises.py --check

unit: $(READY) ## the tests in tests/ (the browser part reads the site that `make book` built)
	$(BIN)/python -m pytest -n 2 --dist loadfile

chapters: $(READY) ## run every chapter and compare each output with the stored one
	$(BIN)/python -m pytest -n 2 --dist loadfile --nbval --nbval-current-env \
	  --nbval-cell-timeout=120 --nbval-sanitize-with tests/nbval.cfg book

notebooks: $(READY) ## run every chapter in place and normalize it: refreshes the stored outputs
	$(BIN)/jupyter execute --inplace --timeout=120 book/[0-9]*.ipynb
	$(BIN)/python tools/normalize_notebooks.py

bench: $(READY) ## speed and memory as ratios to PyTorch and other libraries, in one run
	$(BIN)/python benchmarks/run.py

peers: $(READY) ## install the libraries that `make bench` compares with, besides PyTorch
	$(BIN)/python -m pip install -r benchmarks/requirements.txt

normalize: $(READY) ## strip images, widget state and counts from the notebooks; keep text outputs
	$(BIN)/python tools/normalize_notebooks.py

clean: ## remove the built site and its caches (the next `make book` starts afresh)
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache

distclean: clean ## the same, and remove .venv
	rm -rf $(VENV) *.egg-info
