# Everything runs in .venv, which the first target that needs it builds.
# Kept to what GNU make 3.81 and a POSIX shell know: that is what macOS ships.

.PHONY: help install lab test notebooks claims site test-browser test-portability licences lock
.DEFAULT_GOAL := help

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
STAMP := .venv/.installed
LOG := .venv/install.log

# The first of these that is a supported Python with venv; `make install PYTHON=...` names another.
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python)

# One thread: faster on networks this small, and far faster where others share the machine.
ONE_THREAD := OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} MKL_NUM_THREADS=$${MKL_NUM_THREADS:-1}
# Progress bars would be compared as output.
TEST_ENV := TQDM_DISABLE=1 $(ONE_THREAD)
# A notebook or module stays in one process: its kernel or its fixtures start once.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile
# Strict: every output is compared. The kernel is this environment's, whatever others are installed.
NBVAL := --nbval --nbval-current-env

help:
	@echo 'make lab               open the course in JupyterLab (installs it first)'
	@echo 'make test              run every test and every notebook'
	@echo 'make notebooks         run the changed notebook scripts, write their .ipynb'
	@echo 'make claims            try the lessons'"'"' conclusions under other settings (up to an hour)'
	@echo 'make site              build the course as web pages in build/site/html'
	@echo 'make test-browser      drive the notebooks and the site in a real browser'
	@echo 'make test-portability  run the notebooks as other processors would'
	@echo 'make install           build or repair .venv and nothing else'
	@echo 'make licences          list the licence of every package that is installed'
	@echo 'make lock              write requirements.lock anew (ARGS=--upgrade: newest versions)'
	@echo
	@echo 'Options go in ARGS: make lab ARGS="--no-browser --port=9999"'

install: $(STAMP)
	@echo 'Installed in .venv; make lab opens the course.'

