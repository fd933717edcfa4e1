//! The verifier as a WebAssembly module that imports nothing: for pages, and for whatever else runs such modules.
//!
//! A caller asks for [`room`], writes a file and a policy there, calls [`verify`], and reads the verdict, a JSON text:
//!
//! ```text
//! {"exit":0,"events":N,"complete":[FROM,UNTIL],"hashes":[HEX,...]}
//! {"exit":CODE,"why":TEXT}
//! ```
//! `exit` is the exit code of `cairn verify`; `events` were found true, all of those asked about from event FROM up to,
//! but not including, event UNTIL. `verify.mjs` does all that in JavaScript.

use cairn_events::{Event, Timestamp};
use cairn_verifier::{Exit, Failure, Policy, bundle, verify_each};
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What lies between the module and its caller.
struct Desk {
    /// A file, and right behind it a policy.
    input: Vec<u8>,
    /// How long the file is.
    file: usize,
    /// What was said last.
    verdict: String,
}

impl Desk {
    const CLEAR: Desk = Desk { input: Vec::new(), file: 0, verdict: String::new() };
}

static DESK: Mutex<Desk> = Mutex::new(Desk::CLEAR);

fn desk() -> MutexGuard<'static, Desk> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Room for a file of `file` bytes and, right behind it, a policy of `policy` bytes; null if memory does not suffice.
#[expect(unsafe_code, reason = "exported by its name, which nothing else has")]
#[unsafe(no_mangle)]
pub extern "C" fn room(file: usize, policy: usize) -> *mut u8 {
    let mut desk = desk();
    *desk = Desk { file, ..Desk::CLEAR };
    let length = file.saturating_add(policy);
    if desk.input.try_reserve_exact(length).is_err() {
        return std::ptr::null_mut();
    }
    desk.input.resize(length, 0);
    desk.input.as_mut_ptr()
}

/// Clears the room, and verifies what was there: the file by the policy, at the time `now`, in nanoseconds since 1970.
/// Where the verdict begins, [`verdict_length`] bytes of UTF-8.
#[expect(unsafe_code, reason = "exported by its name, which nothing else has")]
#[unsafe(no_mangle)]
pub extern "C" fn verify(now: u64) -> *const u8 {
    let mut desk = desk();
    let input = std::mem::take(&mut desk.input);
    let (file, policy) = input.split_at_checked(desk.file).unwrap_or_default();
    // Texts, numbers and lists always have a JSON form.
    desk.verdict = serde_json::to_string(&Verdict::of(file, policy, Timestamp(now))).unwrap_or_default();
    desk.verdict.as_ptr()
}

/// How long the last verdict is.
#[expect(unsafe_code, reason = "exported by its name, which nothing else has")]
#[unsafe(no_mangle)]
pub extern "C" fn verdict_length() -> usize {
    desk().verdict.len()
}

/// What is said of a file.
#[derive(Serialize)]
#[serde(untagged)]
enum Verdict {
    Proven { exit: u8, events: usize, complete: (u64, u64), hashes: Vec<String> },
    Refused { exit: u8, why: String },
}

impl Verdict {
    fn of(file: &[u8], policy: &[u8], now: Timestamp) -> Verdict {
        match read_policy(policy, now) {
            Ok(policy) => Verdict::under(&policy, file)
                .unwrap_or_else(|failure| Verdict::refused(failure.exit(), failure.to_string())),
            Err(why) => Verdict::refused(Exit::Malformed, why),
        }
    }

    fn under(policy: &Policy, file: &[u8]) -> Result<Verdict, Failure> {
        let hash = |event: &Event| event.hash().to_string();
        let mut hashes = Vec::new();
        let complete = if file.starts_with(bundle::MAGIC) {
            let proven = bundle::verify(file, policy)?;
            hashes.extend(proven.events.iter().map(hash));
            proven.complete
        } else {
            (0, verify_each(file, policy, |event, _| hashes.push(hash(event)))?.events)
        };
        Ok(Verdict::Proven { exit: Exit::Fine as u8, events: hashes.len(), complete, hashes })
    }

    fn refused(exit: Exit, why: String) -> Verdict {
        Verdict::Refused { exit: exit as u8, why }
    }
}

fn read_policy(policy: &[u8], now: Timestamp) -> Result<Policy, String> {
    let text = std::str::from_utf8(policy).map_err(|error| error.to_string())?;
    Policy::from_text(text, now).map_err(|error| error.to_string())
}
