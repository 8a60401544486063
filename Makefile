# What there is to do here. `make` lists it.

FUZZ_SECONDS ?= 30

.PHONY: help deps build test lint demo fuzz bench ci

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

deps: ## install the system packages that build, tests and demo need
	@.ci/deps

build: ## build with every feature
	cargo build --locked --all-features

test: deps ## run every test; what could not run is named at the end
	@.ci/test

lint: ## formatting and clippy
	cargo fmt --check
	cargo clippy --locked --all-features --all-targets -- -D warnings
	cargo clippy --locked --no-default-features --lib -- -D warnings

demo: deps ## three virtual TPMs, one registered, two rejected, then forced
	@demo/demo.sh

fuzz: ## run every fuzz target for FUZZ_SECONDS (30)
	@.ci/fuzz $(FUZZ_SECONDS)

bench: deps ## run the benchmarks
	cargo build --locked --release --all-features
	cargo bench --locked --manifest-path benches/Cargo.toml --features tpm

ci: ## all that has to pass before a change goes in
	@.ci/run
