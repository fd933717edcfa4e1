//! Arguments of every method of our canisters that takes any: decoded with the bounds that the method has, examined as
//! it examines them.

mod declared;
mod distribution;
mod factory;
mod log;
mod many;
mod platform;
mod token;
mod wallet;

use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use candid::ser::IDLBuilder;
use candid::utils::{ArgumentDecoder, ArgumentEncoder, decode_args, decode_args_with_config};
use candid::{DecoderConfig, encode_args};
use std::fmt::Debug;

/// Bytes that a call can bring at all.
const MAX_CALL: usize = 2 * 1024 * 1024;

/// What decoding may cost.
#[derive(Clone, Copy)]
struct Bounds {
    bytes: usize,
    decoding: Option<usize>,
    skipping: usize,
}

impl Bounds {
    /// Those of methods that decode their arguments themselves: at most so many bytes, at so much work per byte.
    const fn own(bytes: usize, per_byte: usize) -> Bounds {
        let quota = bytes * per_byte;
        Bounds { bytes, decoding: Some(quota), skipping: quota }
    }

    /// Those of all other methods, by the canister development kit.
    const PLAIN: Bounds = Bounds { bytes: MAX_CALL, decoding: None, skipping: 10_000 };

    fn decode<A: for<'a> ArgumentDecoder<'a>>(self, bytes: &[u8]) -> Option<A> {
        let mut config = DecoderConfig::new();
        config.set_skipping_quota(self.skipping).set_full_error_message(false);
        if let Some(quota) = self.decoding {
            config.set_decoding_quota(quota);
        }
        if bytes.len() > self.bytes { None } else { decode_args_with_config(bytes, &config).ok() }
    }
}

/// What becomes of arguments.
type Check = dyn Fn(&[u8]) -> Result<Verdict, String> + Send + Sync;

/// The arguments of methods: examples, and what a canister makes of others.
struct Method {
    /// Which methods take them: `canister.method`. What a canister is installed with is its `init`.
    of: &'static [&'static str],
    examples: [Vec<u8>; 2],
    check: Box<Check>,
}

impl Method {
    fn of(self, of: &'static [&'static str]) -> Method {
        Method { of, ..self }
    }
}

/// A method that takes `A`; `examine` says, as canisters do before anything is changed, whether it is in order.
fn method<A>(bounds: Bounds, example: A, examine: fn(&A) -> bool) -> anyhow::Result<Method>
where
    A: ArgumentEncoder + for<'a> ArgumentDecoder<'a> + Clone + PartialEq + 'static,
{
    compared(bounds, example, examine, |one, other| one == other)
}

/// As [`method`], of arguments that can be compared only by what they show.
fn shown<A>(bounds: Bounds, example: A, examine: fn(&A) -> bool) -> anyhow::Result<Method>
where
    A: ArgumentEncoder + for<'a> ArgumentDecoder<'a> + Clone + Debug + 'static,
{
    compared(bounds, example, examine, |one, other| format!("{one:?}") == format!("{other:?}"))
}

fn compared<A>(
    bounds: Bounds,
    example: A,
    examine: fn(&A) -> bool,
    are_same: fn(&A, &A) -> bool,
) -> anyhow::Result<Method>
where
    A: ArgumentEncoder + for<'a> ArgumentDecoder<'a> + Clone + 'static,
{
    let check = move |bytes: &[u8]| {
        let Some(arguments) = bounds.decode::<A>(bytes) else { return Ok(Verdict::Refused) };
        let written = encode_args(arguments.clone()).map_err(|error| format!("cannot be written: {error}"))?;
        let again: Option<A> = decode_args(&written).ok();
        let is_same = again.is_some_and(|again| are_same(&again, &arguments));
        ensure(is_same, || "what is written is read otherwise".to_owned())?;
        Ok(if examine(&arguments) { Verdict::Accepted } else { Verdict::Refused })
    };
    let examples = [encode_args(example.clone())?, with_bomb(example)?];
    anyhow::ensure!(check(&examples[0]) == Ok(Verdict::Accepted), "an example is not in order");
    anyhow::ensure!(check(&examples[1]) == Ok(Verdict::Refused), "nothing bounds the work of decoding");
    Ok(Method { of: &[], examples, check: Box::new(check) })
}

/// An example with one more argument, which is passed over: a list of nulls, short here and very long there.
pub(super) fn with_bomb(example: impl ArgumentEncoder) -> anyhow::Result<Vec<u8>> {
    let mut builder = IDLBuilder::new();
    example.encode(&mut builder)?;
    let mut bytes = builder.arg(&[(); 0].as_slice())?.serialize_to_vec()?;
    // The length stands at the end.
    bytes.pop();
    bytes.extend([0x80, 0x80, 0x80, 0x20]);
    Ok(bytes)
}

/// A method whose arguments are looked at only once the state is known.
fn plain<A>(bounds: Bounds, example: A) -> anyhow::Result<Method>
where
    A: ArgumentEncoder + for<'a> ArgumentDecoder<'a> + Clone + PartialEq + 'static,
{
    method(bounds, example, |_| true)
}

/// A byte that says which method, and arguments.
pub struct Calls {
    methods: Vec<Method>,
    corpus: Vec<Vec<u8>>,
}

impl Calls {
    pub fn new() -> anyhow::Result<Calls> {
        let contracts = [wallet::methods()?, distribution::methods()?, token::methods()?];
        let others = [log::methods()?, platform::methods()?, factory::methods()?, many::methods()?];
        let methods: Vec<Method> = contracts.into_iter().chain(others).flatten().collect();
        declared::check(&methods)?;
        let examples =
            |(number, method): (u8, &Method)| method.examples.clone().map(|example| [vec![number], example].concat());
        let corpus = (0..).zip(&methods).flat_map(examples).collect();
        Ok(Calls { methods, corpus })
    }
}

impl Target for Calls {
    fn name(&self) -> &'static str {
        "call"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn memory(&self, length: usize) -> u64 {
        // A few bytes may say that a list is long: the quota bounds it.
        16 * 1024 * 1024 + 256 * length as u64
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Some((number, bytes)) = input.split_first() else { return Ok(Verdict::Refused) };
        let method = &self.methods[usize::from(*number) % self.methods.len()];
        (method.check)(bytes)
    }
}
