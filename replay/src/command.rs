//! The command line: arguments in; a report, for people or as JSON, and an exit code out.

mod arguments;
mod ask;
#[cfg(feature = "platform")]
mod demo;
mod diff;
mod exit;
mod export;
mod follow;
mod moment;
mod offline;
mod policy;
mod progress;
mod prove;
mod query;
mod rebuild;
#[cfg(feature = "platform")]
mod serve;
mod verify;

use arguments::{Arguments, Task};
use clap::Parser;
use exit::Failed;
use serde::Serialize;
use serde_json::json;
use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;

pub use exit::Exit;

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
        #[cfg(feature = "platform")]
        Task::Demo(options) => show(options, json),
        Task::Query(options) => tell(query::run(options), json),
        Task::Prove(options) => tell(prove::run(options), json),
        Task::Export(options) => tell(export::run(options), json),
        Task::Follow(options) => tell(follow::run(options, json), json),
        Task::Diff(options) => tell(diff::run(options), json),
        Task::Verify(options) => tell(verify::run(options), json),
        Task::Rebuild(options) => tell(rebuild::run(options), json),
    }
}

/// Runs the demo; its network is served, if that was asked for, once all is told.
#[cfg(feature = "platform")]
fn show(options: &arguments::Demo, json: bool) -> Exit {
    let (shown, ended) = match demo::run(options) {
        Ok((shown, net)) => (Ok(shown), Some(net)),
        Err(failed) => (Err(failed), None),
    };
    let exit = tell(shown, json);
    match (options.serve, ended) {
        (Some(port), Some(ended)) => match serve::run(ended, port) {
            Ok(()) => exit,
            Err(failed) => tell::<demo::Shown>(Err(failed), json),
        },
        _ => exit,
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
