//! The tests of this suite see it when a rule is broken: a suite that stays green then is no evidence.
//!
//! Each rule below runs by itself as a test, on a sound network; here it runs on a sabotaged one, and must fail.

use crate::{calls, lifecycle, rollback, timers};
use localnet::Sabotage;
use std::panic::catch_unwind;

type Rule = (&'static str, fn());

/// The name of a test and the test.
macro_rules! rules {
    ($($module:ident :: $test:ident),*) => {
        [$((concat!(stringify!($module), "::", stringify!($test)), $module::$test as fn())),*]
    };
}

/// The rules that protect from a sabotage.
fn guards(sabotage: Sabotage) -> Vec<Rule> {
    let rules: &[Rule] = match sabotage {
        Sabotage::RollbackOff => {
            &rules![rollback::a_trap_rolls_everything_back, calls::a_trapping_callback_is_cleaned_up_after]
        }
        Sabotage::CleanupOff => &rules![calls::a_trapping_callback_is_cleaned_up_after],
        Sabotage::CertifiedAfterTrap => &rules![rollback::a_trap_rolls_everything_back],
        Sabotage::TimerAfterUpgrade => &rules![timers::an_upgrade_clears_the_timer_and_post_upgrade_may_set_it],
        Sabotage::StableMemoryAfterReinstall => &rules![lifecycle::a_reinstallation_begins_anew],
        Sabotage::RequestTwice => &rules![calls::a_reply_runs_the_reply_callback_with_its_environment],
        Sabotage::RefundLost => &rules![calls::cycles_are_accepted_and_refunded],
    };
    rules.to_vec()
}

#[test]
fn every_sabotage_is_found_out() {
    for sabotage in Sabotage::ALL {
        for (name, rule) in guards(*sabotage) {
            let outcome = catch_unwind(|| sabotage.during(rule));
            assert!(outcome.is_err(), "{name} passes although {sabotage:?}");
        }
    }
}

#[test]
fn nothing_is_broken_afterwards() {
    assert!(catch_unwind(|| Sabotage::RollbackOff.during(rollback::a_trap_rolls_everything_back)).is_err());
    rollback::a_trap_rolls_everything_back();
}
