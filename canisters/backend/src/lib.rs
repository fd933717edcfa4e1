//! Payment gate and coordinator.
