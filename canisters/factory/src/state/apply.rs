//! The one place where decision state changes.

use super::{Job, Phase, State, Totals};
use crate::state::Canister;
use cairn_events::payload::{DeliveryCommitted, InstallIntended, Reason};
use cairn_events::{DeploymentId, Payload, Principal, Receipt};
use cairn_kit::journal::Recorded;
use cairn_kit::stable::{Cbor, DeploymentKey, PrincipalKey};

impl State {
    /// Folds one of the factory's own events: total, without clock or caller.
    pub fn apply(&mut self, recorded: &Recorded) {
        let receipt = &recorded.receipt;
        self.count(|totals| totals.events += 1);
        self.apply_upgrade(recorded);
        match &recorded.payload {
            Payload::CreationIntended(_) => self.count_pool(receipt, |totals| totals.creating = true),
            Payload::ContractCreated(created) => self.contract_created(receipt, created.contract),
            Payload::CreationUnresolved(_) => {
                self.count_pool(receipt, |totals| {
                    totals.creating = false;
                    totals.unresolved += 1;
                });
                self.created.set(&None);
            }
            Payload::InstallIntended(intended) => self.install_intended(recorded, intended),
            Payload::ContractInstalled(installed) => self.advance(receipt, installed.contract, |_| ()),
            Payload::DeliveryCommitted(committed) => self.delivery_committed(receipt, committed),
            Payload::InstallFailed(failed) => {
                self.advance(receipt, failed.contract, |_| ());
                self.move_job(failed.deployment, Phase::Failed { reason: failed.reason.clone() });
            }
            Payload::ContractRegistered(registered) => {
                self.contract_registered(receipt, registered.contract, registered.deployment);
            }
            Payload::ContractReclaimed(reclaimed) => {
                self.contract_reclaimed(receipt, reclaimed.contract, reclaimed.deployment, &reclaimed.reason);
            }
            Payload::CallbackAccepted(accepted) => self.callback_accepted(receipt, accepted),
            Payload::TemplateProposed(_)
            | Payload::TemplateConfirmed(_)
            | Payload::TemplatePublished(_)
            | Payload::TemplateWithdrawn(_)
            | Payload::FactoryAdminGranted(_)
            | Payload::FactoryAdminRevoked(_) => self.template_event(recorded),
            Payload::CallbackQuarantined(quarantined) => self.callback_quarantined(receipt, quarantined),
            Payload::ContractObserved(observed) => self.contract_observed(receipt, observed),
            Payload::RoleAnswered(answered) => self.role_answered(receipt, recorded.actor, answered),
            _ => {}
        }
    }

    fn count(&mut self, change: impl FnOnce(&mut Totals)) {
        let mut totals = self.totals.get();
        change(&mut totals);
        self.totals.set(&totals);
    }

    fn count_pool(&mut self, receipt: &Receipt, change: impl FnOnce(&mut Totals)) {
        self.count(|totals| {
            totals.pool_version = receipt.stream_version;
            change(totals);
        });
    }

    /// Changes a canister's row with an event of its stream.
    pub(super) fn advance(&mut self, receipt: &Receipt, contract: Principal, change: impl FnOnce(&mut Canister)) {
        let mut canister = self.canister(contract).unwrap_or_default();
        canister.version = receipt.stream_version;
        change(&mut canister);
        self.canisters.insert(PrincipalKey(contract), Cbor(canister));
    }

    fn move_job(&mut self, deployment: DeploymentId, phase: Phase) {
        if phase.is_settled() {
            self.open.remove(&DeploymentKey(deployment));
            if let Some(mut request) = self.request(deployment) {
                request.args.clear();
                self.requests.insert(DeploymentKey(deployment), Cbor(request));
            }
        }
        if let Some(mut job) = self.job(deployment) {
            job.phase = phase;
            self.jobs.insert(DeploymentKey(deployment), Cbor(job));
        }
    }

    fn contract_created(&mut self, receipt: &Receipt, contract: Principal) {
        self.count_pool(receipt, |totals| {
            totals.creating = false;
            totals.created += 1;
        });
        self.created.set(&None);
        self.canisters.insert(PrincipalKey(contract), Cbor(Canister::default()));
        self.pool.insert(PrincipalKey(contract), ());
    }

    fn install_intended(&mut self, recorded: &Recorded, intended: &InstallIntended) {
        let mut epoch = 0;
        self.advance(&recorded.receipt, intended.contract, |canister| {
            canister.epoch += 1;
            canister.deployment = Some(intended.deployment);
            canister.accepted = 0;
            epoch = canister.epoch;
        });
        self.pool.remove(&PrincipalKey(intended.contract));
        let job = Job {
            owner: recorded.actor,
            contract: intended.contract,
            template: intended.template,
            args_hash: intended.args_hash,
            epoch,
            phase: Phase::Intended,
        };
        self.jobs.insert(DeploymentKey(intended.deployment), Cbor(job));
        self.open.insert(DeploymentKey(intended.deployment), ());
    }

    fn delivery_committed(&mut self, receipt: &Receipt, committed: &DeliveryCommitted) {
        let (module_hash, index) = (committed.module_hash, receipt.index);
        self.move_job(committed.deployment, Phase::Committed { module_hash, index });
        if let Some(mut canister) = self.canister(committed.contract) {
            canister.delivered = true;
            self.canisters.insert(PrincipalKey(committed.contract), Cbor(canister));
        }
    }

    fn contract_registered(&mut self, receipt: &Receipt, contract: Principal, deployment: DeploymentId) {
        self.advance(receipt, contract, |_| ());
        self.count(|totals| totals.delivered += 1);
        if let Some(Phase::Committed { module_hash, index }) = self.job(deployment).map(|job| job.phase) {
            self.move_job(deployment, Phase::Registered { module_hash, index });
        }
    }

    fn contract_reclaimed(
        &mut self,
        receipt: &Receipt,
        contract: Principal,
        deployment: DeploymentId,
        reason: &Reason,
    ) {
        self.advance(receipt, contract, |canister| canister.deployment = None);
        self.callbacks_forgotten(contract);
        self.count(|totals| totals.reclaimed += 1);
        self.pool.insert(PrincipalKey(contract), ());
        self.move_job(deployment, Phase::Reclaimed { reason: reason.clone() });
    }

    fn template_event(&mut self, recorded: &Recorded) {
        self.templates.apply(recorded);
        let newest = self.templates.newest();
        self.count(|totals| totals.template = newest);
    }
}
