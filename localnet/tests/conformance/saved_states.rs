//! Saved states: complete, whole after any crash, and refused when they are damaged.

use crate::calls::CALLER;
use crate::wat_canister::{PROXY, WORKER, call, count, install, module, owner};
use localnet::{Config, Fault, MessageKind, Net, Principal, StateError};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A directory that is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("localnet-state-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.file_name().is_some_and(|name| name != "lock")).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl AsRef<Path> for Directory {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

fn restored(directory: &Directory) -> Net {
    Net::restore(directory, Config::default()).unwrap()
}

const TIMER: &str = r#"
    (func (export "canister_update set")
        (call $print (i32.const 1024) (i32.const 4))
        (call $stable_touch)
        (call $certify (i32.const 1024) (i32.const 4))
        (call $answer (call $set_timer (i64.add (call $time) (i64.const 3000000)))))
    (func $stable_touch
        (drop (call $stable_grow (i64.const 3)))
        (call $stable_write (i64.const 70000) (i64.const 1024) (i64.const 4)))
    (func (export "canister_global_timer") (call $bump))
"#;

/// A network in the middle of everything: messages of all kinds on their way, callbacks open, a timer
/// set, a canister stopping, an answer not asked for, faults pending.
pub fn busy(seed: u64) -> Net {
    let mut net = Net::new(Config { seed, ..Config::default() });
    let (caller, worker) = (install(&mut net, CALLER), install(&mut net, WORKER));
    let (timer, proxy) = (install(&mut net, TIMER), install(&mut net, PROXY));
    net.create_canister(owner(), 5_000_000_000_000);
    call(&mut net, timer, "set", &[]);
    net.inject(Fault::delay(3).method("work").occurrence(2));
    net.inject(Fault::trap().callee(worker).kind(MessageKind::ReplyCallback).occurrence(3));
    for _ in 0..4 {
        net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    }
    net.submit_raw(proxy, owner(), "nowhere", vec![]);
    net.tick();
    net.submit_raw(caller, owner(), "forward", worker.as_slice().to_vec());
    net
}

/// What is observed of a network in the end.
fn end(net: &mut Net) -> ([u8; 32], Vec<u8>, String) {
    net.run_until_idle(100);
    let last = *net.canisters().last().unwrap();
    let certificate = net.read_state(&[vec![b"canister".to_vec(), last.as_slice().to_vec(), b"controllers".to_vec()]]);
    (net.state_hash(), certificate, format!("{:?}", net.trace()))
}

#[test]
fn a_restored_network_goes_on_as_the_saved_one() {
    let directory = Directory::new("goes-on");
    let mut net = busy(9);
    net.save(&directory).unwrap();
    let mut other = restored(&directory);
    assert_eq!((other.state_hash(), other.root_key()), (net.state_hash(), net.root_key()));
    assert_eq!(other.canisters(), net.canisters());
    assert_eq!(other.pending_faults().count(), 2);
    assert_eq!(end(&mut other), end(&mut net));
    // Also what was restored can be saved, and new canisters get the ids they would have got.
    other.save(&directory).unwrap();
    let mut third = restored(&directory);
    assert_eq!(install(&mut third, WORKER), install(&mut net, WORKER));
    assert_eq!(end(&mut third), end(&mut net));
}

#[test]
fn every_moment_of_a_scenario_can_be_saved() {
    let directory = Directory::new("moments");
    let expected = end(&mut busy(3));
    let mut net = busy(3);
    let mut moments = 0;
    while !net.is_idle() {
        net.tick();
        net.save(&directory).unwrap();
        assert_eq!(end(&mut restored(&directory)), expected, "after {moments} rounds");
        moments += 1;
    }
    assert!(moments > 4, "{moments} rounds");
}

#[test]
fn equal_pages_and_modules_are_stored_once() {
    let directory = Directory::new("once");
    let mut net = Net::default();
    let filled = r#"
        (func (export "canister_update fill") (local $at i32)
            (loop $next
                (i64.store (local.get $at) (i64.const 7))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $next (i32.lt_u (local.get $at) (i32.const 65528))))
            (call $reply))"#;
    let ids: Vec<Principal> = (0..20).map(|_| install(&mut net, filled)).collect();
    for id in &ids {
        net.update_raw(*id, owner(), "fill", vec![]).unwrap();
    }
    net.save(&directory).unwrap();
    let bytes: u64 = directory.files().iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes < 20 * 65_536 / 8, "{bytes} bytes for twenty heaps of 64 KiB");
    assert_eq!(restored(&directory).state_hash(), net.state_hash());
}

