//! The log of a canister ("Canister logs").

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What a line takes besides its content: index, time and length.
const HEADER: u64 = 20;

/// A line of a canister's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counts the lines the canister has ever written, from 0.
    pub index: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// What was given to `ic0.debug_print`, or the message of a trap.
    pub content: Vec<u8>,
}

impl LogLine {
    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}

/// The lines a canister keeps, within its `log_memory_limit`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Log {
    lines: VecDeque<LogLine>,
    next_index: u64,
    bytes: u64,
}

impl Log {
    /// The lines, oldest first.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &LogLine> {
        self.lines.iter()
    }

    /// Bytes the lines take.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes all lines; those to come are counted on.
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
        self.bytes = 0;
    }

    /// Takes over what an execution has printed; the oldest lines make room.
    pub(crate) fn append(&mut self, time: u64, printed: Printed) {
        self.next_index += printed.dropped;
        for content in printed.lines {
            self.bytes += size(&content);
            self.lines.push_back(LogLine { index: self.next_index, time, content });
            self.next_index += 1;
        }
        self.shrink(printed.capacity);
    }

    /// Keeps the newest lines that fit.
    pub(crate) fn shrink(&mut self, capacity: u64) {
        while self.bytes > capacity {
            let Some(line) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= size(&line.content);
        }
    }
}

/// What one execution prints, within the canister's limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Printed {
    lines: VecDeque<Vec<u8>>,
    /// Lines that later ones of the same execution have pushed out.
    dropped: u64,
    bytes: u64,
    capacity: u64,
}

impl Printed {
    pub(crate) fn within(capacity: u64) -> Self {
        Self { capacity, ..Self::default() }
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Bytes until the first line is pushed out.
    pub(crate) fn remaining(&self) -> u64 {
        self.capacity - self.bytes
    }

    /// Adds the line that tells why the execution trapped.
    pub(crate) fn print_trap(&mut self, reason: &str) {
        self.print(format!("[TRAP]: {reason}").as_bytes());
    }

    /// Adds a line, cut to what fits at all.
    pub(crate) fn print(&mut self, content: &[u8]) {
        let longest = usize::try_from(self.capacity.saturating_sub(HEADER)).unwrap_or(usize::MAX);
        let content = content.get(..longest).unwrap_or(content).to_vec();
        self.bytes += size(&content);
        self.lines.push_back(content);
        while self.bytes > self.capacity {
            let Some(line) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= size(&line);
            self.dropped += 1;
        }
    }
}

fn size(content: &[u8]) -> u64 {
    HEADER + content.len() as u64
}
