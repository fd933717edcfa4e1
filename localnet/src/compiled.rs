//! Compiled modules, cached in memory for the whole process and on disk between processes.

use crate::certificate::Tree;
use crate::config::{Config, DirtyPages};
use crate::image::Image;
use crate::mapping;
use crate::metering::{Metering, network_weights};
use crate::module::{self, Prepared};
use crate::module_cache;
use crate::sandbox::Host;
use crate::system_api;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use wasmtime::{Engine, InstancePre, Linker, Module};

/// A module ready to be instantiated.
pub(crate) struct Compiled {
    /// SHA-256 of the module as it was uploaded ("module_hash").
    pub(crate) hash: [u8; 32],
    /// The module as it was uploaded.
    pub(crate) uploaded: Arc<[u8]>,
    pub(crate) info: Prepared,
    pub(crate) metering: Metering,
    pub(crate) pre: InstancePre<Host>,
    /// What its instances begin with, once there was one.
    pub(crate) initial: OnceLock<Image>,
    /// Query methods that asked for a certificate: they get it without asking again.
    certified_queries: Mutex<BTreeSet<String>>,
    /// The metadata in the state tree, once it was needed.
    pub(crate) metadata: OnceLock<Tree>,
}

/// What must be the same for modules to run on one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// Whether heaps are mapped, or compared.
    mapped: bool,
    metering: Metering,
    memory64: bool,
}

/// What all modules of a kind share.
struct Platform {
    engine: Engine,
    linker: Linker<Host>,
}

/// What all instances of this process share: nothing in it depends on a network's state.
struct Runtime {
    platforms: Mutex<BTreeMap<Kind, Arc<Platform>>>,
    compiled: Mutex<BTreeMap<Key, Arc<Compiled>>>,
    /// Held while compiling: two networks that need a module at once compile it once.
    compiling: Mutex<()>,
}

/// A module, whether its heaps are mapped, and how it is metered.
type Key = ([u8; 32], bool, Metering);

static RUNTIME: Runtime = Runtime {
    platforms: Mutex::new(BTreeMap::new()),
    compiled: Mutex::new(BTreeMap::new()),
    compiling: Mutex::new(()),
};

/// Compiles an uploaded module, or finds it compiled; the error says what is wrong with it.
pub(crate) fn compile(uploaded: &[u8], config: &Config) -> Result<Arc<Compiled>, String> {
    let mapped = config.dirty_pages == DirtyPages::PageMap && mapping::works();
    let metering = config.metering;
    let hash: [u8; 32] = Sha256::digest(uploaded).into();
    let key = (hash, mapped, metering);
    let known = || RUNTIME.lock().get(&key).cloned();
    if let Some(compiled) = known() {
        return Ok(compiled);
    }
    let _compiling = RUNTIME.compiling.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(compiled) = known() {
        return Ok(compiled);
    }
    let mut info = module::prepare(uploaded, &config.limits)?;
    let wasm = std::mem::take(&mut info.wasm);
    let platform = RUNTIME.platform(Kind { mapped, metering, memory64: info.memory64 })?;
    let module = platform.module(&wasm, config.cache_dir.as_deref())?;
    let pre = platform.linker.instantiate_pre(&module).map_err(|error| format!("{error:#}"))?;
    let compiled = Arc::new(Compiled {
        hash,
        uploaded: uploaded.into(),
        info,
        metering,
        pre,
        initial: OnceLock::new(),
        certified_queries: Mutex::default(),
        metadata: OnceLock::new(),
    });
    RUNTIME.lock().insert(key, Arc::clone(&compiled));
    Ok(compiled)
}

impl Compiled {
    /// Whether a query is known to ask for a certificate.
    pub(crate) fn asks_for_certificate(&self, method: &str) -> bool {
        self.certified_queries.lock().unwrap_or_else(PoisonError::into_inner).contains(method)
    }

    /// Remembers that a query asked for a certificate.
    pub(crate) fn asked_for_certificate(&self, method: &str) {
        self.certified_queries.lock().unwrap_or_else(PoisonError::into_inner).insert(method.to_owned());
    }
}

impl Runtime {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Compiled>>> {
        // The map is only ever inserted into: a panic elsewhere leaves it usable.
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The platform of a kind, made when it is first needed.
    fn platform(&self, kind: Kind) -> Result<Arc<Platform>, String> {
        let mut platforms = self.platforms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(platform) = platforms.get(&kind) {
            return Ok(Arc::clone(platform));
        }
        let platform = Arc::new(Platform::new(kind).map_err(|error| format!("{error:#}"))?);
        platforms.insert(kind, Arc::clone(&platform));
        Ok(platform)
    }
}

impl Platform {
    fn new(kind: Kind) -> wasmtime::Result<Self> {
        let mut settings = wasmtime::Config::new();
        settings
            .consume_fuel(true)
            // The same bits on every machine.
            .cranelift_nan_canonicalization(true)
            .relaxed_simd_deterministic(true)
            .wasm_multi_memory(false)
            .wasm_backtrace_max_frames(None)
            // Heaps have images of their own.
            .memory_init_cow(false)
            .max_wasm_stack(1 << 20);
        if kind.metering == Metering::Network {
            settings.operator_cost(network_weights(kind.memory64));
        }
        #[cfg(target_os = "linux")]
        if kind.mapped {
            settings.with_host_memory(Arc::new(mapping::Creator));
        }
        let engine = Engine::new(&settings)?;
        let mut linker = Linker::new(&engine);
        if kind.memory64 {
            system_api::define_64(&mut linker)?;
        } else {
            system_api::define_32(&mut linker)?;
        }
        Ok(Self { engine, linker })
    }

    /// Loads a compiled module from disk or compiles it and stores it there.
    fn module(&self, wasm: &[u8], cache: Option<&Path>) -> Result<Module, String> {
        if let Some(module) = cache.and_then(|dir| module_cache::load(&self.engine, dir, wasm)) {
            return Ok(module);
        }
        let module = Module::new(&self.engine, wasm).map_err(|error| format!("{error:#}"))?;
        if let Some(dir) = cache {
            // A cache that cannot be written costs time, nothing else.
            let _ = module_cache::store(&self.engine, dir, wasm, &module);
        }
        Ok(module)
    }
}
