//! HTTP requests of canisters.

use crate::management::by_canister;
use crate::wat_canister::{PROXY, install, management, number, owner, proxied};
use candid::{Encode, Func};
use localnet::management_types::{
    HttpHeader, HttpMethod, HttpRequestArgs, HttpRequestResult, TransformContext, TransformFunc,
};
use localnet::{Config, Costs, Net, RejectCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn get(url: &str) -> HttpRequestArgs {
    HttpRequestArgs { url: url.to_owned(), method: HttpMethod::GET, ..Default::default() }
}

/// "IC method http_request": answered by the embedder's handler, refused without one.
#[test]
fn http_requests_are_answered_by_the_handler() {
    let mut net = Net::default();
    let proxy = install(&mut net, PROXY);
    let reject = by_canister(&mut net, proxy, "http_request", get("https://example.org/")).unwrap_err();
    assert!(reject.message.contains("no handler"), "{reject}");
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    net.set_http_handler(move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        assert!(request.headers.iter().any(|header| header.name == "user-agent"));
        match request.url.as_str() {
            "https://example.org/" => {
                Ok(HttpRequestResult { status: 200_u8.into(), headers: vec![], body: b"hi".to_vec() })
            }
            _ => Err("Connecting to the server failed".to_owned()),
        }
    });
    let reply = by_canister(&mut net, proxy, "http_request", get("https://example.org/")).unwrap();
    assert_eq!(candid::decode_one::<HttpRequestResult>(&reply).unwrap().body, b"hi");
    let reject = by_canister(&mut net, proxy, "http_request", get("https://example.com/")).unwrap_err();
    assert_eq!(reject.code, RejectCode::SysTransient);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    let small = HttpRequestArgs { max_response_bytes: Some(1), ..get("https://example.org/") };
    assert_eq!(by_canister(&mut net, proxy, "http_request", small).unwrap_err().code, RejectCode::SysFatal);
    let header = HttpHeader { name: "n".into(), value: "v".into() };
    for refused in [
        get("http://example.org/"),
        get(&format!("https://{}", "x".repeat(8_192))),
        HttpRequestArgs { max_response_bytes: Some(2_000_001), ..get("https://example.org/") },
        HttpRequestArgs { headers: vec![header; 65], ..get("https://example.org/") },
        HttpRequestArgs { method: HttpMethod::PUT, ..get("https://example.org/") },
    ] {
        let reject = by_canister(&mut net, proxy, "http_request", refused).unwrap_err();
        assert_eq!(reject.code, RejectCode::CanisterReject, "{reject}");
    }
}

/// The transformation is a query of the calling canister; the management canister calls it.
#[test]
fn an_http_response_is_transformed_by_the_canister() {
    let mut net = Net::default();
    let result = HttpRequestResult { status: 204_u8.into(), headers: vec![], body: vec![] };
    let fixed: String = Encode!(&result).unwrap().iter().map(|byte| format!("\\{byte:02x}")).collect();
    let proxy = install(
        &mut net,
        &format!(
            r#"{PROXY} (data (i32.const 2048) "{fixed}")
            (func (export "canister_query transform")
                (if (call $caller_size) (then (call $boom)))
                (call $append (i32.const 2048) (i32.const {}))
                (call $reply))"#,
            Encode!(&result).unwrap().len()
        ),
    );
    net.set_http_handler(|_| Ok(HttpRequestResult { status: 200_u8.into(), headers: vec![], body: b"hi".to_vec() }));
    let with = |principal, method: &str| {
        let function = TransformFunc(Func { principal, method: method.to_owned() });
        let transform = Some(TransformContext { function, context: vec![] });
        HttpRequestArgs { transform, ..get("https://example.org/") }
    };
    let reply = by_canister(&mut net, proxy, "http_request", with(proxy, "transform")).unwrap();
    assert_eq!(candid::decode_one::<HttpRequestResult>(&reply).unwrap(), result);
    by_canister(&mut net, proxy, "http_request", with(owner(), "transform")).unwrap_err();
    let reject = by_canister(&mut net, proxy, "http_request", with(proxy, "proxy")).unwrap_err();
    assert_eq!(reject.error_code(), Some("IC0536"));
}

/// The price is that of the network, taken from the cycles of the call.
#[test]
fn an_http_request_is_paid_for() {
    let mut net = Net::new(Config { costs: Costs::thirteen_nodes(), ..Config::default() });
    let proxy = install(&mut net, PROXY);
    net.add_cycles(proxy, 10_000_000_000_000).unwrap();
    net.set_http_handler(|_| Ok(HttpRequestResult { status: 200_u8.into(), headers: vec![], body: vec![] }));
    let args = HttpRequestArgs { max_response_bytes: Some(1_000), ..get("https://example.org/") };
    let reject = by_canister(&mut net, proxy, "http_request", args.clone()).unwrap_err();
    assert!(reject.message.contains("cycles are required"), "{reject}");
    let price = 13 * (3_000_000 + 13 * 60_000 + 400 * 20 + 800 * 1_000);
    let arg = proxied(management(), "http_request", price + 5, &Encode!(&args).unwrap());
    net.update_raw(proxy, owner(), "proxy", arg).unwrap();
    assert_eq!(number(&net.query_raw(proxy, owner(), "refunded", vec![]).unwrap()), 5);
    assert!(net.cycles_account().is_balanced());
}
