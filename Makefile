# What a person types. `make demo` shows Lectern at work, `make test` proves it.

CARGO ?= cargo
ARGS ?=

.PHONY: demo test torture hostile check fmt bench clean-data prerequisites

# ARGS are options of `lectern demo`; with LECTERN_ONCE=1 it ends after the search.
demo: prerequisites
	$(CARGO) run --locked -- demo $(ARGS)

test: prerequisites check
	$(CARGO) test --locked --workspace

# A thousand imports with one injected fault each; ARGS="--seed 7" repeats one.
torture: prerequisites
	$(CARGO) test --locked --test torture -- $(ARGS)

# Malicious workbooks, the huge ones included: prints the result and peak memory of each.
hostile: prerequisites
	$(CARGO) test --locked --test it -- --include-ignored --nocapture hostile::

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --workspace --test house

fmt:
	$(CARGO) fmt --all

bench:
	$(MAKE) -C bench

# The demo's database, simulator and reports (its default data folder, or DATA_DIR).
clean-data:
	tools/clean-data "$(DATA_DIR)"

prerequisites:
	@tools/prerequisites
