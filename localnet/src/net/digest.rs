//! A digest of everything that can be observed of a network.

use super::Net;
use crate::canister::Canister;
use crate::snapshot::Snapshot;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

impl Net {
    /// SHA-256 over everything that tells this state from another: clock, messages on their way, answers, and of each
    /// canister code, memories, settings, calls, cycles and logs. Not the trace. Reads all memories.
    pub fn state_hash(&self) -> [u8; 32] {
        let mut digest = Writer(Sha256::new());
        digest.text(format_args!("{} {} {}", self.subnet.time, self.subnet.round, self.next_canister));
        digest.text(format_args!("{:?} {:?} {}", self.schedule, self.requests.answers(), self.issued));
        digest.text(format_args!("{:?} {}", self.rng.get_seed(), self.rng.get_word_pos()));
        self.canisters.values().for_each(|canister| digest.canister(canister));
        digest.0.finalize().into()
    }
}

struct Writer(Sha256);

impl Writer {
    /// Takes in what `text` shows, and where it ends.
    fn text(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a digest does not fail.
        let _ = self.write_fmt(text);
        self.0.update([0xff]);
    }

    fn canister(&mut self, canister: &Canister) {
        let Canister { id, controllers, settings, status, cycles, certified_data, timer, version, .. } = canister;
        self.text(format_args!("{id} {controllers:?} {settings:?} {status:?} {cycles} {certified_data:?}"));
        let Canister { contexts, callbacks, issued, outstanding, history, changes, chunks, log, .. } = canister;
        self.text(format_args!("{timer} {version} {contexts:?} {callbacks:?} {issued} {outstanding:?}"));
        self.text(format_args!("{history:?} {changes} {:?} {log:?}", chunks.keys()));
        let Canister { hook, snapshots, snapshots_made, .. } = canister;
        self.text(format_args!("{hook:?} {:?} {snapshots_made}", snapshots.keys()));
        snapshots.values().for_each(|snapshot| self.snapshot(snapshot));
        if let Some(code) = &canister.code {
            self.0.update(code.compiled.hash);
            code.image.digest(&mut self.0);
        }
        canister.stable.digest(&mut self.0);
    }
}

impl Writer {
    fn snapshot(&mut self, snapshot: &Snapshot) {
        let Snapshot { source, taken_at, version, module, globals, image, stable, chunks, certified_data, timer, hook } =
            snapshot;
        self.text(format_args!("{source:?} {taken_at} {version} {certified_data:?} {timer:?} {hook:?} {globals:?}"));
        self.text(format_args!("{:?}", chunks.keys()));
        self.0.update(module);
        image.digest(&mut self.0);
        stable.digest(&mut self.0);
    }
}

impl std::fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}
