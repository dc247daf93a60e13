# `make` alone says what there is.

ARCH ?= arm64
PORT ?= 4566
PYTHON ?= python3
FUNCTIONS := $(notdir $(wildcard functions/*))

# rustup's toolchain is named by rust-toolchain.toml, so nothing here chooses one.
CARGO ?= cargo
# The template looks for the zips there.
export CARGO_TARGET_DIR := $(CURDIR)/target
export SAM_CLI_TELEMETRY := 0

VENV := $(CURDIR)/.venv
SANDBOX_READY := $(VENV)/.sandbox
PEER_READY := $(VENV)/.peer
BUILD_READY := $(VENV)/.build
BENCH_READY := $(VENV)/.bench
BROWSER_READY := status-page/browser/node_modules/.package-lock.json
STATUS_PAGE := $(CARGO_TARGET_DIR)/status-page
# What the functions called of AWS while tests and drills ran.
CALLS := $(CARGO_TARGET_DIR)/calls
SBOM := $(CARGO_TARGET_DIR)/sbom
SBOM_SOURCE := $(CARGO_TARGET_DIR)/sbom-source
# What `make demo` runs, and no more: the tools and the tests take longer to build than all of this.
PLAYED := sandbox demo $(FUNCTIONS)
PIP_INSTALL := $(VENV)/bin/pip install --quiet --disable-pip-version-check

CARGO_DENY_VERSION := 0.20.2
CARGO_CYCLONEDX_VERSION := 0.5.9
MDBOOK_VERSION := 0.5.4
CHROMIUM ?= chromium
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo)
# The newest glibc that provided.al2023 has.
GLIBC_MAX := 2.34

TRIPLE_arm64 := aarch64-unknown-linux-gnu
TRIPLE_x86_64 := x86_64-unknown-linux-gnu
TRIPLE := $(TRIPLE_$(ARCH))

.DEFAULT_GOAL := help
.PHONY: help demo drills peer chaos model fuzz iam conformance scale sandbox event test test-cli check lint deny sbom bench instructions docs status-page browser build program deploy verify-deployment clean
.SUFFIXES:

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(SANDBOX_READY) ## Break the sandbox and watch it being repaired; STORY=load-spike, bad-release, stale-front-end, corruption, diagnose, approve, status-page, service-down, service-down/<drill> or all; MODE=observe changes nothing; VERBOSE=yes also shows the calls, RECORD=yes the audit record
	@$(if $(SCENARIO),echo "SCENARIO is called STORY now: make demo STORY=$(SCENARIO)" >&2; exit 1)
	$(call build,$(PLAYED))
	$(if $(filter approve all,$(STORY)),$(IN_CLI) build --locked)
	@exec "$(CARGO_TARGET_DIR)/debug/demo" $(if $(STORY),--story $(STORY)) $(if $(MODE),--mode $(MODE)) \
		--program "$(CARGO_TARGET_DIR)/cli/debug/lendpeak2" \
		$(if $(filter yes,$(VERBOSE)),--verbose) $(if $(filter yes,$(RECORD)),--record)

drills: $(SANDBOX_READY) ## Play every way in which the service is down, with nobody typing, and measure it; writes docs/drills.md
	$(call build,$(PLAYED) drills)
	@exec "$(CARGO_TARGET_DIR)/debug/drills" --document docs/drills.md

peer: $(PEER_READY) ## Run the functions against a second emulator, moto, which reads AWS's API in its own way
	$(call build,$(PLAYED) scenarios)
	@exec "$(CARGO_TARGET_DIR)/debug/peer"

# The functions as they are deployed, which also are quicker.
chaos: $(SANDBOX_READY) ## Let every call of every function go wrong in every way, alone and in storms; POINT='…' for one; writes docs/chaos.md
	$(call build,$(PLAYED) scenarios)
	$(BUILD_RELEASE)
	@LENDPEAK2_BINARIES="$(CARGO_TARGET_DIR)/release" exec "$(CARGO_TARGET_DIR)/debug/chaos" \
		$(if $(POINT),--point "$(POINT)",--document docs/chaos.md)

model: ## Check the claim protocol of the ledger over all interleavings of three runs
	$(CARGO) test --locked --workspace --test claims -- --nocapture

FUZZER := $(CARGO_TARGET_DIR)/debug/fuzz
SECONDS ?= 60

fuzz: ## Feed all that reads what others wrote with odd input, led by what it reaches; TARGET=<name> SECONDS=60 each
	@echo "building with coverage (some minutes the first time)"
	RUSTC_WORKSPACE_WRAPPER="$(CURDIR)/tools/fuzz/with-coverage" $(CARGO) build --locked --workspace \
		--features fuzz/coverage-guided --bin fuzz
	@targets="$(TARGET)"; for target in $${targets:-$$("$(FUZZER)")}; do \
		corpus="$(CARGO_TARGET_DIR)/fuzz/corpus/$$target"; mkdir -p "$$corpus" "tools/fuzz/regressions/$$target"; \
		echo "== $$target"; \
		FUZZ_TARGET="$$target" "$(FUZZER)" -max_total_time=$(SECONDS) -max_len=4096 -len_control=0 -timeout=60 \
			-close_fd_mask=1 -artifact_prefix="tools/fuzz/regressions/$$target/" \
			"$$corpus" "tools/fuzz/regressions/$$target" events || exit 1; \
	done

iam: $(SANDBOX_READY) $(PEER_READY) ## Run everything, and set every call beside its function's role; writes docs/iam.md
	$(BUILD_ALL)
	$(RECORDED_TESTS)
	@LENDPEAK2_CALLS="$(CALLS)" "$(CARGO_TARGET_DIR)/debug/drills"
	@"$(CARGO_TARGET_DIR)/debug/iam" --calls "$(CALLS)" --document docs/iam.md

conformance: $(SANDBOX_READY) $(PEER_READY) ## Run all tests, and set every request and answer beside AWS's published API models
	$(BUILD_ALL)
	$(RECORDED_TESTS)
	@"$(CARGO_TARGET_DIR)/debug/conformance" --calls "$(CALLS)"

scale: ## Reckon what a month costs and which limit is met first; writes docs/scale.md
	$(CARGO) build --locked --package scale
	@exec "$(CARGO_TARGET_DIR)/debug/scale" --document docs/scale.md

sandbox: $(SANDBOX_READY) ## Run a local AWS with LendPeak2 in it; PORT=4566 FOR=<seconds> MODE=auto
	$(call build,$(PLAYED))
	@exec "$(CARGO_TARGET_DIR)/debug/sandbox" --port $(PORT) $(if $(FOR),--for $(FOR)) $(if $(MODE),--mode $(MODE))

event: ## Print a sample event as if it happened now; FILE=events/<task>/<sample>.json ID=<what it names> ACCOUNT=… REGION=… ENV=…
	@test -n "$(FILE)" || { echo "say which: make event FILE=events/scale-up/alarm-sns.json" >&2; exit 1; }
	@$(PYTHON) scripts/event.py "$(FILE)" $(if $(ID),--id "$(ID)") $(if $(ACCOUNT),--account "$(ACCOUNT)") \
		$(if $(REGION),--region "$(REGION)") $(if $(ENV),--environment "$(ENV)")

test: STEPS := 7
test: check deny $(SANDBOX_READY) $(PEER_READY) ## Check everything: format, lints, dependencies, then all tests
	@$(call step,4,build,some 6 minutes on 2 cores the first time; tests and calls and the program are left)
	$(BUILD_ALL)
	@$(call step,5,tests,some 10 minutes on 2 cores; calls and the program are left)
	$(RECORDED_TESTS)
	@$(call step,6,calls of AWS beside roles and models,seconds)
	@"$(CARGO_TARGET_DIR)/debug/iam" --calls "$(CALLS)" --summary
	@"$(CARGO_TARGET_DIR)/debug/conformance" --calls "$(CALLS)" --summary
	@$(call step,7,the program,some 4 minutes on 2 cores the first time)
	$(TEST_CLI)

test-cli: $(SANDBOX_READY) ## Test the program lendpeak2 on the sandbox
	$(call build,$(PLAYED))
	$(TEST_CLI)

check: ## Check the format and the lints of the Rust code
	@$(call step,1,format,seconds; lints and dependencies and build and tests and calls and the program are left)
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path cli/Cargo.toml --check
	@$(call step,2,lints,some 3 minutes on 2 cores the first time; dependencies and build and tests and calls and the program are left)
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(IN_CLI) clippy --locked --all-targets -- -D warnings

lint: check deny $(SANDBOX_READY) ## Check whatever can be checked without running it
	@echo "== template"
	AWS_DEFAULT_REGION=us-east-1 "$(VENV)/bin/sam" validate --lint --template-file template.yaml
	"$(VENV)/bin/cfn-lint" --include-experimental --regions us-east-1 eu-central-1 us-gov-west-1 -- template.yaml import-ledger.yaml
	"$(VENV)/bin/cfn-lint" --include-experimental --regions us-east-1 -- cloudfront-alarm.yaml

# The advisories need a database from the network: the workflow on GitHub checks those.
deny: ## Check the licences and the sources of the dependencies
	@$(call step,3,dependencies,seconds but for cargo-deny if it has to be installed; build and tests and calls and the program are left)
	@$(CARGO) deny --version >/dev/null 2>&1 || test -x "$(VENV)/bin/cargo-deny" || { \
		echo "cargo-deny is not installed; building $(CARGO_DENY_VERSION) into .venv, once (some minutes)"; \
		env -u CARGO_TARGET_DIR $(CARGO) install cargo-deny --quiet --debug --locked --version $(CARGO_DENY_VERSION) --root "$(VENV)"; }
	PATH="$$PATH:$(VENV)/bin" $(CARGO) deny --locked --log-level error check bans licenses sources
	PATH="$$PATH:$(VENV)/bin" $(CARGO) deny --locked --log-level error --manifest-path cli/Cargo.toml --config deny.toml \
		check bans licenses sources

# Without what mdBook has for serving a site and watching its files.
docs: | $(VENV)/bin/python ## Build the site of the documents with mdBook into target/book, and check its links
	@command -v mdbook >/dev/null 2>&1 || test -x "$(VENV)/bin/mdbook" || { \
		echo "mdbook is not installed; building $(MDBOOK_VERSION) into .venv, once (some minutes)"; \
		env -u CARGO_TARGET_DIR $(CARGO) install mdbook --quiet --debug --locked --version $(MDBOOK_VERSION) \
			--no-default-features --features search --root "$(VENV)"; }
	@rm -rf "$(CARGO_TARGET_DIR)/book"
	PATH="$$PATH:$(VENV)/bin" mdbook build --dest-dir "$(CARGO_TARGET_DIR)/book"
	@$(PYTHON) scripts/book.py check "$(CARGO_TARGET_DIR)/book"

MAKE_STATUS_PAGE = rm -rf "$(STATUS_PAGE)" && $(CARGO) run --locked --package status-page --example preview -- "$(STATUS_PAGE)"

status-page: PORT := 8090
status-page: ## Make a status page of made-up minutes and serve it to this machine; PORT=8090
	$(MAKE_STATUS_PAGE)
	@echo "the status page is at http://127.0.0.1:$(PORT)/ until Ctrl-C"
	@exec $(PYTHON) -m http.server --bind 127.0.0.1 --directory "$(STATUS_PAGE)" $(PORT)

browser: $(BROWSER_READY) ## Look at the status page in Chromium: axe, widths, other hosts, a validator; writes docs/status-page/*.png
	@command -v java >/dev/null 2>&1 || { echo "java is not installed; the validator needs it: apt-get install default-jre-headless" >&2; exit 1; }
	@command -v "$(CHROMIUM)" >/dev/null 2>&1 || { \
		echo "chromium is not installed; installing Debian's package (some 100 MB)"; \
		$(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install --yes --no-install-recommends chromium fonts-dejavu-core; }
	$(MAKE_STATUS_PAGE)
	cd status-page/browser && CHROMIUM="$$(command -v "$(CHROMIUM)")" node check.js \
		"$(STATUS_PAGE)" "$(CURDIR)/status-page/tests/golden" "$(CURDIR)/docs/status-page"

bench: $(BENCH_READY) ## Measure the release functions beside boto3, the AWS CLI and Rust's defaults; writes docs/benchmarks.md
	$(call build,bench)
	$(BUILD_RELEASE)
	CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/defaults" $(CARGO) build --release --locked --manifest-path tools/bench/defaults/Cargo.toml
	@exec "$(CARGO_TARGET_DIR)/debug/bench" --document docs/benchmarks.md

instructions: ## Count the release functions' instructions; fails past 5 % over tools/bench/instructions.json; RENEW=yes renews that
	$(call build,bench)
	$(BUILD_RELEASE)
	@exec "$(CARGO_TARGET_DIR)/debug/bench" --instructions $(if $(RENEW),--write,--check) tools/bench/instructions.json

# From a copy with the functions alone and without what only their tests need: features that others ask for would bring
# in crates that no zip has.
sbom: | $(VENV)/bin/python ## List what is in each zip, as CycloneDX; ARCH=arm64 or x86_64
	@test -x "$(VENV)/bin/cargo-cyclonedx" || { \
		echo "building cargo-cyclonedx $(CARGO_CYCLONEDX_VERSION) into .venv, once (some minutes)"; \
		env -u CARGO_TARGET_DIR $(CARGO) install cargo-cyclonedx --quiet --locked --version $(CARGO_CYCLONEDX_VERSION) --root "$(VENV)"; }
	@rm -rf "$(SBOM)" "$(SBOM_SOURCE)" && mkdir -p "$(SBOM)" "$(SBOM_SOURCE)"
	@cp -R Cargo.toml Cargo.lock rust-toolchain.toml functions shared status-page "$(SBOM_SOURCE)"
	@cd "$(SBOM_SOURCE)" && sed -i.all 's|^members = .*|members = ["functions/*", "shared", "status-page"]|' Cargo.toml \
		&& sed -i.all '/^\[dev-dependencies\]/,/^$$/d' functions/*/Cargo.toml shared/Cargo.toml status-page/Cargo.toml
	@cd "$(SBOM_SOURCE)" && PATH="$$PATH:$(VENV)/bin" $(CARGO) cyclonedx --quiet --format json --spec-version 1.5 \
		--target $(TRIPLE) --no-build-deps --override-filename sbom
	@for function in $(FUNCTIONS); do \
		sed 's|file://$(SBOM_SOURCE)/||g' "$(SBOM_SOURCE)/functions/$$function/sbom.json" \
			> "$(SBOM)/$$function-$(ARCH).cdx.json" || exit 1; \
	done
	@rm -rf "$(SBOM_SOURCE)"
	@echo "$(words $(FUNCTIONS)) bills of materials for $(ARCH) are in $(SBOM)"

build: rust-target $(BUILD_READY) ## Make the deployable zips; ARCH=arm64 or x86_64
	PATH="$(VENV)/bin:$$PATH" $(CARGO) lambda build --release --locked --skip-target-check \
		--target $(TRIPLE) --output-format zip $(addprefix --package ,$(FUNCTIONS))
	@for function in $(FUNCTIONS); do \
		zip="$(CARGO_TARGET_DIR)/lambda/$$function/bootstrap.zip"; \
		glibc=$$(readelf --version-info --wide "$(CARGO_TARGET_DIR)/$(TRIPLE)/release/$$function" \
			| grep -o 'GLIBC_[0-9.]*' | sed s/GLIBC_// | sort -uV | tail -n 1); \
		echo "$$function: $(ARCH), zip $$(wc -c < "$$zip" | awk '{ printf "%.2f", $$1 / 1e6 }') MB, needs glibc $${glibc:-none}"; \
		test "$$(printf '%s\n' "$$glibc" $(GLIBC_MAX) | sort -V | tail -n 1)" = $(GLIBC_MAX) || { \
			echo "$$function needs glibc $$glibc, but Lambda has $(GLIBC_MAX)" >&2; exit 1; }; \
	done

# Static on Linux, so that it runs on every distribution. zig is the C compiler for that.
PROGRAM_TRIPLE := $(patsubst arm64-%,aarch64-%,$(shell uname -m)-$(if $(filter Darwin,$(shell uname -s)),apple-darwin,unknown-linux-musl))
PROGRAM := $(CARGO_TARGET_DIR)/program

program: TRIPLE := $(PROGRAM_TRIPLE)
program: rust-target $(BUILD_READY) ## Build the program lendpeak2 for this machine, with its manual and completions, into target/program
	cd cli && PATH="$(VENV)/bin:$$PATH" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/cli" \
		$(CARGO) $(if $(findstring linux,$(TRIPLE)),zigbuild,build) --release --locked --target $(TRIPLE)
	@rm -rf "$(PROGRAM)" && mkdir -p "$(PROGRAM)/man" "$(PROGRAM)/completions"
	@cp "$(CARGO_TARGET_DIR)/cli/$(TRIPLE)/release/lendpeak2" "$(PROGRAM)"
	@! readelf --program-headers --wide "$(PROGRAM)/lendpeak2" 2>/dev/null | grep INTERP \
		|| { echo "lendpeak2 is not static" >&2; exit 1; }
	@"$(PROGRAM)/lendpeak2" man --dir "$(PROGRAM)/man"
	@for shell in bash zsh fish; do \
		"$(PROGRAM)/lendpeak2" completion $$shell > "$(PROGRAM)/completions/lendpeak2.$$shell" || exit 1; \
	done
	@echo "lendpeak2 for $(TRIPLE), $$(wc -c < "$(PROGRAM)/lendpeak2" | awk '{ printf "%.1f", $$1 / 1e6 }') MB, is in $(PROGRAM)"

# cargo-lambda would change the toolchain by itself; a person should.
.PHONY: rust-target
rust-target:
	@test -n "$(TRIPLE)" || { echo "ARCH is $(ARCH), but must be arm64 or x86_64" >&2; exit 1; }
	@test -d "$$(rustc --print sysroot)/lib/rustlib/$(TRIPLE)/lib" || { \
		echo "Rust's standard library for $(TRIPLE) is not installed. Either run" >&2; \
		echo "    rustup target add $(TRIPLE)" >&2; \
		echo "or build for the other processor, and deploy with the parameter Architecture set to it:" >&2; \
		echo "    make build ARCH=$(if $(filter arm64,$(ARCH)),x86_64,arm64)" >&2; \
		exit 1; }

deploy: $(SANDBOX_READY) ## Deploy what `make build` made; ENV=staging or production
	@test -n "$(ENV)" || { echo "say where to: make deploy ENV=staging, or ENV=production" >&2; exit 1; }
	@for function in $(FUNCTIONS); do \
		test -f "target/lambda/$$function/bootstrap.zip" || { echo "no zip of $$function: run make build first" >&2; exit 1; }; \
	done
	"$(VENV)/bin/sam" deploy --config-env $(ENV)

verify-deployment: $(SANDBOX_READY) ## Call each deployed function with a dry run, and say what AWS does not let it read; ENV=staging or production
	@test -n "$(ENV)" || { echo "say which: make verify-deployment ENV=staging, or ENV=production" >&2; exit 1; }
	@"$(VENV)/bin/python" scripts/verify_deployment.py "$(ENV)"

clean: ## Remove what make made: target/ and .venv/
	rm -rf "$(CARGO_TARGET_DIR)" "$(VENV)"

# Most of a test is waiting.
define RECORDED_TESTS
@rm -rf "$(CALLS)"
@if $(CARGO) nextest --version >/dev/null 2>&1; \
then LENDPEAK2_CALLS="$(CALLS)" "$(CARGO_TARGET_DIR)/debug/nursery" \
	$(CARGO) nextest run --locked --workspace --test-threads $$((3 * $$(getconf _NPROCESSORS_ONLN))); \
else LENDPEAK2_CALLS="$(CALLS)" $(CARGO) test --locked --workspace --all-targets; \
fi
endef

# The program has a workspace and a build of its own.
IN_CLI = cd cli && CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/cli" $(CARGO)

define TEST_CLI
cd cli && LENDPEAK2_SANDBOX="$(CARGO_TARGET_DIR)/debug/sandbox" CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)/cli" \
	$(CARGO) test --locked
endef

define BUILD_RELEASE
$(CARGO) build --release --locked $(addprefix --package ,$(FUNCTIONS) floor hello)
endef

# A build with everything that the tests need, so that nothing is built again for them.
define BUILD_ALL
$(CARGO) build --locked --workspace --all-targets
endef

# Builds these packages. On a terminal cargo shows how far it is; elsewhere it prints a line for each crate, so the first
# time their number is said before.
packages = $(addprefix --package ,$(1))
define build
@test -x "$(CARGO_TARGET_DIR)/debug/$(firstword $(1))" || echo "building some" \
	"$$($(CARGO) tree --locked --prefix none --edges no-dev $(packages) | sed 's/ .*//' | sort -u | wc -l)" \
	"crates, a line each: some 5 minutes on 2 cores, the first time"
$(CARGO) build --locked $(packages)
endef

# A heading; as a part of `make test` with its number, and how long it takes and what is left.
step = echo "== $(if $(STEPS),$(1) of $(STEPS): $(2) ($(3)),$(2))"

# Python's parts, each file's once. A changed file is installed again.
$(VENV)/bin/python:
	$(PYTHON) -m venv "$(VENV)"

$(SANDBOX_READY): sandbox/requirements.txt sandbox/src/gateway/api/models.py | $(VENV)/bin/python
	@echo "installing the sandbox's Python parts into .venv (about a minute)"
	@$(PIP_INSTALL) -r $<
	@"$(VENV)/bin/python" sandbox/src/gateway/api/models.py "$(VENV)/api" && touch $@

$(PEER_READY): sandbox/requirements-moto.txt | $(VENV)/bin/python
	@echo "installing moto into .venv (less than a minute)"
	@$(PIP_INSTALL) -r $< && touch $@

$(BUILD_READY): scripts/requirements-build.txt | $(VENV)/bin/python
	@echo "installing cargo-lambda and zig into .venv (about 470 MB)"
	@$(PIP_INSTALL) -r $< && touch $@

$(BROWSER_READY): status-page/browser/package-lock.json
	@command -v npm >/dev/null 2>&1 || { echo "npm is not installed: it comes with Node.js 20 or newer" >&2; exit 1; }
	@echo "installing playwright-core, axe-core and the validator into status-page/browser/node_modules (some 50 MB)"
	@cd status-page/browser && npm ci --ignore-scripts --no-audit --no-fund --silent && touch node_modules/.package-lock.json

$(BENCH_READY): tools/bench/requirements.txt | $(VENV)/bin/python
	@echo "installing boto3 and the AWS CLI into .venv"
	@$(PIP_INSTALL) -r $< && touch $@
