//! The command line: arguments in; a report, for people or as JSON, and an exit code out.

mod arguments;
mod demo;
mod moment;
mod progress;
mod rebuild;
mod verify;

use arguments::{Arguments, Task};
use clap::Parser;
use serde::Serialize;
use serde_json::json;
use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;

/// How a command ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is in order.
    Fine = 0,
    /// The command line is wrong.
    Usage = 1,
    /// A file is unreadable, or malformed.
    Malformed = 2,
    /// The events are not a log.
    Log = 3,
    /// The certificate does not vouch for the log.
    Certificate = 4,
    /// The file is about another log than the policy.
    Policy = 5,
    /// The platform could not be run, or did not do what it should.
    Platform = 6,
}

/// Why a command ended otherwise than [`Exit::Fine`], in one line.
#[derive(Debug)]
struct Failed {
    exit: Exit,
    message: String,
}

impl Failed {
    fn new(exit: Exit, message: impl Display) -> Self {
        Failed { exit, message: message.to_string() }
    }

    /// A file that could not be read or written.
    fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Failed::new(Exit::Malformed, format_args!("{}: {error}; check the path", path.display()))
    }
}

/// What a command has to say: text for people, and one JSON object.
trait Report: Display + Serialize {
    /// [`Exit::Fine`], unless what is reported is not as it should be.
    fn exit(&self) -> Exit {
        Exit::Fine
    }
}

/// Runs the command line `arguments`, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let exit = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => execute(&arguments),
        Err(error) => {
            // Help and version also come this way. What cannot be printed cannot be told either.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage } else { Exit::Fine }
        }
    };
    ExitCode::from(exit as u8)
}

fn execute(arguments: &Arguments) -> Exit {
    let json = arguments.json;
    match &arguments.task {
        Task::Demo(options) => tell(demo::run(options), json),
        Task::Export(options) => tell(demo::export(options), json),
        Task::Verify(options) => tell(verify::run(options), json),
        Task::Rebuild(options) => tell(rebuild::run(options), json),
    }
}

/// Prints what came out. With `--json` the object is the last line of the output, whatever happened.
fn tell<R: Report>(result: Result<R, Failed>, json: bool) -> Exit {
    match result {
        Ok(report) => {
            if json {
                println!("{}", serde_json::to_string(&report).unwrap_or_default());
            } else {
                print!("{report}");
            }
            report.exit()
        }
        Err(Failed { exit, message }) => {
            eprintln!("error: {message}");
            if json {
                println!("{}", json!({ "error": message, "exit_code": exit as u8 }));
            }
            exit
        }
    }
}
