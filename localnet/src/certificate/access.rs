//! Who may read which paths of the state tree ("Request: Read state").

use super::state::Path;
use crate::net::{MessageId, Net};
use candid::Principal;

/// Paths of one request.
const MAX_PATHS: usize = 1_000;
/// Labels of one path.
const MAX_LABELS: usize = 127;

/// Why a request to read the state is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// More than the number of paths allowed.
    #[error("a request may have at most {MAX_PATHS} paths, not {0}")]
    TooManyPaths(usize),
    /// A path with more labels than allowed.
    #[error("a path may have at most {MAX_LABELS} labels, not {0}")]
    PathTooLong(usize),
    /// A path that nobody may ask for at this endpoint.
    #[error("the path /{0} cannot be requested here")]
    NoSuchPath(String),
    /// Statuses of several calls in one request.
    #[error("all paths below request_status must name the same request")]
    SeveralRequests,
    /// A path for other eyes.
    #[error("{0}")]
    NotAllowed(String),
}

/// At which endpoint the state is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// For a canister: the effective canister id.
    Canister(Principal),
    /// For a subnet.
    Subnet(Principal),
}

impl Net {
    /// A certificate about paths that this sender may see at this endpoint ("Request: Read state").
    pub fn read_state_as(
        &mut self,
        sender: Principal,
        endpoint: Endpoint,
        paths: &[Vec<Vec<u8>>],
    ) -> Result<Vec<u8>, Forbidden> {
        self.check_paths(sender, endpoint, paths)?;
        Ok(self.certified_state().certificate(paths))
    }

    fn check_paths(&self, sender: Principal, endpoint: Endpoint, paths: &[Path]) -> Result<(), Forbidden> {
        if paths.len() > MAX_PATHS {
            return Err(Forbidden::TooManyPaths(paths.len()));
        }
        if let Some(path) = paths.iter().find(|path| path.len() > MAX_LABELS) {
            return Err(Forbidden::PathTooLong(path.len()));
        }
        let mut request: Option<&[u8]> = None;
        for path in paths {
            let labels: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
            if let [b"request_status", id, ..] = labels.as_slice()
                && request.replace(id).is_some_and(|other| other != *id)
            {
                return Err(Forbidden::SeveralRequests);
            }
            self.check_path(sender, endpoint, &labels)?;
        }
        Ok(())
    }

    fn check_path(&self, sender: Principal, endpoint: Endpoint, path: &[&[u8]]) -> Result<(), Forbidden> {
        match (endpoint, path) {
            (_, [b"time"] | [b"canister_ranges"] | [b"canister_ranges", _]) => Ok(()),
            (_, [b"api_boundary_nodes"] | [b"api_boundary_nodes", _]) => Ok(()),
            (_, [b"api_boundary_nodes", _, b"domain" | b"ipv4_address" | b"ipv6_address"]) => Ok(()),
            (_, [b"subnet"] | [b"subnet", _]) => Ok(()),
            (_, [b"subnet", _, b"public_key" | b"canister_ranges" | b"type" | b"node"]) => Ok(()),
            (_, [b"subnet", _, b"node", _] | [b"subnet", _, b"node", _, b"public_key"]) => Ok(()),
            (Endpoint::Subnet(id), [b"subnet", subnet, b"metrics"]) if id.as_slice() == *subnet => Ok(()),
            (_, [b"request_status", id] | [b"request_status", id, _]) => self.check_request(sender, endpoint, id),
            (Endpoint::Canister(id), [b"canister", canister, rest @ ..]) if id.as_slice() == *canister => match rest {
                [b"module_hash" | b"controllers"] => Ok(()),
                [b"metadata", name] => self.check_metadata(sender, id, name),
                _ => Err(no_such_path(path)),
            },
            _ => Err(no_such_path(path)),
        }
    }

    /// Only who made a call learns of it, where the call was made.
    fn check_request(&self, sender: Principal, endpoint: Endpoint, id: &[u8]) -> Result<(), Forbidden> {
        let id: [u8; 32] = id
            .try_into()
            .map_err(|_| Forbidden::NoSuchPath(format!("request_status with an id of {} bytes", id.len())))?;
        let Some(ingress) = self.requests.ingress(&MessageId::new(id)) else {
            return Ok(());
        };
        let here = match endpoint {
            Endpoint::Canister(effective) => ingress.effective_canister_id == effective,
            Endpoint::Subnet(_) => ingress.canister_id == Principal::management_canister(),
        };
        if ingress.sender != sender {
            Err(Forbidden::NotAllowed("the call was made by somebody else".to_owned()))
        } else if !here {
            Err(Forbidden::NotAllowed("the call was made with another effective canister id".to_owned()))
        } else {
            Ok(())
        }
    }

    fn check_metadata(&self, sender: Principal, id: Principal, name: &[u8]) -> Result<(), Forbidden> {
        let Ok(name) = std::str::from_utf8(name) else {
            return Err(Forbidden::NoSuchPath("metadata with a name that is not UTF-8".to_owned()));
        };
        let Some(canister) = self.canisters.get(&id) else {
            return Ok(());
        };
        let section = canister.code.as_ref().and_then(|code| code.compiled.info.metadata.get(name));
        if section.is_none_or(|section| section.public) || canister.controllers.contains(&sender) {
            Ok(())
        } else {
            Err(Forbidden::NotAllowed(format!("the metadata {name:?} is for the controllers of {id}")))
        }
    }
}

/// Labels as people write them, without those that are not text.
fn no_such_path(path: &[&[u8]]) -> Forbidden {
    let label = |label: &&[u8]| match std::str::from_utf8(label) {
        Ok(text) if text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_graphic()) => text.to_owned(),
        _ => "<bytes>".to_owned(),
    };
    Forbidden::NoSuchPath(path.iter().take(5).map(label).collect::<Vec<_>>().join("/"))
}
