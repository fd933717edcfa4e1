//! The vocabulary and the mathematics of the log.
