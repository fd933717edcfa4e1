//! The log: hash-chained, certified, append-only.
