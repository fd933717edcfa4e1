//! The token: transfer, approve, transfer_from among a thousand accounts.

use super::Row;
use crate::log_fixture::{CYCLES, person};
use anyhow::anyhow;
use cairn_kit::api::ledger::{InitArgs, LedgerArg};
use candid::{CandidType, Nat, Principal};
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use icrc_ledger_types::icrc2::approve::{ApproveArgs, ApproveError};
use icrc_ledger_types::icrc2::transfer_from::{TransferFromArgs, TransferFromError};
use localnet::{Config, Metering, Net};
use serde::de::DeserializeOwned;

const ACCOUNTS: u64 = 1_000;
const SAMPLES: u64 = 50;

fn account(n: u64) -> Account {
    Account::from(person(n))
}

struct Bench {
    net: Net,
    token: Principal,
}

pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let mut net = Net::new(Config { metering: Metering::Operators, ..Config::default() });
    let token = install(&mut net, ACCOUNTS)?;
    let mut bench = Bench { net, token };
    let now = bench.net.now();
    let transfer = |n: u64| TransferArg {
        from_subaccount: None,
        to: account((n + 7) % ACCOUNTS + 10),
        fee: Some(Nat::from(10_000u64)),
        created_at_time: Some(now),
        memo: Some(vec![n as u8; 32].into()),
        amount: Nat::from(1_000_000 + n),
    };
    let approve = |n: u64| ApproveArgs {
        from_subaccount: None,
        spender: account((n + 1) % ACCOUNTS + 10),
        amount: Nat::from(100_000_000u64),
        expected_allowance: None,
        expires_at: None,
        fee: None,
        memo: None,
        created_at_time: Some(now),
    };
    let transfer_from = |n: u64| TransferFromArgs {
        spender_subaccount: None,
        from: account(n + 9),
        to: account((n + 50) % ACCOUNTS + 10),
        amount: Nat::from(500_000u64),
        fee: None,
        memo: None,
        created_at_time: Some(now),
    };
    let transfers = bench.average::<_, TransferError>("icrc1_transfer", transfer)?;
    let approvals = bench.average::<_, ApproveError>("icrc2_approve", approve)?;
    // Person n + 1 may spend of person n.
    let spendings = bench.average::<_, TransferFromError>("icrc2_transfer_from", transfer_from)?;
    Ok(vec![
        Row::instructions("token/transfer", ACCOUNTS, transfers),
        Row::instructions("token/approve", ACCOUNTS, approvals),
        Row::instructions("token/transfer_from", ACCOUNTS, spendings),
    ])
}

/// A ledger on which so many people hold tokens.
pub(super) fn install(net: &mut Net, accounts: u64) -> anyhow::Result<Principal> {
    install_module(net, &cairn::artifacts::wasm("token")?, accounts)
}

/// As [`install`], with a given build of the module.
pub(super) fn install_module(net: &mut Net, module: &[u8], accounts: u64) -> anyhow::Result<Principal> {
    let arg = LedgerArg::Init(InitArgs {
        initial_balances: (0..accounts).map(|n| (account(n + 10), Nat::from(10_000_000_000u64))).collect(),
        ..InitArgs::new(account(0), "FEE", "Fee Token", 10_000u64)
    });
    let token = net.create_canister(person(0), CYCLES);
    net.install(token, person(0), module, candid::encode_one(arg)?).map_err(|e| anyhow!("{e}"))?;
    net.run_until_idle(10);
    Ok(token)
}

/// The n-th transfer of many.
pub(super) fn transfer(net: &mut Net, token: Principal, n: u64) -> anyhow::Result<()> {
    let argument = TransferArg {
        from_subaccount: None,
        to: account((n + 7) % ACCOUNTS + 10),
        fee: None,
        created_at_time: None,
        memo: None,
        amount: Nat::from(1_000 + n),
    };
    let reply: Result<Nat, TransferError> =
        net.update(token, person(n % ACCOUNTS + 10), "icrc1_transfer", (argument,)).map_err(|e| anyhow!("{e}"))?;
    reply.map(drop).map_err(|error| anyhow!("transfer: {error:?}"))
}

impl Bench {
    /// Instructions of the call alone, on average over callers.
    fn average<A: CandidType, E: CandidType + DeserializeOwned + std::fmt::Debug>(
        &mut self,
        method: &str,
        args: impl Fn(u64) -> A,
    ) -> anyhow::Result<u64> {
        let mut instructions = 0;
        for n in 1..=SAMPLES {
            self.net.clear_trace();
            let reply: Result<Nat, E> =
                self.net.update(self.token, person(n + 10), method, (args(n + 1),)).map_err(|e| anyhow!("{e}"))?;
            reply.map_err(|error| anyhow!("{method}: {error:?}"))?;
            instructions += self.net.traced_instructions(|kind| kind == localnet::MessageKind::Ingress);
        }
        Ok(instructions / SAMPLES)
    }
}
