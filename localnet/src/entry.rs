//! The kinds of entry point, by which the System API decides what a canister may call.
//!
//! Interface specification, "Overview of imports": the letters there are the constants here.

/// One kind of entry point, or a set of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(u16);

impl Entry {
    /// `s`: the start function of the module.
    pub(crate) const START: Self = Self(1);
    /// `I`: `canister_init` and `canister_post_upgrade`.
    pub(crate) const INIT: Self = Self(1 << 1);
    /// `G`: `canister_pre_upgrade`.
    pub(crate) const PRE_UPGRADE: Self = Self(1 << 2);
    /// `U`: an update method.
    pub(crate) const UPDATE: Self = Self(1 << 3);
    /// `RQ`: a query method called as an update.
    pub(crate) const REPLICATED_QUERY: Self = Self(1 << 4);
    /// `NRQ`: a query method.
    pub(crate) const QUERY: Self = Self(1 << 5);
    /// `CQ`: a composite query method.
    pub(crate) const COMPOSITE_QUERY: Self = Self(1 << 6);
    /// `Ry`: a reply callback.
    pub(crate) const REPLY: Self = Self(1 << 7);
    /// `Rt`: a reject callback.
    pub(crate) const REJECT: Self = Self(1 << 8);
    /// `CRy`: a reply callback of a composite query.
    pub(crate) const COMPOSITE_REPLY: Self = Self(1 << 9);
    /// `CRt`: a reject callback of a composite query.
    pub(crate) const COMPOSITE_REJECT: Self = Self(1 << 10);
    /// `C`: a cleanup callback.
    pub(crate) const CLEANUP: Self = Self(1 << 11);
    /// `CC`: a cleanup callback of a composite query.
    pub(crate) const COMPOSITE_CLEANUP: Self = Self(1 << 12);
    /// `F`: `canister_inspect_message`.
    pub(crate) const INSPECT: Self = Self(1 << 13);
    /// `T`: `canister_global_timer`, `canister_heartbeat` and the like.
    pub(crate) const TASK: Self = Self(1 << 14);
    /// `TQ`: a query method that transforms the response of an HTTPS outcall.
    pub(crate) const TRANSFORM: Self = Self(1 << 15);
    /// `*`: everything but the start function.
    pub(crate) const ALL: Self = Self(0xfffe);
    /// `* s`.
    pub(crate) const ALL_AND_START: Self = Self(0xffff);
    /// The entry points that belong to a call and may answer it.
    pub(crate) const ANSWERING: Self = Self::UPDATE
        .or(Self::REPLICATED_QUERY)
        .or(Self::QUERY)
        .or(Self::TRANSFORM)
        .or(Self::COMPOSITE_QUERY)
        .or(Self::REPLY)
        .or(Self::REJECT)
        .or(Self::COMPOSITE_REPLY)
        .or(Self::COMPOSITE_REJECT);
    /// The entry points that may make calls.
    pub(crate) const CALLING: Self = Self::UPDATE
        .or(Self::COMPOSITE_QUERY)
        .or(Self::REPLY)
        .or(Self::REJECT)
        .or(Self::COMPOSITE_REPLY)
        .or(Self::COMPOSITE_REJECT)
        .or(Self::TASK);

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn is_in(self, set: Self) -> bool {
        set.0 & self.0 != 0
    }

    /// Whether what such an execution changes is kept if it succeeds.
    pub(crate) const fn keeps_changes(self) -> bool {
        const KEPT: Entry = Entry::START
            .or(Entry::INIT)
            .or(Entry::PRE_UPGRADE)
            .or(Entry::UPDATE)
            .or(Entry::REPLY)
            .or(Entry::REJECT)
            .or(Entry::CLEANUP)
            .or(Entry::TASK);
        self.is_in(KEPT)
    }

    /// How error texts call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::START => "start",
            Self::INIT => "init",
            Self::PRE_UPGRADE => "pre upgrade",
            Self::UPDATE => "update",
            Self::REPLICATED_QUERY => "replicated query",
            Self::QUERY => "non replicated query",
            Self::COMPOSITE_QUERY => "composite query",
            Self::REPLY => "reply callback",
            Self::REJECT => "reject callback",
            Self::COMPOSITE_REPLY => "composite query reply callback",
            Self::COMPOSITE_REJECT => "composite query reject callback",
            Self::CLEANUP => "cleanup",
            Self::COMPOSITE_CLEANUP => "composite query cleanup",
            Self::INSPECT => "inspect message",
            Self::TASK => "system task",
            Self::TRANSFORM => "transform",
            _ => "unknown",
        }
    }
}
