//! The ledger against the model, whatever happens.

use super::*;
use crate::ledger::model::Model;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Transfer(Transfer),
    Approve(Approval),
    Wait(u64),
}

fn arb_person() -> impl Strategy<Value = Account> {
    let owner = prop_oneof![8 => 1u8..5, 1 => Just(255u8), 1 => Just(9u8)].prop_map(account);
    (owner, prop_oneof![4 => Just(None), 1 => Just(Some([0; 32])), 2 => Just(Some([1; 32]))])
        .prop_map(|(person, subaccount)| Account { subaccount, ..person })
}

fn arb_units() -> impl Strategy<Value = Amount> {
    prop_oneof![
        6 => (0u128..20).prop_map(|n| Amount(n * FEE / 2)),
        1 => Just(Amount(u128::MAX)),
        1 => Just(Amount(u128::MAX - FEE)),
    ]
}

fn arb_named_fee() -> impl Strategy<Value = Option<Amount>> {
    prop_oneof![4 => Just(None), 2 => Just(Some(Amount(FEE))), 1 => Just(Some(Amount(0))), 1 => Just(Some(Amount(1)))]
}

fn arb_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![(0u64..4).prop_map(later), Just(later(WINDOW)), Just(Timestamp(u64::MAX)), Just(Timestamp(0))]
}

fn arb_memo() -> impl Strategy<Value = Option<serde_bytes::ByteBuf>> {
    let bytes = prop_oneof![Just(0usize), Just(1), Just(32), Just(33)];
    prop::option::weighted(0.2, bytes.prop_map(|length| serde_bytes::ByteBuf::from(vec![1; length])))
}

fn arb_step() -> impl Strategy<Value = Step> {
    let transfer = (
        (arb_person(), arb_person(), prop::option::weighted(0.4, arb_person())),
        (arb_units(), arb_named_fee(), arb_memo(), prop::option::weighted(0.3, arb_time())),
    )
        .prop_map(|((from, to, spender), (amount, fee, memo, created_at))| {
            Step::Transfer(Transfer { from, to, spender, amount, fee, memo, created_at })
        });
    let approve = (
        (arb_person(), arb_person(), arb_units(), prop::option::weighted(0.2, arb_units())),
        (prop::option::weighted(0.4, arb_time()), arb_named_fee(), prop::option::weighted(0.3, arb_time())),
    )
        .prop_map(|((from, spender, amount, expected_allowance), (expires_at, fee, created_at))| {
            let memo = None;
            Step::Approve(Approval { from, spender, amount, expected_allowance, expires_at, fee, memo, created_at })
        });
    let wait = prop_oneof![Just(1), Just(WINDOW / 2), Just(WINDOW + PERMITTED_DRIFT)];
    prop_oneof![6 => transfer, 3 => approve, 1 => wait.prop_map(Step::Wait)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The same answer as the model to everything, the same balances and allowances, and a log that chains.
    #[test]
    fn the_ledger_agrees_with_the_model(
        collector in prop::option::of(Just(account(9))),
        steps in prop::collection::vec(arb_step(), 1..60),
    ) {
        let mut args = init_args();
        args.fee_collector_account = collector;
        let mut ledger = ledger_with(args);
        let mut model = Model::new(minter(), collector, Amount(FEE));
        for n in 1..5 {
            let mint = pay(minter(), account(n), 40 * FEE);
            prop_assert_eq!(ledger.transfer(mint.clone(), START), model.transfer(mint, START));
        }
        let mut now = START;
        for step in steps {
            match step {
                Step::Wait(time) => now = Timestamp(now.0 + time),
                Step::Transfer(transfer) => {
                    prop_assert_eq!(ledger.transfer(transfer.clone(), now), model.transfer(transfer, now));
                }
                Step::Approve(approval) => {
                    prop_assert_eq!(ledger.approve(approval.clone(), now), model.approve(approval, now));
                }
            }
            model.compare(&ledger, now)?;
        }
    }
}
