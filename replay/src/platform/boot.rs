//! From an empty network to a platform that sells tokens.

use super::templates::PUBLISH_DELAY;
use super::{Platform, account, fee_token, ledger_upgrade, user};
use crate::artifacts;
use anyhow::{Context, Result, bail};
use cairn_events::topic::Service;
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
    /// Empty canisters that the factory of tokens keeps.
    pub pool: u32,
    /// The price of a token.
    pub price: Amount,
    /// The fee ledger's transfer fee.
    pub ledger_fee: Amount,
    /// Whether the network keeps its trace.
    pub trace: bool,
    /// Whether wallets and distributions are sold, too.
    pub every_service: bool,
    /// Empty canisters that their factories keep; as many as that of tokens if absent.
    pub other_pools: Option<u32>,
}

impl Options {
    fn pool_of(&self, service: Service) -> u32 {
        match service {
            Service::Token => self.pool,
            _ => self.other_pools.unwrap_or(self.pool),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 1,
            pool: 20,
            price: Amount(500_000_000),
            ledger_fee: Amount(10_000),
            trace: true,
            every_service: false,
            other_pools: None,
        }
    }
}

/// The package that a service's contracts are built from.
fn package(service: Service) -> &'static str {
    match service {
        Service::Token => "token",
        Service::Multisig => "multisig",
        Service::Distribution => "distribution",
        Service::Dao => "dao",
        Service::Launchpad => "launchpad",
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
        let admin = platform.admin;
        for (service, factory) in platform.factories() {
            // Before the first template, a second admin counts as one at once.
            platform.call::<(), FactoryError>(factory, admin, "grantAdmin", (Platform::second_admin(),))?;
            let template = platform.publish_first(service, factory, &artifacts::wasm(package(service))?)?;
            if service == Service::Token {
                platform.template = template;
            }
        }
        platform.open_shop(&options)?;
        for (service, factory) in platform.factories() {
            platform.await_capacity_of(factory, u64::from(options.pool_of(service)))?;
        }
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
        let (wallets, distributions) =
            if options.every_service { (Some(create()), Some(create())) } else { (None, None) };
        Platform {
            net,
            audit,
            backend,
            invoices,
            factory,
            wallets,
            distributions,
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
        let factory = |service| FactoryInit {
            audit: self.audit,
            pool_target: options.pool_of(service),
            contract_cycles: 2_000_000_000_000,
            reserve_cycles: 10_000_000_000_000,
            publish_delay_seconds: Some(PUBLISH_DELAY),
        };
        let ledger = fee_token(self.admin, options.ledger_fee);
        for (package, id) in self.canisters() {
            let argument = match package {
                "audit_storage" => candid::encode_one(AuditInit { money_writer: self.backend }),
                "backend" => candid::encode_one(BackendInit { audit: self.audit }),
                "invoice_storage" => candid::encode_one(InvoiceInit { audit: self.audit }),
                "token" => candid::encode_one(&ledger),
                name => candid::encode_one(factory(Service::from_name(name).context("what it makes")?)),
            }?;
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
        for (_, factory) in self.factories() {
            self.call::<(), FactoryError>(factory, admin, "setupWhitelist", (backend,))?;
        }
        self.call::<(), InvoiceError>(self.invoices, admin, "setupWhitelist", (backend,))?;
        let (wallets, distributions) = (self.wallets.unwrap_or(absent), self.distributions.unwrap_or(absent));
        let services = (self.audit, self.invoices, self.factory, distributions, wallets, absent, absent);
        self.call::<(), BackendError>(backend, admin, "setupMicroservices", services)
    }

    fn open_shop(&mut self, options: &Options) -> Result<()> {
        self.configure("payment.ledger", &self.ledger.to_text())?;
        self.configure("payment.treasury", &self.treasury.owner.to_text())?;
        for (service, _) in self.factories() {
            self.configure(&format!("{}.fee", service.name()), &options.price.to_string())?;
            self.configure(&format!("{}.enabled", service.name()), "true")?;
        }
        Ok(())
    }

    /// Sets a value of the backend's configuration, as the admin.
    ///
    /// # Errors
    /// The backend refused.
    pub fn configure(&mut self, key: &str, value: &str) -> Result<()> {
        let arguments = (key.to_owned(), value.to_owned());
        self.call::<(), BackendError>(self.backend, self.admin, "adminSetConfigValue", arguments)
    }

    /// Waits until the factory of tokens could deliver `contracts` at once.
    ///
    /// # Errors
    /// It never can.
    pub fn await_capacity(&mut self, contracts: u64) -> Result<()> {
        self.await_capacity_of(self.factory, contracts)
    }

    fn await_capacity_of(&mut self, factory: Principal, contracts: u64) -> Result<()> {
        for _ in 0..PATIENCE {
            let capacity = self.ask::<Capacity, FactoryError>(factory, "getCapacity", ());
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
