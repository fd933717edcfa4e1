//! What is saved of a network, and the way back.

use super::directory::hexadecimal;
use super::pages::{PagePool, SavedMemory};
use super::{NETWORK, Parts, StateError, malformed};
use crate::canister::{Canister, Code};
use crate::canisters::Canisters;
use crate::compiled::compile;
use crate::config::Config;
use crate::image::{Globals, Image};
use crate::net::{Net, NetState};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A network. Live instances, compiled modules and what is remembered of certificates are rebuilt.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedNet {
    seed: u64,
    state: NetState,
    canisters: Vec<SavedCanister>,
}

#[derive(Serialize, Deserialize)]
struct SavedCanister {
    /// Without modules and memories.
    canister: Canister,
    code: Option<SavedCode>,
    stable: SavedMemory,
    /// Modules and memories of the canister's snapshots, in order.
    snapshots: Vec<(SavedCode, SavedMemory)>,
}

#[derive(Serialize, Deserialize)]
struct SavedCode {
    /// SHA-256 of the module as it was uploaded.
    module: [u8; 32],
    heap: SavedMemory,
    globals: Globals,
}

impl SavedNet {
    /// Takes everything in: memories go to the pool, modules become parts.
    pub(super) fn of(net: &Net, pool: &mut PagePool, modules: &mut Parts) -> Self {
        let canisters = net.canisters.values().map(|canister| SavedCanister::of(canister, pool, modules));
        let canisters = canisters.collect();
        Self { seed: net.subnet.config.seed, state: net.state(), canisters }
    }

    pub(super) fn into_net(self, config: Config, pool: &PagePool, modules: &Parts) -> Result<Net, StateError> {
        let config = Config { seed: self.seed, ..config };
        let mut canisters = Canisters::default();
        for saved in self.canisters {
            let canister = saved.into_canister(&config, pool, modules)?;
            canisters.insert(canister.id, canister);
        }
        Ok(Net::with_state(config, self.state, canisters))
    }
}

impl SavedCanister {
    fn of(canister: &Canister, pool: &mut PagePool, modules: &mut Parts) -> Self {
        let code = canister.code.as_ref();
        let code = code.map(|code| SavedCode::of(&code.compiled.uploaded, &code.image, pool, modules));
        let snapshots = canister.snapshots.values().map(|snapshot| {
            let code = SavedCode::of(&snapshot.module, &snapshot.image, pool, modules);
            (code, pool.save_stable(&snapshot.stable))
        });
        let snapshots = snapshots.collect();
        Self { canister: canister.clone(), code, stable: pool.save_stable(&canister.stable), snapshots }
    }

    fn into_canister(self, config: &Config, pool: &PagePool, modules: &Parts) -> Result<Canister, StateError> {
        let Self { mut canister, code, stable, snapshots } = self;
        canister.stable = pool.stable(&stable)?;
        canister.code = code.map(|code| code.into_code(config, pool, modules)).transpose()?;
        if canister.snapshots.len() != snapshots.len() {
            return Err(malformed(NETWORK, "the memories of a snapshot are missing"));
        }
        for (snapshot, (code, stable)) in canister.snapshots.values_mut().zip(snapshots) {
            snapshot.module = code.module(modules)?.into();
            snapshot.image = code.into_image(pool)?;
            snapshot.stable = pool.stable(&stable)?;
        }
        Ok(canister)
    }
}

impl SavedCode {
    fn of(uploaded: &[u8], image: &Image, pool: &mut PagePool, modules: &mut Parts) -> Self {
        let module: [u8; 32] = Sha256::digest(uploaded).into();
        modules.entry(hexadecimal(&module)).or_insert_with(|| uploaded.to_vec());
        Self { module, heap: pool.save_heap(&image.heap), globals: image.globals.clone() }
    }

    /// The module as it was uploaded.
    fn module<'a>(&self, modules: &'a Parts) -> Result<&'a [u8], StateError> {
        let name = hexadecimal(&self.module);
        match modules.get(&name) {
            Some(uploaded) if Sha256::digest(uploaded)[..] == self.module => Ok(uploaded),
            _ => Err(StateError::Damaged(name)),
        }
    }

    fn into_image(self, pool: &PagePool) -> Result<Image, StateError> {
        Ok(Image { heap: pool.heap(&self.heap)?, globals: self.globals })
    }

    fn into_code(self, config: &Config, pool: &PagePool, modules: &Parts) -> Result<Code, StateError> {
        let uploaded = self.module(modules)?;
        let compiled = compile(uploaded, config).map_err(|error| malformed(&hexadecimal(&self.module), error))?;
        if self.globals.values().len() != compiled.info.mutable_globals {
            return Err(malformed(NETWORK, "globals do not fit their module"));
        }
        Ok(Code { compiled, image: self.into_image(pool)? })
    }
}
