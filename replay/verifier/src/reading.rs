//! Events are decoded and hashed on all cores, chunk by chunk, and handed on in their order.

use crate::FormatError;
use cairn_events::codec;
use cairn_events::verify::Rehashed;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::mpsc;
use std::thread;

/// Events of a chunk: milliseconds of work, so that neither threads nor memory are wasted.
const CHUNK: usize = 2_048;

/// An event that was read, or why it could not be.
pub type Read = Result<Rehashed, FormatError>;

/// Decodes and hashes the encoded `events`, and gives them to `take`, chunk by chunk and in order, until that fails.
///
/// Each core has a thread that reads every so many-th chunk, waits for `take`, gives it the chunk, and passes it on to the
/// thread of the next one. If `take` lets go of a chunk, memory is freed where it was set aside: no thread waits for another
/// one's.
///
/// # Errors
/// The first error of `take`.
pub fn chunks<E: Send>(events: &[Cow<'_, [u8]>], take: impl FnMut(Vec<Read>) -> Result<(), E> + Send) -> Result<(), E> {
    // Where there are no threads, such as in a browser, there is one core.
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    on_cores(cores.min(events.len().div_ceil(CHUNK)), events, take)
}

fn on_cores<E: Send>(
    cores: usize,
    events: &[Cow<'_, [u8]>],
    mut take: impl FnMut(Vec<Read>) -> Result<(), E> + Send,
) -> Result<(), E> {
    let mut chunks = (0..).step_by(CHUNK).zip(events.chunks(CHUNK));
    if cores <= 1 {
        return chunks.try_for_each(|(begin, chunk)| take(read(begin, chunk)));
    }
    thread::scope(|scope| {
        let (mut passes, turns): (VecDeque<_>, Vec<_>) = (0..cores).map(|_| mpsc::sync_channel(1)).unzip();
        if let Some(first) = passes.front() {
            let _ = first.send(&mut take);
        }
        passes.rotate_left(1);
        let mut threads = Vec::with_capacity(cores);
        for (number, (turn, pass)) in turns.into_iter().zip(passes).enumerate() {
            let chunks = chunks.clone().skip(number).step_by(cores);
            threads.push(scope.spawn(move || {
                for (begin, chunk) in chunks {
                    let chunk = read(begin, chunk);
                    // After an error it is nobody's turn.
                    let Ok(take) = turn.recv() else { return Ok(()) };
                    take(chunk)?;
                    // Nobody waits after the last chunk.
                    let _ = pass.send(take);
                }
                Ok(())
            }));
        }
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(taken) => taken,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// The events of a chunk that begins with event `begin`.
fn read(begin: u64, chunk: &[Cow<'_, [u8]>]) -> Vec<Read> {
    let read = |(index, section): (u64, &Cow<'_, [u8]>)| {
        codec::decode_event(section).map(Rehashed::of).map_err(|error| FormatError::Event { index, error })
    };
    (begin..).zip(chunk).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With events that none of them is: each is told by its index.
    fn taken(cores: usize, events: usize, until: usize) -> (Vec<u64>, Result<(), u64>) {
        let mut indexes = Vec::new();
        let taken = on_cores(cores, &vec![Cow::Borrowed(&[][..]); events], |chunk| {
            chunk.into_iter().try_for_each(|read| {
                let Err(FormatError::Event { index, .. }) = read else { return Err(u64::MAX) };
                indexes.push(index);
                if indexes.len() < until { Ok(()) } else { Err(index) }
            })
        });
        (indexes, taken)
    }

    #[test]
    fn events_are_taken_in_order_up_to_the_first_error() {
        for cores in [1, 2, 3, 16] {
            for events in [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7] {
                assert_eq!(taken(cores, events, usize::MAX), ((0..events as u64).collect(), Ok(())), "{events} events");
            }
            for last in [0, CHUNK - 1, CHUNK, 3 * CHUNK + 5, 5 * CHUNK + 6] {
                let until = (0..=last as u64).collect();
                assert_eq!(taken(cores, 5 * CHUNK + 7, last + 1), (until, Err(last as u64)), "until event {last}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "while it was taken")]
    fn a_panic_is_passed_on() {
        let events = vec![Cow::Borrowed(&[][..]); 5 * CHUNK];
        let _ = on_cores(3, &events, |_| -> Result<(), ()> { panic!("while it was taken") });
    }
}
