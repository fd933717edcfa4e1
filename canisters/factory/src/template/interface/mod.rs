//! Candid interfaces of templates: read from text, and compared.
//!
//! What is read here came with a call, so that the work is bounded from the first byte on: length of the text, depth of
//! types, steps of a comparison. The public parser of Candid (crate `candid_parser`) recurses as deep as a text wants, and
//! compares as many pairs of types as two texts have; it also brings a template engine and a parser of TOML along. Tests
//! compare its verdicts with ours.

mod subtype;
mod syntax;

use std::collections::BTreeMap;
use syntax::{Func, Id, Mode, Node};

/// Most bytes of an interface.
pub const MAX_INTERFACE: usize = 64_000;

/// A Candid service type, as read from text. The arguments that it is installed with are no part of it.
#[derive(Clone, Debug)]
pub struct Interface {
    nodes: Vec<Node>,
    methods: BTreeMap<String, Id>,
}

impl Interface {
    /// Reads the text of an interface: definitions, then one service. Imports are refused: it must stand alone.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn parse(text: &str) -> Result<Interface, String> {
        if text.len() > MAX_INTERFACE {
            return Err(format!("{} bytes, at most {MAX_INTERFACE}", text.len()));
        }
        syntax::parse(text)
    }

    /// Whether it has a method of this name.
    pub fn has(&self, method: &str) -> bool {
        self.methods.contains_key(method)
    }

    /// The names under which a module exports its methods.
    pub fn exports(&self) -> impl Iterator<Item = String> + '_ {
        self.methods.iter().filter_map(|(method, id)| {
            let kind = match self.node(*id)? {
                Node::Func(Func { mode: Mode::Update | Mode::Oneway, .. }) => "update",
                Node::Func(Func { mode: Mode::Query, .. }) => "query",
                Node::Func(Func { mode: Mode::CompositeQuery, .. }) => "composite_query",
                _ => return None,
            };
            Some(format!("canister_{kind} {method}"))
        })
    }

    /// Whether every client of `old` can use this: it is a subtype, by the rules of Candid.
    ///
    /// # Errors
    /// The first method that does not fit, and why; or that the two are too intricate to be compared.
    pub fn can_replace(&self, old: &Interface) -> Result<(), String> {
        subtype::check(self, old)
    }

    /// The type of this number, with no name around it.
    fn node(&self, id: Id) -> Option<&Node> {
        match self.nodes.get(id as usize)? {
            Node::Name(meaning) => self.nodes.get((*meaning)? as usize),
            node => Some(node),
        }
    }
}

#[cfg(test)]
mod tests;
