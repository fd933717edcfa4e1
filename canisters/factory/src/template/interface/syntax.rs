//! The text form of Candid: definitions and one service.
//!
//! Source: the Candid specification, "Core Grammar". Not read: imports, and escapes in quoted names, which interfaces of
//! canisters have no use for.

mod lexer;

use super::Interface;
use lexer::{Lexer, Token};
use std::collections::{BTreeMap, BTreeSet};

/// Deepest nesting of types.
const MAX_DEPTH: usize = 64;

/// The number of a type in its interface.
pub type Id = u32;

/// A type, made of others.
#[derive(Clone, Debug)]
pub enum Node {
    /// What a name stands for, once that is known.
    Name(Option<Id>),
    Primitive(Primitive),
    /// Of whatever type: anything is a subtype of it.
    Opt,
    Vec(Id),
    /// By the hash of their labels.
    Record(BTreeMap<u32, Id>),
    Variant(BTreeMap<u32, Id>),
    Func(Func),
    Service(BTreeMap<String, Id>),
}

/// A function.
#[derive(Clone, Debug)]
pub struct Func {
    pub args: Vec<Id>,
    pub results: Vec<Id>,
    pub mode: Mode,
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Update,
    Oneway,
    Query,
    CompositeQuery,
}

macro_rules! primitives {
    ($($name:literal $primitive:ident)*) => {
        /// A type that is made of no other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Primitive { $($primitive,)* }

        impl Primitive {
            fn of(name: &str) -> Option<Primitive> {
                match name { $($name => Some(Primitive::$primitive),)* _ => None }
            }
        }
    };
}

primitives! {
    "null" Null "bool" Bool "nat" Nat "int" Int "nat8" Nat8 "nat16" Nat16 "nat32" Nat32 "nat64" Nat64
    "int8" Int8 "int16" Int16 "int32" Int32 "int64" Int64 "float32" Float32 "float64" Float64 "text" Text
    "reserved" Reserved "empty" Empty "principal" Principal
}

/// Words that name no field, method or type unless they are quoted.
const KEYWORDS: [&str; 16] = [
    "null",
    "vec",
    "record",
    "variant",
    "func",
    "service",
    "oneway",
    "query",
    "composite_query",
    "blob",
    "type",
    "import",
    "opt",
    "principal",
    "true",
    "false",
];

/// What is wrong.
type Problem = &'static str;

/// Reads the text of an interface.
pub(super) fn parse(text: &str) -> Result<Interface, String> {
    let mut parser = Parser { lexer: Lexer::new(text), token: Token::End, nodes: Vec::new(), names: BTreeMap::new() };
    let read = parser.advance().and_then(|()| parser.program());
    let service = read.map_err(|problem| format!("line {}: {problem}", parser.lexer.line()))?;
    let Parser { mut nodes, names, .. } = parser;
    let undefined = |name| format!("type {name} is defined nowhere, or by itself");
    for (name, id) in names {
        let meaning = meaning(&nodes, id).ok_or_else(|| undefined(name))?;
        // A name for a name stands for what that one stands for: what is read is looked up in one step.
        if let Some(node @ Node::Name(_)) = nodes.get_mut(id as usize) {
            *node = Node::Name(Some(meaning));
        }
    }
    let mut interface = Interface { nodes, methods: BTreeMap::new() };
    match interface.node(service) {
        Some(Node::Service(methods)) => interface.methods = methods.clone(),
        _ => return Err("the service is no service".to_owned()),
    }
    check_methods(&interface)?;
    Ok(interface)
}

/// What `id` stands for, by however many names.
fn meaning(nodes: &[Node], mut id: Id) -> Option<Id> {
    // A chain of names that is longer than all of them never ends.
    for _ in 0..=nodes.len() {
        match nodes.get(id as usize)? {
            Node::Name(meaning) => id = (*meaning)?,
            _ => return Some(id),
        }
    }
    None
}

