//! The `tramline` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    tramline::cli::main()
}
