//! What stands in interfaces travels through Candid unchanged.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use cairn_events::payload::{Account, ContractStatus, Notification, Role, RoleAnswer, Subaccount};
use cairn_events::topic::{Service, TopicHead};
use cairn_events::{
    Amount, DeploymentId, Expected, Family, Hash, Opening, Principal, Receipt, Stream, Timestamp, Topic, Version,
};
use candid::{CandidType, Decode, Encode};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fn travels<T: CandidType + DeserializeOwned + PartialEq + Debug>(data: T) {
    let bytes = Encode!(&data).unwrap();
    assert_eq!(Decode!(&bytes, T).unwrap(), data);
}

#[test]
fn interface_types_travel_through_candid() {
    let (hash, id) = (Hash([7; 32]), Principal::from_slice(&[9; 29]));
    for amount in [0, 1, u128::from(u64::MAX), u128::MAX] {
        travels(Amount(amount));
        travels(vec![(Some(Amount(amount)), id)]);
    }
    travels(hash);
    travels(vec![Version::new(1, 20, 3), Version::new(0, 0, u32::MAX)]);
    travels(Timestamp(u64::MAX));
    travels(Account { owner: id, subaccount: None });
    travels(Account { owner: id, subaccount: Some(Subaccount([3; 32])) });
    travels(vec![Stream::Log, Stream::Pool(id), Stream::Deployment(DeploymentId(hash))]);
    travels(vec![
        Topic::Family(Family::Money),
        Topic::Party(id),
        Topic::Contract(id),
        Topic::Deployment(DeploymentId(hash)),
        Topic::Service(Service::Token),
    ]);
    travels(TopicHead { count: 1, index: 2, hash });
    travels(Receipt { index: 1, hash, stream_version: 2, timestamp: Timestamp(3) });
    travels(vec![Expected::Any, Expected::Exact(3)]);
    travels(Opening { salt: [1; 32], content: vec![1, 2, 3] });
    travels(vec![Notification::DeploymentComplete, Notification::HolderAdded(id)]);
    travels((Role::ALL.to_vec(), ContractStatus::ALL.to_vec(), RoleAnswer::ALL.to_vec()));
}
