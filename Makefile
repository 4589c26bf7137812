# `make demo` runs everything with sample data, `make test` runs every check and test.

CARGO ?= cargo
ARGS ?=

.PHONY: demo test long torture hostile check deny release fmt bench clean-data prerequisites test-prerequisites

# ARGS: options of `lectern demo`. LECTERN_ONCE=1: ends after the search.
demo: prerequisites
	$(CARGO) run --locked -- demo $(ARGS)

test: test-prerequisites check
	$(CARGO) test --locked --workspace

# Adopts a living database in every state, place and naming, with Django, and kills the program at many moments. Lints the
# description of the API, generates clients from it, tests the server with it, and calls the API from a page in a browser.
long:
	@tools/prerequisites long
	$(CARGO) test --locked --test it -- --ignored long_

# Runs a thousand imports with one fault each. ARGS="--seed 7" repeats one.
torture: prerequisites
	$(CARGO) test --locked --test torture -- $(ARGS)

# Reads hostile workbooks, including huge ones, and prints the result and memory of each.
hostile: prerequisites
	$(CARGO) test --locked --test it -- --include-ignored --nocapture hostile::

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --workspace --test house

# Checks dependencies for advisories, licences, duplicates and sources. Needs `cargo install cargo-deny` and the network.
deny:
	$(CARGO) deny --locked check

# Builds the program for production: without the demo and the simulator of Administrate.
release: prerequisites
	$(CARGO) build --locked --release --no-default-features

fmt:
	$(CARGO) fmt --all

bench:
	$(MAKE) -C bench

# Deletes the data folder of the demo: the default one or DATA_DIR.
clean-data:
	tools/clean-data "$(DATA_DIR)"

prerequisites:
	@tools/prerequisites

test-prerequisites:
	@tools/prerequisites tests