/// Every method is a function.
fn check_methods(interface: &Interface) -> Result<(), String> {
    let services = interface.nodes.iter().filter_map(|node| match node {
        Node::Service(methods) => Some(methods),
        _ => None,
    });
    for (method, id) in services.flatten() {
        if !matches!(interface.node(*id), Some(Node::Func(_))) {
            return Err(format!("method {method} is no function"));
        }
    }
    Ok(())
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next one.
    token: Token<'a>,
    nodes: Vec<Node>,
    /// Types by name, defined or not.
    names: BTreeMap<&'a str, Id>,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<(), Problem> {
        self.token = self.lexer.token()?;
        Ok(())
    }

    /// Takes the next token, if it is this one.
    fn take(&mut self, token: Token<'_>) -> Result<bool, Problem> {
        let is_next = self.token == token;
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn expect(&mut self, token: Token<'_>, problem: Problem) -> Result<(), Problem> {
        if self.take(token)? { Ok(()) } else { Err(problem) }
    }

    fn add(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        // There are no more types than bytes of text.
        (self.nodes.len() - 1) as Id
    }

    /// The type of this name, to be defined somewhere.
    fn named(&mut self, name: &'a str) -> Id {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let id = self.add(Node::Name(None));
        self.names.insert(name, id);
        id
    }

    /// Definitions, then the service.
    fn program(&mut self) -> Result<Id, Problem> {
        while self.take(Token::Word("type"))? {
            self.definition()?;
            if !self.take(Token::Mark(';'))? {
                break;
            }
        }
        if self.token == Token::Word("import") {
            return Err("imports are not read: the interface must stand alone");
        }
        self.expect(Token::Word("service"), "expected a definition or the service")?;
        if matches!(self.token, Token::Word(_)) {
            self.name()?;
            self.advance()?;
        }
        self.expect(Token::Mark(':'), "expected :")?;
        if self.token == Token::Mark('(') {
            self.values(0)?;
            self.expect(Token::Arrow, "expected ->")?;
        }
        let service = if self.token == Token::Mark('{') {
            let methods = self.methods(0)?;
            self.add(Node::Service(methods))
        } else {
            let name = self.name()?;
            self.advance()?;
            self.named(name)
        };
        self.take(Token::Mark(';'))?;
        if self.token == Token::End { Ok(service) } else { Err("expected nothing after the service") }
    }

    fn definition(&mut self) -> Result<(), Problem> {
        let Token::Word(name) = self.token else { return Err("expected the name of a type") };
        if KEYWORDS.contains(&name) {
            return Err("a keyword cannot be defined");
        }
        self.advance()?;
        self.expect(Token::Mark('='), "expected =")?;
        let id = self.named(name);
        let meaning = self.value_type(0)?;
        match self.nodes.get_mut(id as usize) {
            Some(node @ Node::Name(None)) => {
                *node = Node::Name(Some(meaning));
                Ok(())
            }
            _ => Err("the type is defined twice"),
        }
    }

    fn value_type(&mut self, depth: usize) -> Result<Id, Problem> {
        if depth > MAX_DEPTH {
            return Err("types within types too deep");
        }
        let Token::Word(word) = self.token else { return Err("expected a type") };
        self.advance()?;
        let deeper = depth + 1;
        let node = match word {
            "opt" => {
                self.value_type(deeper)?;
                Node::Opt
            }
            "vec" => Node::Vec(self.value_type(deeper)?),
            "blob" => Node::Vec(self.add(Node::Primitive(Primitive::Nat8))),
            "record" => Node::Record(self.fields(deeper, true)?),
            "variant" => Node::Variant(self.fields(deeper, false)?),
            "func" => Node::Func(self.func(deeper)?),
            "service" => Node::Service(self.methods(deeper)?),
            name => match Primitive::of(name) {
                Some(primitive) => Node::Primitive(primitive),
                None if KEYWORDS.contains(&name) => return Err("expected a type"),
                None => return Ok(self.named(name)),
            },
        };
        Ok(self.add(node))
    }

    /// The fields of a record, or the cases of a variant.
    fn fields(&mut self, depth: usize, of_record: bool) -> Result<BTreeMap<u32, Id>, Problem> {
        self.expect(Token::Mark('{'), "expected {")?;
        let (mut fields, mut next) = (BTreeMap::new(), Some(0_u32));
        while !self.take(Token::Mark('}'))? {
            let label = match self.label(of_record)? {
                Some(label) => label,
                None => next.ok_or("too many fields")?,
            };
            next = label.checked_add(1);
            let is_plain = !of_record && !self.take(Token::Mark(':'))?;
            let id = if is_plain { self.add(Node::Primitive(Primitive::Null)) } else { self.value_type(depth)? };
            if fields.insert(label, id).is_some() {
                return Err("the same label twice");
            }
            if !self.take(Token::Mark(';'))? {
                self.expect(Token::Mark('}'), "expected ; or }")?;
                break;
            }
        }
        Ok(fields)
    }

    /// The label of a field, and for records the colon after it; `None` for a field of a record that has none.
    fn label(&mut self, of_record: bool) -> Result<Option<u32>, Problem> {
        let has_label = !of_record || self.lexer.clone().token()? == Token::Mark(':');
        if !has_label {
            return Ok(None);
        }
        let label = match self.token {
            Token::Number(number) => number,
            _ => candid::idl_hash(self.name()?),
        };
        self.advance()?;
        if of_record {
            self.expect(Token::Mark(':'), "expected :")?;
        }
        Ok(Some(label))
    }

    /// The next token as the name of a field, an argument or a method.
    fn name(&self) -> Result<&'a str, Problem> {
        match self.token {
            Token::Word(name) if !KEYWORDS.contains(&name) => Ok(name),
            Token::Quoted(name) => Ok(name),
            _ => Err("expected a name"),
        }
    }

    fn func(&mut self, depth: usize) -> Result<Func, Problem> {
        let args = self.values(depth)?;
        self.expect(Token::Arrow, "expected ->")?;
        let results = self.values(depth)?;
        let mode = match self.token {
            Token::Word("oneway") => Mode::Oneway,
            Token::Word("query") => Mode::Query,
            Token::Word("composite_query") => Mode::CompositeQuery,
            _ => return Ok(Func { args, results, mode: Mode::Update }),
        };
        self.advance()?;
        if mode == Mode::Oneway && !results.is_empty() {
            return Err("a oneway function has no results");
        }
        Ok(Func { args, results, mode })
    }

    /// Arguments or results.
    fn values(&mut self, depth: usize) -> Result<Vec<Id>, Problem> {
        self.expect(Token::Mark('('), "expected (")?;
        let (mut values, mut names) = (Vec::new(), BTreeSet::new());
        while !self.take(Token::Mark(')'))? {
            if self.lexer.clone().token()? == Token::Mark(':') {
                if !names.insert(self.name()?) {
                    return Err("the same name twice");
                }
                self.advance()?;
                self.advance()?;
            }
            values.push(self.value_type(depth)?);
            if !self.take(Token::Mark(','))? {
                self.expect(Token::Mark(')'), "expected , or )")?;
                break;
            }
        }
        Ok(values)
    }

    fn methods(&mut self, depth: usize) -> Result<BTreeMap<String, Id>, Problem> {
        self.expect(Token::Mark('{'), "expected {")?;
        let mut methods = BTreeMap::new();
        while !self.take(Token::Mark('}'))? {
            let name = self.name()?;
            self.advance()?;
            self.expect(Token::Mark(':'), "expected :")?;
            let id = if self.token == Token::Mark('(') {
                let func = self.func(depth)?;
                self.add(Node::Func(func))
            } else {
                let function = self.name()?;
                self.advance()?;
                self.named(function)
            };
            if methods.insert(name.to_owned(), id).is_some() {
                return Err("the same method twice");
            }
            if !self.take(Token::Mark(';'))? {
                self.expect(Token::Mark('}'), "expected ; or }")?;
                break;
            }
        }
        Ok(methods)
    }
}
