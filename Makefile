# Entry points. Each is a few lines; what grows logic lives in scripts/.
# `make run` and `make test` need nothing but git and make: they install the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

DATA_FOLDER := $(or $(DATA),./data/demo)
export ONLY N SCALE DATA ARGS

.PHONY: help run dev test test-fast test-pg test-e2e lint soak bench dist snap docs clean-data

help: ## list these targets
	@awk -F ':[^#]*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## install what is missing, build, create and serve the demo city   [DATA=DIR] [ARGS="--listen 127.0.0.1:8090"]
	@scripts/run.sh

dev: ## the same from the debug build: templates and styles are read from the checkout   [DATA=] [ARGS=]
	@scripts/run.sh --debug

test: ## install what is missing; format, lints, all tests on both databases, browser and accessibility checks
	@scripts/test.sh all

test-fast: ## Rust tests on SQLite alone   [ONLY=part of a test's name]
	@scripts/test.sh fast

test-pg: ## the tests that speak to PostgreSQL, on a throw-away server   [ONLY=]
	@scripts/test.sh pg

test-e2e: ## browser journeys through a fresh demo city   [ONLY=part of a journey's name] [SCALE=city]
	@scripts/test.sh e2e

lint: ## format, clippy, licences and bans, scripts
	@scripts/test.sh lint

soak: ## the long checks in full count   [ONLY=name] [N=count]
	@scripts/soak.sh

bench: ## measurements beside nginx, Hugo and earlier runs   [ONLY=name] [SCALE=] [DATA=folder of the kept corpus]
	@scripts/bench.sh

dist: ## a release build packed for this machine's architecture
	@scripts/dist.sh

snap: ## pictures of the demo city for the README, into docs/pictures   [SCALE=]
	@scripts/snap.sh

docs: ## the API documentation of the crates, into target/doc
	@scripts/docs.sh

clean-data: ## delete the demo city in ./data/demo   [DATA=DIR]
	@scripts/clean-data.sh "$(DATA_FOLDER)"
