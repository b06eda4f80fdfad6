# Two commands for a newcomer: `make run` and `make test`. `make help` lists the others.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint eval bench bench-quality bench-checking bench-ingest bench-scale bench-load soak audit crash torture clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/installed ## Install, index corpus/, open the chat on http://127.0.0.1:7860
	@$(BIN)/python app.py

test: $(VENV)/installed-test ## Install what tests need and run everything
	$(BIN)/python tools/find_programs.py chromium
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

eval: $(VENV)/installed-test ## Score the sample corpus with its question set
	$(BIN)/footnote eval run eval/datasets/corpus.jsonl --corpus corpus

bench: $(VENV)/installed-test ## Speed, memory and size beside a plain LangChain pipeline
	$(BIN)/python -m eval.bench_speed

bench-quality: $(VENV)/installed-test ## Quality on public benchmarks: make bench-quality DATA=DIR
	$(BIN)/python -m eval.bench_quality --data $(DATA)

bench-checking: $(VENV)/installed-test ## Checks of citations, with planted errors: make bench-checking [DATA=DIR]
	$(BIN)/python -m eval.checking $(if $(DATA),--data $(DATA))
	$(BIN)/python -m eval.hostile $(if $(DATA),--data $(DATA)/bipia)

bench-ingest: $(VENV)/installed-test ## What an ingest costs when little or nothing has changed
	$(BIN)/python -m eval.bench_again

bench-scale: $(VENV)/installed-test ## What grows with the store: ARGS="--hashing --sizes 2000 20000" for a part
	$(BIN)/python -m eval.bench_scale $(ARGS)

bench-load: $(VENV)/installed-test ## 50 people ask a real server, then four times as often: ARGS="--seconds 20 --work DIR"
	$(BIN)/python -m eval.bench_load $(ARGS)

soak: $(VENV)/installed-test ## An hour of questions, feedback and ingests: ARGS="--minutes 10" for a part
	$(BIN)/python -m eval.soak $(ARGS)

audit: $(VENV)/installed-test ## Look the pinned versions up among known weaknesses; needs a service that knows them
	-@$(BIN)/python tools/install.py audit
	$(BIN)/python tools/audit.py

crash: $(VENV)/installed-test ## 200 kills and faults at every named point: ARGS="--kills 20" for a part
	$(BIN)/python -m tests.crash $(ARGS)

torture: $(VENV)/installed-test ## Damaged files and bombs: ARGS="--count 100 --no-bombs" for a part
	$(BIN)/python -m tests.torture.run $(ARGS)

clean: ## Remove the environment; the store, .footnote, stays
	rm -rf $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "Installing Footnote into $(VENV) (about a minute the first time) ..."
	@$(BIN)/python tools/install.py
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@$(BIN)/python tools/install.py test
	@touch $@
