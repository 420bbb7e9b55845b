# Needs Python 3.11 or newer with its venv module, and nothing else: whatever is missing is installed below this folder.

BIN = .venv/bin
SOURCES = services deploy clients tests bench
READY = .venv/.synced
PARALLEL = -n auto --maxprocesses 4 --dist loadfile
ARGS =

.DEFAULT_GOAL = help
.PHONY: help run test soak bench seeded lint generate certificates clean

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r target text; do printf '%-20s %s\n' "$$target" "$$text"; done

run: $(READY) ## start the whole platform on this machine until Ctrl-C; ARGS=--help shows options
	@exec $(BIN)/python -m deploy.local $(ARGS)

test: $(READY) ## run the tests
	@$(BIN)/pytest $(PARALLEL) $(ARGS)

soak: $(READY) ## run the tests with the big numbers
	@$(BIN)/pytest -m soak $(ARGS)

bench: $(READY) ## measure the ratios
	@$(BIN)/python -m bench $(ARGS)

seeded: $(READY) ## put bugs in on purpose, and see that each is caught
	@$(BIN)/python -m tests.seeded.runner $(ARGS)

lint: $(READY) ## check style, types, architecture and contract
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/lint-imports
	@$(BIN)/buf lint protos

generate: $(READY) ## make protos/gen, and the client's part of it, from the contract
	@$(BIN)/python protos/generate.py

certificates: $(READY) ## issue the development certificates into var/pki
	@$(BIN)/python -m deploy.local.certificates var/pki

clean: ## remove what was installed, and the local platform's data with its keys
	@python=$(BIN)/python; $$python -c '' 2>/dev/null || python=python3; $$python -m deploy.local.erasure var
	@rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml uv.lock deploy/local/bootstrap.sh
	@sh deploy/local/bootstrap.sh
	@touch $@
