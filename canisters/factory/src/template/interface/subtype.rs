//! Whether one service type is a subtype of another: the rules of Candid.
//!
//! By these rules anything is a subtype of an option: what does not fit is read as absent. So nothing is ever tried and
//! given up: one type is a subtype of the other exactly if no pair of types that must be in this relation contradicts it.
//! The pairs are looked at once each, from a list, not by recursion.
//!
//! Source: the Candid specification, "Upgrading and Subtyping".

use super::Interface;
use super::syntax::{Id, Node, Primitive};
use std::collections::{BTreeMap, BTreeSet};

/// Most pairs of types and of fields that a comparison looks at.
const MAX_STEPS: usize = 100_000;

/// A type of one interface or the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Type {
    is_new: bool,
    id: Id,
}

struct Comparison<'a> {
    new: &'a Interface,
    old: &'a Interface,
    seen: BTreeSet<(Type, Type)>,
    open: Vec<(Type, Type)>,
    steps: usize,
}

/// Why one type is no subtype of another.
type Clash = &'static str;

pub(super) fn check(new: &Interface, old: &Interface) -> Result<(), String> {
    let mut comparison = Comparison { new, old, seen: BTreeSet::new(), open: Vec::new(), steps: 0 };
    for (method, expected) in &old.methods {
        let outcome = match new.methods.get(method) {
            Some(found) => comparison.settle(*found, *expected),
            None => Err("it is missing"),
        };
        outcome.map_err(|clash| format!("method {method}: {clash}"))?;
    }
    Ok(())
}

impl<'a> Comparison<'a> {
    fn settle(&mut self, found: Id, expected: Id) -> Result<(), Clash> {
        self.need(Type { is_new: true, id: found }, Type { is_new: false, id: expected });
        while let Some((sub, sup)) = self.open.pop() {
            self.step()?;
            self.pair(sub, sup)?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Clash> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err("too intricate to be compared") } else { Ok(()) }
    }

    fn need(&mut self, sub: Type, sup: Type) {
        if self.seen.insert((sub, sup)) {
            self.open.push((sub, sup));
        }
    }

    fn node(&self, of: Type) -> Result<&'a Node, Clash> {
        let interface = if of.is_new { self.new } else { self.old };
        interface.node(of.id).ok_or("an undefined type")
    }

    /// Whether a value of this type may be left out.
    fn is_optional(&self, of: Type) -> Result<bool, Clash> {
        Ok(matches!(self.node(of)?, Node::Opt | Node::Primitive(Primitive::Null | Primitive::Reserved)))
    }

    /// What must hold for `sub` to be a subtype of `sup`: seen at once, or a matter of further pairs.
    fn pair(&mut self, sub: Type, sup: Type) -> Result<(), Clash> {
        let sub_of = |id: &Id| Type { id: *id, ..sub };
        let sup_of = |id: &Id| Type { id: *id, ..sup };
        match (self.node(sub)?, self.node(sup)?) {
            (_, Node::Opt | Node::Primitive(Primitive::Reserved)) => Ok(()),
            (Node::Primitive(Primitive::Empty), _) => Ok(()),
            (Node::Primitive(Primitive::Nat), Node::Primitive(Primitive::Int)) => Ok(()),
            (Node::Primitive(one), Node::Primitive(other)) if one == other => Ok(()),
            (Node::Service(_), Node::Primitive(Primitive::Principal)) => Ok(()),
            (Node::Vec(one), Node::Vec(other)) => {
                self.need(sub_of(one), sup_of(other));
                Ok(())
            }
            (Node::Record(has), Node::Record(wants)) => self.fields(has, wants, sub, sup),
            (Node::Variant(gives), Node::Variant(knows)) => {
                for (label, case) in gives {
                    self.step()?;
                    let known = knows.get(label).ok_or("a variant that its clients do not know")?;
                    self.need(sub_of(case), sup_of(known));
                }
                Ok(())
            }
            (Node::Service(has), Node::Service(wants)) => {
                for (method, expected) in wants {
                    self.step()?;
                    let found = has.get(method).ok_or("a service without one of its methods")?;
                    self.need(sub_of(found), sup_of(expected));
                }
                Ok(())
            }
            (Node::Func(one), Node::Func(other)) if one.mode != other.mode => Err("another kind of call"),
            (Node::Func(one), Node::Func(other)) => {
                self.values(&other.args, &one.args, sup, sub)?;
                self.values(&one.results, &other.results, sub, sup)
            }
            _ => Err("another type"),
        }
    }

    fn fields(
        &mut self,
        has: &BTreeMap<u32, Id>,
        wants: &BTreeMap<u32, Id>,
        sub: Type,
        sup: Type,
    ) -> Result<(), Clash> {
        for (label, wanted) in wants {
            self.step()?;
            let wanted = Type { id: *wanted, ..sup };
            match has.get(label) {
                Some(field) => self.need(Type { id: *field, ..sub }, wanted),
                None if self.is_optional(wanted)? => {}
                None => return Err("a field that must be there is not"),
            }
        }
        Ok(())
    }

    /// Arguments or results: values that are too many are ignored, those that are missing must be optional.
    fn values(&mut self, has: &[Id], wants: &[Id], sub: Type, sup: Type) -> Result<(), Clash> {
        for (position, wanted) in wants.iter().enumerate() {
            self.step()?;
            let wanted = Type { id: *wanted, ..sup };
            match has.get(position) {
                Some(value) => self.need(Type { id: *value, ..sub }, wanted),
                None if self.is_optional(wanted)? => {}
                None => return Err("an argument or result that must be there is not"),
            }
        }
        Ok(())
    }
}