#[test]
fn nothing_saved_is_nothing_restored() {
    let directory = Directory::new("absent");
    assert!(matches!(Net::restore(&directory, Config::default()), Err(StateError::Absent(_))));
    std::fs::create_dir_all(&directory).unwrap();
    assert!(matches!(Net::restore(&directory, Config::default()), Err(StateError::Absent(_))));
}

/// Every byte of every file counts: flipped, cut off or missing, the state is refused.
#[test]
fn a_damaged_state_is_refused() {
    let directory = Directory::new("damaged");
    busy(1).save(&directory).unwrap();
    let refused = |what: &str| match Net::restore(&directory, Config::default()) {
        Err(StateError::Damaged(_) | StateError::Absent(_)) => {}
        Err(error) => panic!("{what}: {error}"),
        Ok(_) => panic!("{what}: restored"),
    };
    assert!(directory.files().len() > 5);
    for file in directory.files() {
        let whole = std::fs::read(&file).unwrap();
        for part in 0..24 {
            let at = whole.len() * part / 24;
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (part % 8);
            std::fs::write(&file, flipped).unwrap();
            refused("a flipped bit");
            std::fs::write(&file, &whole[..at]).unwrap();
            refused("a cut file");
        }
        std::fs::remove_file(&file).unwrap();
        refused("a missing file");
        std::fs::write(&file, whole).unwrap();
    }
    restored(&directory);
}

/// Counts, and writes the count to another page each time, so that every state has pages of its own.
const DIARY: &str = r#"
    (func (export "canister_update write")
        (if (i32.lt_u (memory.size) (i32.const 33)) (then (drop (memory.grow (i32.const 32)))))
        (call $bump)
        (i32.store
            (i32.add (i32.const 65536) (i32.mul (i32.const 4096) (i32.rem_u (call $get) (i32.const 500))))
            (call $get))
        (call $answer (i64.extend_i32_u (call $get))))
"#;
const UPDATES_PER_SAVE: u64 = 20;
const STATE: &str = "LOCALNET_TEST_STATE";

/// The network of the test below, and the one canister in it.
fn diary() -> (Net, Principal) {
    let mut net = Net::new(Config { trace: false, ..Config::default() });
    let id = net.create_canister(owner(), 1_000_000_000_000);
    net.install(id, owner(), &module(DIARY), Vec::new()).unwrap();
    (net, id)
}

fn write(net: &mut Net, id: Principal) {
    for _ in 0..UPDATES_PER_SAVE {
        call(net, id, "write", &[]);
    }
}

/// The process that the test below kills: it goes on from the saved state, saves, and says so.
#[test]
#[ignore = "is started by the test below"]
fn saves_until_it_is_killed() {
    let Some(directory) = std::env::var_os(STATE) else {
        return;
    };
    let mut net = Net::restore(&directory, Config { trace: false, ..Config::default() }).unwrap();
    let id = net.canisters()[0];
    loop {
        write(&mut net, id);
        let count = count(&mut net, id);
        println!("saving {count}");
        net.save(&directory).unwrap();
        println!("saved {count}");
    }
}

/// The last state that a killed process says it has saved.
fn killed_after(directory: &Directory, pause: Duration) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "saved_states::saves_until_it_is_killed"])
        .env(STATE, directory.as_ref())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.by_ref().find(|line| line.starts_with("saving"));
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap();
    lines.filter_map(|line| line.strip_prefix("saved ")?.parse().ok()).last()
}

/// SIGKILL at fifty moments: what is restored is the state saved last, or the one that was being saved.
#[test]
fn a_killed_process_leaves_the_old_state_or_the_new_one() {
    let directory = Directory::new("killed");
    let (mut replica, id) = diary();
    replica.save(&directory).unwrap();
    let (mut old, mut new) = (0, 0);
    for kill in 0..50_u64 {
        let before = count(&mut replica, id);
        let said = killed_after(&directory, Duration::from_micros(kill * 7_919 % 40_000)).unwrap_or(before);
        let mut found = restored(&directory);
        let state = count(&mut found, id);
        assert!(state == said || state == said + UPDATES_PER_SAVE, "{said} was saved, {state} is there");
        while count(&mut replica, id) < state {
            write(&mut replica, id);
        }
        assert_eq!(found.state_hash(), replica.state_hash(), "state {state}");
        if state == said { old += 1 } else { new += 1 }
    }
    println!("restored: {old} times the state that was said to be saved, {new} times the one after it");
}
