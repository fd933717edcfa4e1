//! Calls from users ("Request: Call").

use super::{Message, Net, Request};
use crate::call_context::Origin;
use crate::canister::{Canister, Invocation};
use crate::entry::Entry;
use crate::execution::Response;
use crate::reject::{Reject, RejectCode};
use crate::sandbox::{Failure, Function};
use crate::subnet::Subnet;
use candid::utils::ArgumentEncoder;
use candid::{CandidType, Principal};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A submitted call, to ask for its response with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, Deserialize)]
pub struct MessageId(pub(super) u64);

impl MessageId {
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Net {
    /// The calls whose responses are kept, or awaited.
    pub(crate) fn ingress_statuses(&self) -> impl Iterator<Item = (MessageId, Option<&Response>)> {
        self.ingress.iter().map(|(id, response)| (*id, response.as_ref()))
    }

    /// Calls a method as an update and waits for the response. The argument is a tuple, the result
    /// the single value of the reply (`()` if there is none).
    pub fn update<R: CandidType + DeserializeOwned>(
        &mut self,
        canister: Principal,
        caller: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> Result<R, Reject> {
        let arg = encode(args)?;
        decode(&self.update_raw(canister, caller, method, arg)?)
    }

    /// As [`Net::update`], with bytes.
    pub fn update_raw(
        &mut self,
        canister: Principal,
        caller: Principal,
        method: &str,
        arg: Vec<u8>,
    ) -> Result<Vec<u8>, Reject> {
        let id = self.submit_raw(canister, caller, method, arg);
        for _ in 0..self.subnet.config.max_rounds {
            if let Some(Some(_)) = self.ingress.get(&id) {
                break;
            }
            self.tick();
        }
        match self.ingress.get(&id) {
            Some(Some(_)) => {
                self.certifier.request_status = None;
                self.ingress.remove(&id).flatten().unwrap_or_else(|| Err(waiting()))
            }
            _ => Err(waiting()),
        }
    }

    /// Submits a call and returns at once: it is executed by the rounds that follow, together with
    /// others.
    pub fn submit(
        &mut self,
        canister: Principal,
        caller: Principal,
        method: &str,
        args: impl ArgumentEncoder,
    ) -> MessageId {
        match encode(args) {
            Ok(arg) => self.submit_raw(canister, caller, method, arg),
            Err(reject) => {
                let id = self.new_message();
                self.set_status(id, Some(Err(reject)));
                id
            }
        }
    }

    /// As [`Net::submit`], with bytes.
    pub fn submit_raw(&mut self, canister: Principal, caller: Principal, method: &str, arg: Vec<u8>) -> MessageId {
        let id = self.new_message();
        let arg: Arc<[u8]> = arg.into();
        match self.accept_ingress(canister, caller, method, &arg) {
            Ok(()) => {
                self.set_status(id, None);
                self.schedule.send(Message::Request(Request {
                    origin: Origin::Ingress(id),
                    caller,
                    callee: canister,
                    method: method.to_owned(),
                    arg,
                    cycles: 0,
                    deadline: 0,
                }));
            }
            Err(reject) => {
                self.set_status(id, Some(Err(reject)));
            }
        }
        id
    }

    /// The response to a submitted call, once there is one.
    pub fn poll<R: CandidType + DeserializeOwned>(&self, id: &MessageId) -> Option<Result<R, Reject>> {
        let response = self.poll_raw(id)?;
        Some(response.and_then(|bytes| decode(&bytes)))
    }

    /// As [`Net::poll`], with bytes.
    pub fn poll_raw(&self, id: &MessageId) -> Option<Result<Vec<u8>, Reject>> {
        self.ingress.get(id).cloned().flatten()
    }

    pub(super) fn set_status(&mut self, id: MessageId, response: Option<Response>) {
        self.certifier.request_status = None;
        self.ingress.insert(id, response);
    }

    fn new_message(&mut self) -> MessageId {
        self.issued += 1;
        MessageId(self.issued)
    }

    /// What is checked before a call is queued at all, `canister_inspect_message` included.
    fn accept_ingress(
        &mut self,
        canister: Principal,
        caller: Principal,
        method: &str,
        arg: &Arc<[u8]>,
    ) -> Result<(), Reject> {
        let limit = self.subnet.config.limits.ingress_bytes;
        if arg.len() > limit {
            return Err(Reject::too_large("an ingress message", arg.len(), limit));
        }
        let costs = &self.subnet.config.costs;
        let price = costs.ingress(arg.len() + method.len());
        if canister == Principal::management_canister() {
            self.accept_management_call(caller, method, arg)?;
            return self.charge_management_call(method, arg, price);
        }
        let target = self.canisters.get_mut(&canister).ok_or_else(|| Reject::canister_not_found(canister))?;
        target.accepts_requests()?;
        inspect(target, &self.subnet, caller, method, arg)?;
        target.pay(costs, price)
    }
}

/// Asks the canister whether it takes the message ("canister_inspect_message").
fn inspect(
    canister: &mut Canister,
    subnet: &Subnet,
    caller: Principal,
    method: &str,
    arg: &Arc<[u8]>,
) -> Result<(), Reject> {
    const INSPECT: &str = "canister_inspect_message";
    if !canister.exports(INSPECT) {
        return Ok(());
    }
    let limit = subnet.config.limits.inspect_instructions;
    let function = Function::Export(INSPECT);
    let invocation =
        Invocation { arg: Arc::clone(arg), method, ..Invocation::new(Entry::INSPECT, function, caller, limit) };
    let executed = canister.execute(subnet, invocation);
    match executed.result {
        Err(Failure::Trap(reject)) => Err(reject),
        Ok(()) if executed.effects.accepted_message => Ok(()),
        _ => Err(Reject::refused_ingress(canister.id)),
    }
}

fn waiting() -> Reject {
    Reject::new(
        RejectCode::SysUnknown,
        "no response within the configured number of rounds; the call is still in progress",
    )
}

pub(super) fn encode(args: impl ArgumentEncoder) -> Result<Vec<u8>, Reject> {
    candid::encode_args(args)
        .map_err(|error| Reject::new(RejectCode::SysFatal, format!("the arguments cannot be encoded: {error}")))
}

pub(super) fn decode<R: CandidType + DeserializeOwned>(reply: &[u8]) -> Result<R, Reject> {
    candid::decode_one(reply)
        .map_err(|error| Reject::new(RejectCode::SysFatal, format!("the reply is not of the expected type: {error}")))
}
