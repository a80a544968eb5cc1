# The few verbs of this project. CI calls the same ones.

.PHONY: run test check bench openapi

# Builds and starts a server to try things on; prints what to try.
run:
	cargo run --quiet -- dev

# Installs or starts what the tests need, runs them, and stops what it started.
test:
	scripts/peers
	scripts/with-services cargo test

# Everything that a machine can say about the code without running it.
check:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet
	if command -v cargo-deny >/dev/null; then cargo deny --offline check; fi

# Prints the figures, each with its bar.
bench:
	cargo bench --bench figures

# Writes the documents that the binary describes itself with.
openapi:
	cargo run --quiet -- openapi > openapi/openapi.json
	cargo run --quiet -- rules schema > schemas/rules.schema.json
