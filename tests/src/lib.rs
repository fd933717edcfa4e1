//! End-to-end tests, fault injection, benchmarks and golden files.
