//! Updates and queries per second over HTTP, on this machine: by `ic-agent` with its default settings, which verifies
//! every certificate and every signature.

use super::super::{Row, token};
use super::{counter, network, rate};
use crate::log_fixture::person;
use anyhow::{Context as _, anyhow, ensure};
use candid::{Encode, Nat, Principal};
use ic_agent::identity::BasicIdentity;
use ic_agent::{Agent, Identity as _};
use icrc_ledger_types::icrc1::account::Account;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use localnet::Net;
use localnet_server::{Options, Server};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Requests under way at once.
const CLIENTS: u64 = 32;
/// How long each measurement takes.
const DURATION: Duration = Duration::from_secs(3);
/// People who hold tokens.
const ACCOUNTS: u64 = 1_000;

pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut rows = trivial().await?;
        rows.extend(ledger().await?);
        Ok(rows)
    })
}

async fn trivial() -> anyhow::Result<Vec<Row>> {
    let mut net = network();
    let id = counter(&mut net)?;
    let increment = Call { canister: id, method: "increment", arg: Vec::new(), is_update: true };
    let get = Call { method: "get", is_update: false, ..increment.clone() };
    let server = Serving::start(net).await?;
    let updates = server.rate("engine/http/updates/trivial", &increment).await?;
    ensure!(server.agent.query(&id, "get").call().await? != [0; 8], "the counter has not counted");
    Ok(vec![updates, server.rate("engine/http/queries/trivial", &get).await?])
}

async fn ledger() -> anyhow::Result<Vec<Row>> {
    let mut net = network();
    let ledger = token::install(&mut net, ACCOUNTS)?;
    let payer = payer().sender().map_err(|error| anyhow!(error))?;
    fund(&mut net, ledger, payer)?;
    let transfer = TransferArg {
        from_subaccount: None,
        to: Account::from(person(11)),
        fee: None,
        created_at_time: None,
        memo: None,
        amount: Nat::from(1_u64),
    };
    let transfer = Call { canister: ledger, method: "icrc1_transfer", arg: Encode!(&transfer)?, is_update: true };
    let account = Encode!(&Account::from(payer))?;
    let balance = Call { canister: ledger, method: "icrc1_balance_of", arg: account, is_update: false };
    let server = Serving::start(net).await?;
    let transfers = server.rate("engine/http/updates/ledger_transfer", &transfer).await?;
    Ok(vec![transfers, server.rate("engine/http/queries/ledger_balance", &balance).await?])
}

/// Who pays all transfers.
fn payer() -> BasicIdentity {
    BasicIdentity::from_raw_key(&[7; 32])
}

fn fund(net: &mut Net, ledger: Principal, payer: Principal) -> anyhow::Result<()> {
    let argument = TransferArg {
        from_subaccount: None,
        to: Account::from(payer),
        fee: None,
        created_at_time: None,
        memo: None,
        amount: Nat::from(5_000_000_000_u64),
    };
    let reply: Result<Nat, TransferError> = net.update(ledger, person(10), "icrc1_transfer", (argument,))?;
    reply.map(drop).map_err(|error| anyhow!("{error:?}"))
}

/// A method with its argument.
#[derive(Clone)]
struct Call {
    canister: Principal,
    method: &'static str,
    arg: Vec<u8>,
    is_update: bool,
}

impl Call {
    async fn make(&self, agent: &Agent) -> anyhow::Result<()> {
        let arg = self.arg.clone();
        if self.is_update {
            agent.update(&self.canister, self.method).with_arg(arg).call_and_wait().await?;
        } else {
            agent.query(&self.canister, self.method).with_arg(arg).call().await?;
        }
        Ok(())
    }
}

/// A server and a client.
struct Serving {
    agent: Agent,
    /// Serves until it is dropped.
    _server: Server,
}

impl Serving {
    async fn start(net: Net) -> anyhow::Result<Self> {
        let server = Server::start(net, Options::default()).await?;
        let agent = Agent::builder().with_url(server.url()).with_identity(payer()).build()?;
        agent.set_root_key(server.root_key());
        Ok(Self { agent, _server: server })
    }

    /// How many calls per second all clients together can make.
    async fn rate(&self, name: &'static str, call: &Call) -> anyhow::Result<Row> {
        let (began, end) = (Instant::now(), Instant::now() + DURATION);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (agent, call) = (self.agent.clone(), call.clone());
            clients.spawn(async move {
                let mut made = 0_u64;
                while Instant::now() < end {
                    call.make(&agent).await.with_context(|| call.method)?;
                    made += 1;
                }
                anyhow::Ok(made)
            });
        }
        let mut made = 0;
        while let Some(client) = clients.join_next().await {
            made += client??;
        }
        Ok(rate(name, CLIENTS, made, began.elapsed()))
    }
}
