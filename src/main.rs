//! Parses the command line, runs the command, prints an error with its causes.

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "this is where errors go")]
fn main() -> ExitCode {
    match gatepost::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("gatepost: {error:#}");
            ExitCode::FAILURE
        }
    }
}
