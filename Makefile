# What people and CI run. `make` alone lists it.

target := $(abspath $(or $(CARGO_TARGET_DIR),target))
tollgate := $(target)/release/tollgate

# The built-in policies compiled ahead of time. `make build` makes it and embeds it; what runs cargo
# here names the same file, so that no target undoes another's work.
artifact := $(target)/builtin.cwasm
export TOLLGATE_BUILTIN_ARTIFACT := $(wildcard $(artifact))

# What is built besides the defaults: `make build FEATURES=tollgate-cli/otlp`.
features := $(if $(FEATURES),--features $(FEATURES))
# What tests and clippy look at once more, with traces: the crates that have the feature, and no others, are built again.
otlp := --features tollgate-cli/otlp

.DEFAULT_GOAL := help
.PHONY: help setup build run serve test check-page e2e e2e-full e2e-older lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what building needs and this machine lacks
	@scripts/setup

build: setup ## make the release binary, target/release/tollgate
	@echo "build: compiling (the first time takes several minutes)"
	@cargo build --release $(features)
	@echo "build: compiling the built-in policies ahead of time"
	@$(tollgate) policy precompile --output $(artifact).new
	@if cmp -s $(artifact).new $(artifact); then rm $(artifact).new; else mv $(artifact).new $(artifact); fi
	@echo "build: embedding them"
	@TOLLGATE_BUILTIN_ARTIFACT=$(artifact) cargo build --release $(features)
	@echo "build: $(tollgate) is ready"

run: build ## start the webhook, send it three pods over TLS, show what it does to each, stop it
	@scripts/setup demo
	@scripts/demo $(tollgate)

serve: build ## start the webhook on loopback and leave it running
	@echo "serve: https://127.0.0.1:8443 (policies) and http://127.0.0.1:9443 (probes, metrics); Ctrl-C stops it"
	@$(tollgate) serve --listen 127.0.0.1:8443 --metrics-listen 127.0.0.1:9443 --self-signed $(target)/self-signed

test: setup ## build and run every test, and check the chart, the alerts and the board
	@echo "test: building and running every test (the first time takes several minutes)"
	@cargo test --release --workspace
	@echo "test: traces"
	@cargo test --release --workspace $(otlp) --lib --bin tollgate -- traces:: collector::
	@cargo test --release --workspace $(otlp) --test traces
	@scripts/check-deploy $(tollgate)

check-page: build ## look at the page of a running server in headless Chromium, and leave screenshots in target/page
	@scripts/setup page
	@scripts/check-page $(tollgate) $(target)/page

e2e_test := cargo test --release --workspace --features tollgate-e2e/e2e --test
e2e_env = export TOLLGATE_BIN=$(tollgate) && TOLLGATE_E2E_PATH=$$(tests/cluster/build $(1)) && export TOLLGATE_E2E_PATH

# What loads the machine runs alone, after the rest. With E2E=NAME only the tests whose name contains that run.
e2e: build ## start a real cluster on loopback and run the end-to-end tests in it (needs Go)
	@echo "e2e: building what is missing of the test cluster (the first time takes ten minutes and more)"
	@$(call e2e_env,everyday) && if [ -n "$(E2E)" ]; then $(e2e_test) everyday -- $(E2E); else \
	  $(e2e_test) everyday -- --skip upheaval && $(e2e_test) everyday -- upheaval --test-threads=1 && $(e2e_test) registration; fi

e2e-older: build ## run what depends on the API server in a cluster of the 1.34 line
	@echo "e2e: building what is missing of the older test cluster (the first time takes ten minutes and more)"
	@$(call e2e_env,older) && export TOLLGATE_E2E_CONTROL_PLANE=testcluster-1.34 && \
	  $(e2e_test) registration && for tests in admission foretold configuration; do $(e2e_test) everyday -- $$tests || exit; done

e2e-full: build ## run the controllers that are built on demand only
	@echo "e2e: building what is missing of the full test cluster (the first time takes half an hour)"
	@$(call e2e_env,full) && $(e2e_test) full -- $(E2E)

lint: ## check the format, the lints, the lock file and, where cargo-deny is, the dependencies
	@scripts/setup lint
	@echo "lint: the lock file"
	@cargo tree --workspace --locked --quiet >/dev/null
	@echo "lint: the format"
	@cargo fmt --all --check
	@echo "lint: nothing is built twice"
	@scripts/check-features
	@scripts/check-dependencies
	@echo "lint: clippy, warnings denied"
	@cargo clippy --release --workspace --all-targets --features tollgate-e2e/e2e -- -D warnings
	@cargo clippy --release --workspace --all-targets $(otlp),tollgate-e2e/e2e -- -D warnings

bench: build ## run the benchmarks
	@scripts/setup bench
	@echo "bench: compute only, each step and whole reviews (criterion)"
	@$$(cargo test --release --workspace --bench review --no-run 2>&1 | sed -n 's/.*Executable .*(\(.*\))$$/\1/p') --bench
	@echo "bench: instructions"
	@scripts/instructions
	@echo "bench: load over TLS, start, command line, memory"
	@scripts/bench $(tollgate) $(target)/release/bare-server

clean: ## delete what was built
	@echo "clean: deleting $(target)"
	@cargo clean
