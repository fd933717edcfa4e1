//! End-to-end tests, fault injection, benchmarks, golden files.
