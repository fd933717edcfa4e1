//! The canisters that host projections.

use super::Platform;
use anyhow::{Context, Result, bail};
use cairn_events::Principal;
use cairn_kit::api::backend::BackendError;
use cairn_kit::api::factory::FactoryError;
use cairn_kit::api::host::{ProjectionStatus, RebuildOutcome};
use cairn_kit::api::invoice::InvoiceError;
use cairn_projections::{Contracts, Deployments, Payments, Projection, Users};

/// Seconds that a rebuild may take.
const PATIENCE: u64 = 3_600;

impl Platform {
    /// Every projection, with a canister that hosts it.
    pub fn hosts(&self) -> [(&'static str, Principal); 4] {
        [
            (Users::NAME, self.backend),
            (Deployments::NAME, self.backend),
            (Payments::NAME, self.invoices),
            (Contracts::NAME, self.factory),
        ]
    }

    /// Every projection, with every canister that hosts it: each factory follows the contracts of all.
    pub fn every_host(&self) -> Vec<(&'static str, Principal)> {
        let others = self.factories().into_iter().filter(|(_, id)| *id != self.factory);
        self.hosts().into_iter().chain(others.map(|(_, id)| (Contracts::NAME, id))).collect()
    }

    /// Where the projection `name` stands.
    ///
    /// # Errors
    /// Its host does not answer, or hosts it not.
    pub fn projection(&mut self, name: &str) -> Result<ProjectionStatus> {
        let host = self.host(name)?;
        self.projection_at(name, host)
    }

    fn projection_at(&mut self, name: &str, host: Principal) -> Result<ProjectionStatus> {
        let all: Vec<ProjectionStatus> =
            self.net.query(host, Principal::anonymous(), "getProjectionStatus", ()).context("getProjectionStatus")?;
        all.into_iter().find(|status| status.name == name).with_context(|| format!("{host} does not host {name}"))
    }

    /// Has the projection `name` rebuilt from event 0, while it goes on serving, and waits for the outcome.
    ///
    /// # Errors
    /// It was refused, or does not end.
    pub fn rebuild(&mut self, name: &str) -> Result<RebuildOutcome> {
        let host = self.host(name)?;
        self.rebuild_at(name, host)
    }

    /// As [`Platform::rebuild`], on one of several hosts.
    ///
    /// # Errors
    /// It was refused, or does not end.
    pub fn rebuild_at(&mut self, name: &str, host: Principal) -> Result<RebuildOutcome> {
        let admin = self.admin;
        let before = self.projection_at(name, host)?.last_rebuild.map(|outcome| outcome.event);
        let (method, arguments) = ("rebuildProjection", (name.to_owned(),));
        if host == self.backend {
            self.call::<(), BackendError>(host, admin, method, arguments)?;
        } else if host == self.invoices {
            self.call::<(), InvoiceError>(host, admin, method, arguments)?;
        } else {
            self.call::<(), FactoryError>(host, admin, method, arguments)?;
        }
        for _ in 0..PATIENCE {
            self.pass(1);
            let status = self.projection_at(name, host)?;
            match status.last_rebuild {
                Some(outcome) if Some(outcome.event) != before && status.rebuild.is_none() => return Ok(outcome),
                _ => {}
            }
            if let Some(reason) = status.parked {
                bail!("projection {name} is parked: {reason}");
            }
        }
        bail!("projection {name} is not rebuilt after {PATIENCE} s")
    }

    fn host(&self, name: &str) -> Result<Principal> {
        let host = self.hosts().into_iter().find(|(hosted, _)| *hosted == name);
        host.map(|(_, host)| host).with_context(|| format!("there is no projection {name}"))
    }
}
