//! An embedded Internet Computer for one machine, deterministic.
