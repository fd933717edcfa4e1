//! What it costs to bring a module in: compiled, loaded from disk, known already. Each includes the
//! installation of the token.

use super::super::{Row, token};
use super::time;
use localnet::{Config, Net};
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(super) fn measure() -> anyhow::Result<Vec<Row>> {
    let cache = Config::default().cache_dir;
    // Fills the cache on disk.
    install(cache.clone(), "warm")?;
    Ok(vec![
        time("engine/module/compiled", 1, install(None, "cold")?),
        time("engine/module/from_disk", 1, install(cache.clone(), "cached")?),
        time("engine/module/known", 1, install(cache, "cached")?),
    ])
}

/// A module of another hash with the same code: a custom section tells them apart.
fn install(cache_dir: Option<PathBuf>, name: &str) -> anyhow::Result<Duration> {
    let mut module = cairn::artifacts::wasm("token")?;
    module.extend([0, name.len() as u8 + 1, name.len() as u8]);
    module.extend(name.as_bytes());
    let mut net = Net::new(Config { cache_dir, trace: false, ..Config::default() });
    let began = Instant::now();
    token::install_module(&mut net, &module, 10)?;
    Ok(began.elapsed())
}
