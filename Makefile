# Everything runs in .venv, which the first target that needs it builds.
# Kept to what GNU make 3.81 and a POSIX shell know: that is what macOS ships.

.PHONY: help lab test notebooks claims site slides test-browser test-portability install licences lock

BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
STAMP := .venv/.installed
LOG := .venv/install.log
# The first of these that is a supported Python with venv; `make install PYTHON=...` names another.
PYTHON ?= python3 python3.13 python3.12 python3.11 python
# One thread: faster on networks this small. No progress bars: they would be compared as output.
ONE_THREAD := OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} MKL_NUM_THREADS=$${MKL_NUM_THREADS:-1}
RUN := TQDM_DISABLE=1 $(ONE_THREAD) $(BIN)/python -m
# A module or notebook stays in one process. Every output is compared, in this environment's kernel.
PYTEST := pytest -n auto --dist loadfile -p tests.warm_kernels --nbval --nbval-current-env

help:
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1 /p' Makefile | while read -r target what; do \
	    printf 'make %-17s %s\n' "$$target" "$$what"; done
	@echo 'Options go in ARGS: make lab ARGS="--no-browser --port=9999"'

# JupyterLab looks for a free port itself. Its extension list would ask the network: off.
lab: $(STAMP) ## open the course in JupyterLab (installs it first)
	@set --; [ "$$(id -u)" != 0 ] || set -- --allow-root; \
	case $$(uname -s)$$DISPLAY$$WAYLAND_DISPLAY in Linux) set -- "$$@" --no-browser; esac; \
	exec env $(ONE_THREAD) $(BIN)/python -m jupyterlab "$$@" --config=jupyter_server_config.py \
	    --ServerApp.ip=127.0.0.1 --ServerApp.root_dir=. \
	    --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb --LabApp.extension_manager=readonly $(ARGS)

test: $(STAMP) ## run every test and every notebook
	@$(RUN) $(PYTEST) --ignore=tests/browser --ignore=tests/benchmarks tests notebooks $(ARGS)

notebooks: $(STAMP) ## run the changed notebook scripts, write their .ipynb
	@$(RUN) tools.notebooks $(ARGS)

claims: $(STAMP) ## try the lessons' conclusions under other settings (up to an hour)
	@$(RUN) tests.claims.run $(ARGS)

site: $(STAMP) ## build the course as web pages in build/site/html
	@$(ONE_THREAD) $(BIN)/python site/build.py $(ARGS)

# Of the packages for slides and VS Code's formulas one script is wanted, not what they need.
slides: $(STAMP) ## turn each lesson into a deck in build/slides
	@$(PIP) --quiet --upgrade --target .venv/reveal sphinx-revealjs==3.2.1
	@PYTHONPATH=.venv/reveal $(RUN) tools.slides $(ARGS)

test-browser: $(STAMP) ## drive the notebooks and the site in a real browser
	@$(PIP) --quiet --upgrade --target .venv/katex sphinxcontrib-katex==0.9.11
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/browser/requirements.txt
	@$(RUN) pytest tests/browser $(ARGS)

# Older vector units, MKL's common denominator, two cores: each sums in another order.
test-portability: $(STAMP) ## run the notebooks as other processors would
	@for setting in ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE OMP_NUM_THREADS=2; do \
	    echo "Notebooks with $$setting"; (export $$setting; $(RUN) $(PYTEST) notebooks $(ARGS)) || exit; done

install: $(STAMP) ## build or repair .venv and nothing else
	@echo 'Installed in .venv; make lab opens the course.'

licences: $(STAMP) ## list the licence of every package that is installed
	@$(RUN) tools.licences

# What torch's CUDA build asks for stays out of the lock, which names no index of its own either.
lock: $(STAMP) ## write requirements.lock anew (ARGS=--upgrade: newest versions)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/python -m uv pip compile --quiet --no-sources --excludes tools/cuda.txt --universal \
	    --python-version 3.11 --fork-strategy fewest --all-extras --custom-compile-command 'make lock' \
	    --output-file requirements.lock pyproject.toml $(ARGS)

# The stamp holds the folder's path: one that was moved, or whose Python is gone, is not installed.
ifneq ($(shell test -x $(BIN)/python && cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif
PIP := $(BIN)/python -m pip install --no-deps --disable-pip-version-check --no-input
SAY := > $(LOG) 2>&1 || { tail -n 2 $(LOG) >&2; echo 'Not installed: mend it, run make again ($(LOG)).' >&2; exit 1; }

# The CPU build of torch is called +cpu on Linux only. If pip finds none, the usual one is taken with
# what it needs, then the lock. JupyterLab's news would ask the network, and first the learner.
$(STAMP): requirements.lock pyproject.toml
	@if [ -x $(BIN)/python ] && [ "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" ]; then exit; fi; found=; \
	for python in $(PYTHON); do \
	    version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	    found="$$found $$python $$version"; \
	    case $$version in 3.11|3.12|3.13) "$$python" -c 'import venv, ensurepip' 2>/dev/null && break; esac; \
	    version=; done; \
	if [ -z "$$version" ]; then \
	    echo "The course needs Python 3.11, 3.12 or 3.13 with its venv module (on Debian: apt install python3-venv); found:$${found:- none}." >&2; exit 1; fi; \
	if [ "$$("$$python" -c 'import platform as p; print(p.system(), p.machine())')" = 'Darwin x86_64' ]; then \
	    echo "torch has no build for a Mac with an Intel processor, nor for an Intel Python on another Mac: take another machine, or Colab (README.md)." >&2; exit 1; fi; \
	echo "Installing into .venv with $$python: some minutes (log: $(LOG))"; \
	rm -rf .venv; mkdir .venv && "$$python" -m venv .venv $(SAY)
	@torch=$$(grep '^torch==' requirements.lock); [ "$$(uname -s)" != Linux ] || $(PIP) "$$torch+cpu" \
	    --extra-index-url https://download.pytorch.org/whl/cpu --retries 1 --timeout 15 > $(LOG) 2>&1 || { \
	    echo 'No CPU build of torch is in reach: taking the one with CUDA (3 GB more).'; \
	    $(subst --no-deps,,$(PIP)) -c requirements.lock "$$torch" $(SAY); }
	@$(PIP) -r requirements.lock $(SAY)
	@$(PIP) --no-build-isolation -e . $(SAY)
	@$(BIN)/python -m jupyter labextension disable --level=sys_prefix \
	    @jupyterlab/apputils-extension:announcements $(SAY)
	@echo "$(CURDIR)" > $@
