use localnet::*;
use std::time::{Duration, Instant};
#[test]
fn real() {
    let wasm = std::fs::read("/tmp/conf-target/wasm32-unknown-unknown/release/conf.wasm").unwrap();
    let o = Principal::self_authenticating(b"o");
    let t = Instant::now();
    let mut net = Net::default();
    let a = net.create_canister(o, 100_000_000_000_000);
    net.install(a, o, &wasm, vec![]).unwrap();
    println!("install {:?}", t.elapsed());
    let t = Instant::now();
    let b = net.create_canister(o, 100_000_000_000_000);
    net.install(b, o, &wasm, vec![]).unwrap();
    println!("install 2 {:?}", t.elapsed());
    assert_eq!(net.update::<u64>(a, o, "inc", ()).unwrap(), 1);
    assert_eq!(net.query::<u64>(a, o, "get", ()).unwrap(), 1);
    println!("{}", net.update::<()>(a, o, "boom", ()).unwrap_err());
    assert_eq!(net.query::<u64>(a, o, "get", ()).unwrap(), 1);
    assert_eq!(net.update::<u64>(a, o, "call_inc", (b,)).unwrap(), 1001);
    println!("{}", net.update::<String>(a, o, "call_boom", (b,)).unwrap());
    println!("{}", net.update::<()>(a, o, "trap_after", (b,)).unwrap_err());
    assert_eq!(net.query::<u64>(a, o, "get", ()).unwrap(), 5);
    let made = net.update::<Principal>(a, o, "make", ()).unwrap();
    println!("{made} {:?} {:?}", net.canister_status(made), net.cycles(a));
    assert_eq!(net.query::<u64>(a, o, "ticks", ()).unwrap(), 0);
    net.advance(Duration::from_secs(2));
    net.run_until_idle(20);
    assert_eq!(net.query::<u64>(a, o, "ticks", ()).unwrap(), 1);
    net.advance(Duration::from_secs(10));
    net.run_until_idle(20);
    assert_eq!(net.query::<u64>(a, o, "ticks", ()).unwrap(), 101);
    for e in net.trace() {
        println!("{e:?}");
    }
    net.clear_trace();
    // upgrade in between
    let m = net.submit(a, o, "call_inc", (b,));
    net.tick();
    net.upgrade(a, o, &wasm, vec![]).unwrap();
    net.run_until_idle(10);
    println!("{:?}", net.poll::<u64>(&m));
    for n in [1000u64, 20000] {
        let t = Instant::now();
        for _ in 0..n {
            net.update_raw(a, o, "inc", candid::encode_args(()).unwrap()).unwrap();
        }
        println!("inc {:?}", t.elapsed() / n as u32);
        let t = Instant::now();
        for _ in 0..n {
            net.query_raw(a, o, "get", candid::encode_args(()).unwrap()).unwrap();
        }
        println!("query {:?}", t.elapsed() / n as u32);
        let t = Instant::now();
        let v = vec![7u8; 200];
        for i in 0..n {
            net.update::<()>(a, o, "put", (i, &v)).unwrap();
        }
        println!("put {:?} {}", t.elapsed() / n as u32, net.last_instructions());
        println!("{:?}", net.memory_sizes(a));
    }
    let t = Instant::now();
    let mut f = net.fork();
    println!("fork {:?}", t.elapsed());
    f.update::<u64>(a, o, "inc", ()).unwrap();
    println!("fork+inc {:?}", t.elapsed());
}
