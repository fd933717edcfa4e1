//! Rules of the network that can be broken on purpose: whoever breaks one must see a conformance test fail.
//!
//! Only with the feature `sabotage`; without it every question below is answered with no, at compile time.

use crate::config::Config;

macro_rules! sabotages {
    ($($(#[doc = $doc:literal])* $name:ident $question:ident;)*) => {
        /// A rule that is broken.
        #[cfg(feature = "sabotage")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sabotage {
            $($(#[doc = $doc])* $name,)*
        }

        #[cfg(feature = "sabotage")]
        impl Sabotage {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }

        impl Config {
            $($(#[doc = $doc])*
            #[cfg(feature = "sabotage")]
            pub(crate) fn $question(&self) -> bool {
                self.sabotage == Some(Sabotage::$name)
            }

            $(#[doc = $doc])*
            #[cfg(not(feature = "sabotage"))]
            pub(crate) fn $question(&self) -> bool {
                false
            })*
        }
    };
}

sabotages! {
    /// Heap, stable memory, timer and certified data stay as a trapped execution left them.
    RollbackOff keeps_trapped_changes;
    /// A callback that traps is not cleaned up after.
    CleanupOff skips_cleanup;
    /// Certified data stay as a trapped execution set them; everything else is rolled back.
    CertifiedAfterTrap keeps_trapped_certified_data;
    /// An upgrade leaves the global timer as it was.
    TimerAfterUpgrade keeps_timer_across_upgrades;
    /// A reinstallation leaves stable memory as it was.
    StableMemoryAfterReinstall keeps_stable_memory_across_reinstalls;
    /// Requests are delivered twice.
    RequestTwice delivers_requests_twice;
    /// Cycles that were not accepted are lost.
    RefundLost loses_refunds;
}

#[cfg(feature = "sabotage")]
thread_local! {
    static DEFAULT: std::cell::Cell<Option<Sabotage>> = const { std::cell::Cell::new(None) };
}

#[cfg(feature = "sabotage")]
impl Sabotage {
    /// Runs `test` with this rule broken in every network that it makes with [`Config::default`] on this thread.
    pub fn during<T>(self, test: impl FnOnce() -> T) -> T {
        struct Repaired;
        impl Drop for Repaired {
            fn drop(&mut self) {
                DEFAULT.set(None);
            }
        }
        let _repaired = Repaired;
        DEFAULT.set(Some(self));
        test()
    }

    /// What [`Config::default`] breaks.
    pub(crate) fn by_default() -> Option<Self> {
        DEFAULT.get()
    }
}
