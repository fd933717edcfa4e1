//! Shared slices in saved states: written as what they hold.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

pub(crate) fn serialize<T: Serialize, S: Serializer>(items: &Arc<[T]>, serializer: S) -> Result<S::Ok, S::Error> {
    items.as_ref().serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<[T]>, D::Error> {
    Vec::deserialize(deserializer).map(Arc::from)
}

/// Chunks of bytes by their hash.
pub(crate) mod chunks {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use serde_bytes::{ByteBuf, Bytes};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    type Chunks = BTreeMap<[u8; 32], Arc<[u8]>>;

    pub(crate) fn serialize<S: Serializer>(chunks: &Chunks, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(chunks.iter().map(|(hash, chunk)| (hash, Bytes::new(chunk))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Chunks, D::Error> {
        let chunks = BTreeMap::<[u8; 32], ByteBuf>::deserialize(deserializer)?;
        Ok(chunks.into_iter().map(|(hash, chunk)| (hash, chunk.into_vec().into())).collect())
    }
}
