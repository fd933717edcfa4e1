//! Events are decoded and hashed on all cores, a chunk each, and handed on in their order.

use crate::FormatError;
use cairn_events::codec;
use cairn_events::verify::Rehashed;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::num::NonZero;
use std::thread;

/// Events of a chunk: milliseconds of work, so that neither threads nor memory are wasted.
const CHUNK: usize = 2_048;

type Read = Result<Rehashed, FormatError>;

/// Decodes and hashes each of the encoded `events`, and gives it to `take`, in order, until that fails.
///
/// # Errors
/// The first error of `take`.
pub fn each<E>(events: &[Cow<'_, [u8]>], mut take: impl FnMut(Read) -> Result<(), E>) -> Result<(), E> {
    // Where there are no threads, such as in a browser, there is one core.
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut chunks = (0..).step_by(CHUNK).zip(events.chunks(CHUNK));
    if cores == 1 || events.len() <= CHUNK {
        return chunks.try_for_each(|(begin, chunk)| read(begin, chunk).try_for_each(&mut take));
    }
    thread::scope(|scope| {
        let mut begin = |(begin, chunk)| scope.spawn(move || read(begin, chunk).collect::<Vec<Read>>());
        let mut under_way: VecDeque<_> = chunks.by_ref().take(cores).map(&mut begin).collect();
        while let Some(chunk) = under_way.pop_front() {
            let chunk = chunk.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            under_way.extend(chunks.next().map(&mut begin));
            chunk.into_iter().try_for_each(&mut take)?;
        }
        Ok(())
    })
}

/// The events of a chunk that begins with event `begin`.
fn read(begin: u64, chunk: &[Cow<'_, [u8]>]) -> impl Iterator<Item = Read> {
    (begin..).zip(chunk).map(|(index, section)| {
        codec::decode_event(section).map(Rehashed::of).map_err(|error| FormatError::Event { index, error })
    })
}
