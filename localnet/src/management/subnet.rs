//! What the management canister tells of the subnet, and the keys it does not hold.

use super::{Call, Reply, reply};
use crate::net::Net;
use crate::reject::Reject;
use candid::Principal;
use ic_management_canister_types::{
    EcdsaKeyId, NodeMetricsHistoryArgs, NodeMetricsHistoryResult, SchnorrKeyId, SubnetInfoArgs, SubnetInfoResult,
    VetKDKeyId,
};
use serde::Deserialize;

#[derive(candid::CandidType, Deserialize)]
struct WithKey<K> {
    key_id: K,
}

impl Net {
    /// Metrics are sampled once a day per node; this network has no nodes that propose blocks.
    pub(super) fn node_metrics_history(&mut self, call: &mut Call<'_>) -> Reply {
        let args: NodeMetricsHistoryArgs = call.decode()?;
        self.own_subnet(args.subnet_id)?;
        reply(&NodeMetricsHistoryResult::new())
    }

    pub(super) fn subnet_info(&mut self, call: &mut Call<'_>) -> Reply {
        let args: SubnetInfoArgs = call.decode()?;
        self.own_subnet(args.subnet_id)?;
        let replica_version = concat!("localnet-", env!("CARGO_PKG_VERSION")).to_owned();
        reply(&SubnetInfoResult { replica_version, registry_version: 1 })
    }

    fn own_subnet(&self, id: Principal) -> Result<(), Reject> {
        if id == self.subnet.id {
            return Ok(());
        }
        Err(Reject::system(404, format_args!("Subnet {id} not found.")))
    }
}

/// No threshold keys are held: each is unknown.
impl Call<'_> {
    pub(super) fn unknown_ecdsa_key(&self, method: &str) -> Reply {
        let EcdsaKeyId { curve, name } = self.decode::<WithKey<EcdsaKeyId>>()?.key_id;
        Err(unknown_key(method, format_args!("ecdsa:{curve:?}:{name}")))
    }

    pub(super) fn unknown_schnorr_key(&self, method: &str) -> Reply {
        let SchnorrKeyId { algorithm, name } = self.decode::<WithKey<SchnorrKeyId>>()?.key_id;
        Err(unknown_key(method, format_args!("schnorr:{algorithm:?}:{name}")))
    }

    pub(super) fn unknown_vetkd_key(&self, method: &str) -> Reply {
        let VetKDKeyId { curve, name } = self.decode::<WithKey<VetKDKeyId>>()?.key_id;
        Err(unknown_key(method, format_args!("vetkd:{curve:?}:{name}")))
    }
}

fn unknown_key(method: &str, key: std::fmt::Arguments<'_>) -> Reject {
    Reject::system(
        406,
        format_args!(
            "Unable to route management canister request {method}: Requested unknown threshold key: {key}, existing keys: []"
        ),
    )
}
