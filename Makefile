# The few verbs of this project. CI calls the same ones.

.PHONY: run test soak fuzz check bench bench-rules openapi

# Builds and starts a server to try things on; prints what to try.
run:
	cargo run --quiet -- dev

# Installs or starts what the tests need, runs them, and stops what it started.
test:
	scripts/peers
	scripts/with-services cargo test
	cargo test --features failpoints --test failpoints

# The long forms of the tests that end the server or its log at every moment; hours, better as root.
soak:
	LOG_CRASH_SEED=$$(date +%s) LOG_CRASH_SEEDS=$${LOG_CRASH_SEEDS:-20000} PROPTEST_CASES=$${PROPTEST_CASES:-20000} \
		FUZZ_SEED=$$(date +%s) FUZZ_ROUNDS=$${FUZZ_ROUNDS:-10000000} cargo test --lib log::
	KILLS=$${KILLS:-500} POWER_CUTS=$${POWER_CUTS:-40} cargo test --test it durability:: -- --nocapture
	FAILPOINT_SEEDS=$${FAILPOINT_SEEDS:-50} cargo test --features failpoints --test failpoints -- --nocapture

# Gives the decoders of the log, expressions, patterns and data to libFuzzer, each for a minute; wants cargo-fuzz and a nightly compiler.
fuzz:
	for target in frame index snapshot slot record cesql pattern scan; do \
		cargo +nightly fuzz run $$target -- -max_total_time=$${FUZZ_SECONDS:-60} || exit 1; done

# Everything that a machine can say about the code without running it.
check:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet
	if command -v cargo-deny >/dev/null; then cargo deny --offline check; fi

# Prints the figures, each with its bar.
bench:
	cargo bench --bench figures

# Prints what matching and transforming cost beside reading the same events, each with its bar.
bench-rules:
	cargo bench --bench rules

# Writes the documents that the binary describes itself with.
openapi:
	cargo run --quiet -- openapi > openapi/openapi.json
	cargo run --quiet -- rules schema > schemas/rules.schema.json
