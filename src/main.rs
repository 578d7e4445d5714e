//! The `armorlake` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    armorlake::cli::run()
}
