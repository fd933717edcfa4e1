//! The one factory that the five faces share.
