//! What every canister of the platform shares.
