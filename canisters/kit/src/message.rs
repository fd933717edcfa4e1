//! Candid messages of one type, made over and over: their table of types is put together once.

use candid::CandidType;
use candid::ser::ValueSerializer;
use std::cell::OnceCell;
use std::marker::PhantomData;

/// How messages of one `T` are made. The first one costs what every one would cost without this.
pub struct Message<T> {
    /// What stands before the values; it does not depend on them.
    types: OnceCell<Vec<u8>>,
    of: PhantomData<fn(&T)>,
}

impl<T: CandidType> Message<T> {
    /// Before the first message.
    pub const fn new() -> Self {
        Message { types: OnceCell::new(), of: PhantomData }
    }

    /// The message of `value`: the bytes of [`candid::encode_one`].
    ///
    /// # Errors
    /// That Candid cannot hold it.
    pub fn encode(&self, value: &T) -> Result<Vec<u8>, candid::Error> {
        let mut values = ValueSerializer::new();
        value.idl_serialize(&mut values)?;
        let values = values.get_result();
        if let Some(types) = self.types.get() {
            return Ok([types, values].concat());
        }
        let whole = candid::encode_one(value)?;
        if let Some(types) = whole.strip_suffix(values) {
            self.types.get_or_init(|| types.to_vec());
        }
        Ok(whole)
    }
}

impl<T: CandidType> Default for Message<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, CandidType)]
    enum Shape {
        Nothing,
        Some { number: u64, names: Vec<String>, within: Option<Box<Shape>> },
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let some = |(number, names)| Shape::Some { number, names, within: None };
        let flat = prop_oneof![Just(Shape::Nothing), any::<(u64, Vec<String>)>().prop_map(some)];
        flat.prop_recursive(3, 6, 1, |inner| {
            (any::<u64>(), inner).prop_map(|(number, within)| Shape::Some {
                number,
                names: Vec::new(),
                within: Some(Box::new(within)),
            })
        })
    }

    proptest! {
        /// The first message and the later ones, whatever they hold.
        #[test]
        fn a_message_is_what_candid_makes(shapes in prop::collection::vec(shape(), 1..5)) {
            let message = Message::new();
            for shape in &shapes {
                prop_assert_eq!(message.encode(shape).unwrap(), candid::encode_one(shape).unwrap());
            }
        }
    }
}
