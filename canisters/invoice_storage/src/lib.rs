//! Host of the payment projection.