# JupyterLab looks for a free port itself. Its extension list would ask the network: off.
lab: $(STAMP)
	@set --; \
	if [ "$$(id -u)" = 0 ]; then set -- --allow-root; fi; \
	if [ "$$(uname -s)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	    set -- "$$@" --no-browser; fi; \
	exec env $(ONE_THREAD) $(BIN)/python -m jupyterlab "$$@" --config=jupyter_server_config.py \
	    --ServerApp.ip=127.0.0.1 --ServerApp.root_dir=. \
	    --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
	    --LabApp.extension_manager=readonly $(ARGS)

test: $(STAMP)
	@$(TEST_ENV) $(PYTEST) $(NBVAL) \
	    --ignore=tests/browser --ignore=tests/benchmarks tests notebooks $(ARGS)

notebooks: $(STAMP)
	@$(TEST_ENV) $(BIN)/python -m tools.notebooks $(ARGS)

claims: $(STAMP)
	@$(TEST_ENV) $(BIN)/python -m tests.claims.run $(ARGS)

site: $(STAMP)
	@$(ONE_THREAD) $(BIN)/python site/build.py $(ARGS)

# VS Code draws formulas with KaTeX. Of this package its one script is wanted, not what it needs.
KATEX := .venv/katex/sphinxcontrib/katex.min.js
$(KATEX): $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	    --target .venv/katex sphinxcontrib-katex==0.9.11

test-browser: $(STAMP) $(KATEX)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/browser/requirements.txt
	@$(TEST_ENV) $(BIN)/python -m pytest tests/browser $(ARGS)

# Other processors sum in another order: older vector units, MKL's common denominator, one core, two.
test-portability: $(STAMP)
	@failed=; \
	for setting in ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE \
	    'OMP_NUM_THREADS=1 MKL_NUM_THREADS=1' 'OMP_NUM_THREADS=2 MKL_NUM_THREADS=2'; do \
	    echo "Notebooks with $$setting"; \
	    env $(TEST_ENV) $$setting $(PYTEST) $(NBVAL) notebooks $(ARGS) || failed="$$failed; $$setting"; \
	done; \
	if [ -n "$$failed" ]; then echo "Notebooks differ with$${failed#;}" >&2; exit 1; fi

licences: $(STAMP)
	@$(BIN)/python -m tools.licences

# What torch's CUDA build asks for stays out of the lock, which names no index of its own either.
CUDA := cuda-bindings cuda-toolkit nvidia-cublas nvidia-cudnn-cu13 nvidia-cusparselt-cu13 \
    nvidia-nccl-cu13 nvidia-nvshmem-cu13 triton

lock: $(STAMP)
	@$(BIN)/python -m pip install --quiet uv
	@printf '%s\n' $(CUDA) > .venv/cuda.txt
	@$(BIN)/python -m uv pip compile --quiet --no-sources --excludes .venv/cuda.txt --universal --python-version 3.11 \
	    --fork-strategy fewest --all-extras --custom-compile-command 'make lock' \
	    --output-file requirements.lock pyproject.toml $(ARGS)

# --- .venv ---------------------------------------------------------------------------------------

# The stamp holds the folder's path. A folder that was moved, or a Python that was removed, counts
# as not installed.
ifneq ($(shell test -x $(BIN)/python && cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

# Ends a recipe with one line for the likely cause of pip's failure. The log holds the last step only:
# in the first, a source out of reach is no failure. A full disk can cut it short, hence the second
# look. A finished environment survives a failed update (pip rolls back).
define explain
{ mv -f $(STAMP).old $(STAMP) 2>/dev/null; \
free=$$(df -Pk .venv | awk 'END { print $$4 }'); \
if grep -q 'No space left' $(LOG) || [ "$$free" -lt 65536 ]; then \
    echo "The disk is full: make room in this folder and in $${TMPDIR:-/tmp}, then run make again (log: $(LOG))."; \
elif grep -qE 'Max retries|[Cc]onnection|timed out|name resolution' $(LOG); then \
    echo "The packages cannot be downloaded: check the network, then run make again (log: $(LOG))."; \
elif grep -q 'No matching distribution' $(LOG); then \
    echo "A package has no build for this machine (on a Mac, torch needs Apple silicon and macOS 14): see $(LOG)."; \
else \
    echo "pip failed, see $(LOG); after mending the cause, run make again."; \
fi >&2; exit 1; }
endef

PIP := $(BIN)/python -m pip install --no-deps --disable-pip-version-check --no-input
# Where this index is out of reach, pip falls through to its other sources in a second; a download
# under way may pause for 15 s.
CPU_INDEX := --extra-index-url https://download.pytorch.org/whl/cpu --retries 1 --timeout 15

# Without its stamp an environment was never finished, or its update was cut off: built from nothing.
# The CPU build of torch is called +cpu on Linux only; on PyPI there is the one that needs CUDA.
$(STAMP): requirements.lock pyproject.toml
	@if [ -x $(BIN)/python ] && [ "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" ]; then \
	    mv $@ $@.old; exit; fi; \
	found=; for python in $(PYTHONS); do \
	    version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	    found="$${found:+$$found, }$$python $$version"; \
	    case $$version in 3.11|3.12|3.13) ;; *) continue ;; esac; \
	    if "$$python" -c 'import venv, ensurepip' 2>/dev/null; then found=yes; break; fi; \
	    found="$$found without venv (on Debian: apt install python$$version-venv)"; \
	done; \
	if [ "$$found" != yes ]; then \
	    echo "The course needs Python 3.11, 3.12 or 3.13 with its venv module; found: $${found:-none}." >&2; \
	    exit 1; fi; \
	if [ "$$("$$python" -c 'import platform as p; print(p.system(), p.machine())')" = 'Darwin x86_64' ]; then \
	    echo "torch has no build for a Mac with an Intel processor, nor for an Intel Python on another Mac: use Binder or Colab (README.md)." >&2; \
	    exit 1; fi; \
	rm -rf .venv; free=$$(df -Pk . | awk 'END { print $$4 }'); \
	if [ "$$free" -lt 2000000 ]; then \
	    echo "The disk is full: the course needs 2 GB in this folder, $$((free / 1000)) MB are free." >&2; exit 1; fi; \
	echo "Installing into .venv with $$python: some minutes (log: $(LOG))"; \
	mkdir .venv && "$$python" -m venv .venv > $(LOG) 2>&1 || $(explain)
	@torch=$$(sed -n 's/^torch==//p' requirements.lock); \
	case $$(uname -s) in Linux) set -- "torch==$$torch+cpu" $(CPU_INDEX) ;; *) set -- "torch==$$torch" ;; esac; \
	$(PIP) "$$@" > $(LOG) 2>&1 || $(explain)
	@$(PIP) -r requirements.lock > $(LOG) 2>&1 || $(explain)
	@$(PIP) --no-build-isolation -e . > $(LOG) 2>&1 || $(explain)
	@# JupyterLab's news and update check would ask the network, and first of all the learner.
	@$(BIN)/python -m jupyter labextension disable --level=sys_prefix \
	    @jupyterlab/apputils-extension:announcements > $(LOG) 2>&1 || $(explain)
	@rm -f $@.old; echo "$(CURDIR)" > $@
