//! The `cairn` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    cairn::command::run(std::env::args_os())
}
