//! The token face of the factory.
