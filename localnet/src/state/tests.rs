//! Files that are whole but not ours: other versions, and garbage with the right hashes.

use super::*;
use candid::Principal;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

fn directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("localnet-{name}-{}", std::process::id()))
}

/// A small network with a message on its way.
fn saved(path: &Path) -> Parts {
    let mut net = Net::default();
    let owner = Principal::self_authenticating(b"owner");
    let wasm = wat::parse_str(
        r#"(module (memory 1) (global (mut i32) (i32.const 7)) (data (i32.const 0) "some data")
            (func (export "canister_update noop")))"#,
    )
    .unwrap();
    for _ in 0..2 {
        let id = net.create_canister(owner, 1_000_000_000_000);
        net.install(id, owner, &wasm, Vec::new()).unwrap();
        net.submit_raw(id, owner, "noop", vec![1, 2, 3]);
    }
    net.tick();
    net.save(path).unwrap();
    Directory::open(path).unwrap().read(VERSION).unwrap()
}

#[test]
fn another_version_is_refused() {
    let path = directory("version");
    let parts = saved(&path);
    Directory::create(&path).unwrap().replace(VERSION + 1, &parts).unwrap();
    let refused = Net::restore(&path, Config::default());
    assert!(matches!(refused, Err(StateError::Version { found, supported: VERSION }) if found == VERSION + 1));
    std::fs::remove_dir_all(path).unwrap();
}

/// Whatever the parts hold, the answer is a network or an error.
#[test]
fn garbage_is_an_error() {
    let path = directory("garbage");
    let parts = saved(&path);
    std::fs::remove_dir_all(path).unwrap();
    let restore = |parts: &Parts| {
        let pool = PagePool::from_bytes(&parts[PAGES])?;
        decode::<SavedNet>(NETWORK, &parts[NETWORK])?.into_net(Config::default(), &pool, parts)
    };
    assert!(restore(&parts).is_ok());
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut refused = 0;
    for case in 0..3_000 {
        let mut parts = parts.clone();
        let name = if case % 8 == 0 { PAGES } else { NETWORK };
        let part = parts.get_mut(name).unwrap();
        let at = rng.next_u32() as usize % part.len();
        match case % 3 {
            0 => part.truncate(at),
            1 => part[at] ^= 1 << (rng.next_u32() % 8),
            _ => part[at] = rng.next_u32() as u8,
        }
        refused += usize::from(restore(&parts).is_err());
    }
    assert!(refused > 1_000, "{refused}");
}
