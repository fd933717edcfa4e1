//! From an empty network to a platform that sells tokens.

use super::templates::PUBLISH_DELAY;
use super::{Platform, account, fee_token, ledger_upgrade, user};
use crate::artifacts;
use anyhow::{Context, Result, bail};
use cairn_events::{Amount, Hash, LogId, Principal};
use cairn_kit::api::audit::{AuditError, AuditInit, Tip};
use cairn_kit::api::backend::{BackendError, BackendInit};
use cairn_kit::api::factory::{Capacity, FactoryError, FactoryInit};
use cairn_kit::api::invoice::{InvoiceError, InvoiceInit};
use localnet::{Config, Metering, Net};
use std::time::Duration;

/// Cycles of each canister of the platform.
const CYCLES: u128 = 10_000_000_000_000_000;
/// Seconds that a platform may take to be ready.
const PATIENCE: u64 = 600;

/// How a platform is booted.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything random comes from here.
    pub seed: u64,
    /// Empty canisters that the factory keeps.
    pub pool: u32,
    /// The price of a token.
    pub price: Amount,
    /// The fee ledger's transfer fee.
    pub ledger_fee: Amount,
    /// Whether the network keeps its trace.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: 1, pool: 20, price: Amount(500_000_000), ledger_fee: Amount(10_000), trace: true }
    }
}

impl Platform {
    /// Boots a platform with default options.
    ///
    /// # Errors
    /// A canister does not build, or something was refused.
    pub fn boot(seed: u64) -> Result<Platform> {
        Platform::boot_with(Options { seed, ..Options::default() })
    }

    /// Boots a platform: canisters, templates, whitelists, writers, prices. The pool is full afterwards.
    ///
    /// # Errors
    /// A canister does not build, or something was refused.
    pub fn boot_with(options: Options) -> Result<Platform> {
        let mut platform = Platform::empty(&options);
        platform.install(&options)?;
        platform.log = platform.await_genesis()?;
        platform.introduce()?;
        // Before the first template, a second admin counts as one at once.
        let (factory, admin) = (platform.factory, platform.admin);
        platform.call::<(), FactoryError>(factory, admin, "grantAdmin", (Platform::second_admin(),))?;
        platform.template = platform.publish("1.0.0", &artifacts::wasm("token")?)?;
        platform.open_shop(&options)?;
        platform.await_capacity(u64::from(options.pool))?;
        Ok(platform)
    }

    /// The ids come first: canisters name one another when they are installed.
    fn empty(options: &Options) -> Platform {
        // Operators are counted, not weighed: figures stay comparable with earlier ones.
        let metering = Metering::Operators;
        let mut net = Net::new(Config { seed: options.seed, trace: options.trace, metering, ..Config::default() });
        let admin = user("admin");
        let mut create = || net.create_canister(admin, CYCLES);
        let (audit, backend, invoices, factory, ledger) = (create(), create(), create(), create(), create());
        Platform {
            net,
            audit,
            backend,
            invoices,
            factory,
            ledger,
            admin,
            treasury: account(user("treasury")),
            log: LogId(Hash([0; 32])),
            template: Hash([0; 32]),
            price: options.price,
            ledger_fee: options.ledger_fee,
            known: Vec::new(),
        }
    }

    fn install(&mut self, options: &Options) -> Result<()> {
        let factory = FactoryInit {
            audit: self.audit,
            pool_target: options.pool,
            contract_cycles: 2_000_000_000_000,
            reserve_cycles: 10_000_000_000_000,
            publish_delay_seconds: Some(PUBLISH_DELAY),
        };
        let ledger = fee_token(self.admin, options.ledger_fee);
        let arguments = [
            candid::encode_one(AuditInit { money_writer: self.backend })?,
            candid::encode_one(BackendInit { audit: self.audit })?,
            candid::encode_one(InvoiceInit { audit: self.audit })?,
            candid::encode_one(factory)?,
            candid::encode_one(ledger)?,
        ];
        for ((package, id), argument) in self.canisters().into_iter().zip(arguments) {
            let module = artifacts::wasm(package)?;
            self.net.install(id, self.admin, &module, argument).with_context(|| format!("installing {package}"))?;
        }
        Ok(())
    }

    /// Upgrades a canister of the platform to the module of its package, in the middle of whatever it does.
    ///
    /// # Errors
    /// The canister does not build, or its upgrade trapped.
    pub fn upgrade(&mut self, package: &'static str, id: Principal) -> Result<()> {
        let argument = if package == "token" { ledger_upgrade()? } else { candid::encode_args(())? };
        let module = artifacts::wasm(package)?;
        self.net.upgrade(id, self.admin, &module, argument).with_context(|| format!("upgrading {package}"))
    }

    /// The log begins when the network's randomness has arrived.
    fn await_genesis(&mut self) -> Result<LogId> {
        for _ in 0..PATIENCE {
            let tip: std::result::Result<Tip, AuditError> =
                self.net.query(self.audit, Principal::anonymous(), "getTip", ())?;
            if let Ok(tip) = tip {
                return Ok(tip.log);
            }
            self.pass(1);
        }
        bail!("the log has not begun after {PATIENCE} s")
    }

    /// Lets everyone know one another.
    fn introduce(&mut self) -> Result<()> {
        let (admin, backend, absent) = (self.admin, self.backend, Principal::management_canister());
        self.call::<(), AuditError>(self.audit, admin, "setupWhitelist", (backend,))?;
        self.call::<(), FactoryError>(self.factory, admin, "setupWhitelist", (backend,))?;
        self.call::<(), InvoiceError>(self.invoices, admin, "setupWhitelist", (backend,))?;
        let services = (self.audit, self.invoices, self.factory, absent, absent, absent, absent);
        self.call::<(), BackendError>(backend, admin, "setupMicroservices", services)
    }

    fn open_shop(&mut self, options: &Options) -> Result<()> {
        let settings = [
            ("payment.ledger", self.ledger.to_text()),
            ("payment.treasury", self.treasury.owner.to_text()),
            ("token_factory.fee", options.price.to_string()),
            ("token_factory.enabled", "true".to_owned()),
        ];
        settings.into_iter().try_for_each(|(key, value)| self.configure(key, &value))
    }

    /// Sets a value of the backend's configuration, as the admin.
    ///
    /// # Errors
    /// The backend refused.
    pub fn configure(&mut self, key: &str, value: &str) -> Result<()> {
        let arguments = (key.to_owned(), value.to_owned());
        self.call::<(), BackendError>(self.backend, self.admin, "adminSetConfigValue", arguments)
    }

    /// Waits until the factory could deliver `contracts` at once.
    ///
    /// # Errors
    /// It never can.
    pub fn await_capacity(&mut self, contracts: u64) -> Result<()> {
        for _ in 0..PATIENCE {
            let capacity = self.ask::<Capacity, FactoryError>(self.factory, "getCapacity", ());
            if capacity.is_ok_and(|capacity| capacity.contracts >= contracts) {
                return Ok(());
            }
            self.pass(1);
        }
        bail!("the factory cannot deliver {contracts} contracts after {PATIENCE} s")
    }

    /// Lets so many seconds pass, and everything happen that falls due.
    pub fn pass(&mut self, seconds: u64) {
        self.net.advance(Duration::from_secs(seconds));
        self.net.run_until_idle(10_000);
    }
}
