//! Calls from users ("Request: Call").

use super::{Message, MessageId, Net, Request, RequestStatus};
use crate::call_context::Origin;
use crate::canister::{Canister, Invocation};
use crate::entry::Entry;
use crate::execution::Response;
use crate::reject::{Reject, RejectCode};
use crate::sandbox::{Failure, Function};
use crate::subnet::Subnet;
use candid::utils::ArgumentEncoder;
use candid::{CandidType, Principal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A call as it comes through the public interface, its sender authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingress {
    /// By which the sender will ask for the response.
    pub request_id: [u8; 32],
    /// On whose behalf.
    pub sender: Principal,
    /// The canister called.
    pub canister_id: Principal,
    /// Where the call was sent to ("Effective canister id").
    pub effective_canister_id: Principal,
    /// The method.
    pub method: String,
    /// The argument.
    pub arg: Vec<u8>,
    /// After this time it is not executed any more, nanoseconds since 1970.
    pub expiry: u64,
}

impl Net {
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
            if let Some(response) = self.requests.take_response(&id) {
                return response;
            }
            self.tick();
        }
        self.requests.take_response(&id).unwrap_or_else(|| Err(waiting()))
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
                self.finish_ingress(id, Err(reject));
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
                self.schedule.send(Message::Request(ingress_request(id, caller, canister, method.to_owned(), arg)))
            }
            Err(reject) => self.finish_ingress(id, Err(reject)),
        }
        id
    }

    /// Submits a call from the public interface: it is executed by the rounds that follow. A call
    /// that is known already is not executed again ("Overview of canister calling").
    ///
    /// # Errors
    /// The rejection, not certified, of a call that is not accepted at all.
    pub fn submit_ingress(&mut self, ingress: Ingress) -> Result<MessageId, Reject> {
        let id = MessageId::new(ingress.request_id);
        if self.requests.status(&id).is_some() {
            return Ok(id);
        }
        let (sender, canister) = (ingress.sender, ingress.canister_id);
        let arg: Arc<[u8]> = ingress.arg.as_slice().into();
        self.accept_ingress(canister, sender, &ingress.method, &arg)?;
        let request = ingress_request(id, sender, canister, ingress.method.clone(), arg);
        self.requests.insert(id, Some(Ingress { arg: Vec::new(), ..ingress }));
        self.schedule.send(Message::Request(request));
        Ok(id)
    }

    /// Whether the execution of a call may begin: it may not once the call has expired.
    pub(super) fn begin_ingress(&mut self, id: MessageId) -> bool {
        let now = self.subnet.time;
        if self.requests.ingress(&id).is_some_and(|ingress| ingress.expiry < now) {
            self.finish_ingress(id, Err(Reject::ingress_expired(id)));
            return false;
        }
        self.requests.begin(&id);
        true
    }

    /// What is known of a call from the public interface until it is forgotten; without its argument.
    pub fn ingress(&self, id: &MessageId) -> Option<&Ingress> {
        self.requests.ingress(id)
    }

    /// Whether there is a response to a call, or never will be one.
    pub fn is_finished(&self, id: &MessageId) -> bool {
        self.requests.status(id).is_none_or(RequestStatus::is_terminal)
    }

    /// The response to a submitted call, once there is one.
    pub fn poll<R: CandidType + DeserializeOwned>(&self, id: &MessageId) -> Option<Result<R, Reject>> {
        let response = self.poll_raw(id)?;
        Some(response.and_then(|bytes| decode(&bytes)))
    }

    /// As [`Net::poll`], with bytes.
    pub fn poll_raw(&self, id: &MessageId) -> Option<Result<Vec<u8>, Reject>> {
        match self.requests.status(id)? {
            RequestStatus::Replied(reply) => Some(Ok(reply.clone())),
            RequestStatus::Rejected(reject) => Some(Err(reject.clone())),
            RequestStatus::Received | RequestStatus::Processing | RequestStatus::Done => None,
        }
    }

    /// The response to a call submitted in process, once there is one; the call is forgotten with it.
    pub fn take_response(&mut self, id: &MessageId) -> Option<Result<Vec<u8>, Reject>> {
        self.requests.take_response(id)
    }

    pub(super) fn finish_ingress(&mut self, id: MessageId, response: Response) {
        self.requests.finish(id, response, self.subnet.time);
    }

    fn new_message(&mut self) -> MessageId {
        self.issued += 1;
        let id = MessageId::numbered(self.issued);
        self.requests.insert(id, None);
        id
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
        if self.is_native(canister) {
            return Ok(());
        }
        let target = self.canisters.get_mut(&canister).ok_or_else(|| Reject::canister_not_found(canister))?;
        target.accepts_requests()?;
        inspect(target, &self.subnet, caller, method, arg)?;
        target.pay(costs, price)
    }
}

fn ingress_request(id: MessageId, caller: Principal, callee: Principal, method: String, arg: Arc<[u8]>) -> Request {
    Request { origin: Origin::Ingress(id), caller, callee, method, arg, cycles: 0, deadline: 0 }
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
