# Short names for what the command `subbit` does, each with the environment that it needs.
# `make help` lists them.

MODEL ?= examples/digits-plain.safetensors
BOARD ?= ulx3s
RECIPE ?= digits-plain
PORT ?= /dev/ttyUSB0
IMAGES ?=
ARGS ?=
JOBS ?= 2

SUBBIT = .venv/bin/subbit
PYTHON_IN = .venv/bin/python
# The tools of iCE40 take 220 MB, so they come with the first build for such a board, named here.
BUILD = $(if $(filter icebreaker,$(BOARD)),ice40,base)
MADE_OF = pyproject.toml constraints.txt tools/venv

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv bitstream rtl sim train eval plan info test bench lint docs tables program run \
        play clean compiler

help:  ## list the targets
	@echo 'make TARGET [MODEL=network.safetensors] [BOARD=ulx3s] [ARGS="more options of subbit"]'
	@echo
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
	    printf '  %-11s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'MODEL is $(MODEL), BOARD is $(BOARD)'
	@echo '(ulx3s-12f, ulx3s-25f, ulx3s-45f, ulx3s-85f, for which ulx3s stands, or icebreaker).'
	@echo 'Everything else: .venv/bin/subbit --help'

venv: .venv/.all  ## everything that subbit can use, in .venv

bitstream: .venv/.$(BUILD)  ## build/NETWORK-BOARD/NETWORK.bit with its reports
	@$(SUBBIT) bitstream "$(MODEL)" --board "$(BOARD)" $(ARGS)

rtl: .venv/.base  ## Verilog of the accelerator alone
	@$(SUBBIT) rtl "$(MODEL)" --board "$(BOARD)" $(ARGS)

plan: .venv/.base  ## write the plan (engine and folding of each layer), to be edited
	@$(SUBBIT) plan "$(MODEL)" --board "$(BOARD)" $(ARGS)

info: .venv/.base  ## show the network
	@$(SUBBIT) info "$(MODEL)" $(ARGS)

sim: .venv/.all compiler  ## simulate the RTL and compare every stream with the golden model
	@$(SUBBIT) sim "$(MODEL)" --board "$(BOARD)" $(ARGS)

play: .venv/.play  ## a page on which the network can be tried: draw a digit
	@$(SUBBIT) board "$(MODEL)" --board "$(BOARD)" --open $(ARGS)

train: .venv/.all  ## train and export a network: RECIPE=digits-codebook
	@$(SUBBIT) train "$(RECIPE)" $(ARGS)

eval: .venv/.all  ## accuracy of the network on its test set
	@$(SUBBIT) eval "$(MODEL)" $(ARGS)

program: .venv/.board  ## load the bitstream into the board
	@$(SUBBIT) program "$(MODEL)" --board "$(BOARD)" $(ARGS)

run: .venv/.base  ## classify images on the board: IMAGES="a.png b.png" PORT=/dev/ttyUSB0
	@$(SUBBIT) run --model "$(MODEL)" --port "$(PORT)" $(ARGS) $(IMAGES)

test: .venv/.all compiler  ## all tests
	@$(PYTHON_IN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

bench: .venv/.all compiler  ## measure, with long place-and-route runs
	@$(if $(ARGS),:,$(SUBBIT) bench import)
	@$(SUBBIT) bench $(ARGS)

lint: .venv/.all  ## style and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

tables: .venv/.all  ## the documentation's tables from docs/measurements: ARGS="--measure NAME"
	@$(PYTHON_IN) -m subbit.sw.bench.pages $(ARGS)

docs: .venv/.all  ## the documentation as web pages in build/docs, its links checked
	@$(PYTHON_IN) -m subbit.sw.bench.pages --check
	@.venv/bin/mkdocs build --strict  # with --quiet no warning would count
	@echo build/docs/index.html

clean:  ## remove what was built; .venv stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

compiler:
	@command -v g++ >/dev/null || { echo 'subbit: error: g++ is missing, which simulation needs:' \
	    'install it (Debian: apt install g++)' >&2; exit 2; }
	@command -v perl >/dev/null || { echo 'subbit: error: perl is missing, which simulation needs:' \
	    'install it (Debian: apt install perl)' >&2; exit 2; }

.venv/.base: $(MADE_OF)
	@tools/venv base

.venv/.ice40: $(MADE_OF)
	@tools/venv ice40

.venv/.play: $(MADE_OF)
	@tools/venv play

.venv/.board: $(MADE_OF)
	@tools/venv board

.venv/.all: $(MADE_OF)
	@tools/venv all
