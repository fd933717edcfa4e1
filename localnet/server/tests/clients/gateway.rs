//! Web pages of canisters through the gateway.

use crate::canister::canned;
use crate::running::Running;
use candid::{CandidType, Encode, Principal};
use ic_http_certification::utils::add_v2_certificate_header;
use ic_http_certification::{
    CERTIFICATE_EXPRESSION_HEADER_NAME, CERTIFICATE_HEADER_NAME, DefaultCelBuilder, DefaultResponseCertification,
    HttpCertification, HttpCertificationPath, HttpCertificationTree, HttpCertificationTreeEntry, HttpRequest,
    HttpResponse,
};
use reqwest::{Client, Response, StatusCode};
use serde_bytes::ByteBuf;

#[derive(CandidType)]
struct Page {
    status_code: u16,
    headers: Vec<(String, String)>,
    body: ByteBuf,
    upgrade: Option<bool>,
    streaming_strategy: Option<Strategy>,
}

#[derive(CandidType, Clone)]
enum Strategy {
    Callback { callback: Chunks, token: Token },
}

candid::define_function!(Chunks : (Token) -> (Chunk) query);

#[derive(CandidType, Clone, candid::Deserialize)]
struct Token {
    index: u8,
    sha256: Option<ByteBuf>,
}

#[derive(CandidType, candid::Deserialize)]
struct Chunk {
    body: ByteBuf,
    token: Option<Token>,
}

fn page(body: &str) -> Page {
    let headers = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
    let body = ByteBuf::from(body.as_bytes());
    Page { status_code: 200, headers, body, upgrade: None, streaming_strategy: None }
}

async fn get(running: &Running, canister: Principal, path: &str) -> Response {
    let port = running.server.address().port();
    let url = format!("{}{path}", running.server.url());
    Client::new().get(url).header("host", format!("{canister}.localhost:{port}")).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_shown() {
    let running = Running::start().await;
    let reply = Page { status_code: 404, ..page("not here") };
    let site = running.install(canned(&[("canister_query http_request", Encode!(&reply).unwrap())]), vec![]).await;
    let response = get(&running, site, "/any/path?and=query").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(response.text().await.unwrap(), "not here");

    let response = Client::new().get(format!("{}/?canisterId={site}", running.server.url())).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "not here");
    let nobody = Client::new().get(running.server.url()).send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canister_without_pages_is_not_available() {
    let running = Running::start().await;
    let response = get(&running, running.counter, "/").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.text().await.unwrap().contains("http_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_can_ask_to_be_an_update() {
    let running = Running::start().await;
    let query = Page { upgrade: Some(true), ..page("by query") };
    let methods = [
        ("canister_query http_request", Encode!(&query).unwrap()),
        ("canister_update http_request_update", Encode!(&page("by update")).unwrap()),
    ];
    let site = running.install(canned(&methods), vec![]).await;
    assert_eq!(get(&running, site, "/").await.text().await.unwrap(), "by update");
}

/// A canister whose page begins with a text and goes on with what its method `chunk` answers.
async fn streaming(running: &Running, begin: &str, chunk: &Chunk) -> Principal {
    // The canister's own id stands in its reply: it is the next one.
    let before = running.install(canned(&[]), vec![]).await;
    let number = u64::from_be_bytes(before.as_slice()[..8].try_into().unwrap()) + 1;
    let site = Principal::from_slice(&[number.to_be_bytes().as_slice(), &[1, 1]].concat());
    let token = Token { index: 1, sha256: None };
    let strategy = Strategy::Callback { callback: Chunks::new(site, "chunk".to_owned()), token };
    let first = Page { streaming_strategy: Some(strategy), ..page(begin) };
    let methods =
        [("canister_query http_request", Encode!(&first).unwrap()), ("canister_query chunk", Encode!(chunk).unwrap())];
    assert_eq!(running.install(canned(&methods), vec![]).await, site);
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_is_collected_from_its_chunks() {
    let running = Running::start().await;
    let site = streaming(&running, "one, ", &Chunk { body: ByteBuf::from(b"two"), token: None }).await;
    assert_eq!(get(&running, site, "/").await.text().await.unwrap(), "one, two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_end_is_not_waited_for() {
    let running = Running::start().await;
    let token = Some(Token { index: 1, sha256: None });
    let site = streaming(&running, "one, ", &Chunk { body: ByteBuf::new(), token }).await;
    let response = get(&running, site, "/").await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(response.text().await.unwrap().contains("does not end"));
}

/// A page with its certification, as an asset canister makes it; and the page that is served instead.
async fn certified(running: &Running, served: &'static [u8]) -> Response {
    let request = HttpRequest::get("/").build();
    let cel = DefaultCelBuilder::response_only_certification()
        .with_response_certification(DefaultResponseCertification::response_header_exclusions(vec![]))
        .build();
    let expression = (CERTIFICATE_EXPRESSION_HEADER_NAME.to_owned(), cel.to_string());
    let mut response = HttpResponse::ok(b"certified", vec![expression]).build();
    let certification = HttpCertification::response_only(&cel, &response, None).unwrap();
    let path = HttpCertificationPath::exact("/");
    let entry = HttpCertificationTreeEntry::new(path.clone(), certification);
    let mut tree = HttpCertificationTree::default();
    tree.insert(&entry);
    let (root, witness) = (tree.root_hash(), tree.witness(&entry, request.url()).unwrap());

    let site = running.install(canned(&[]), root.to_vec()).await;
    let data = [b"canister".to_vec(), site.as_slice().to_vec(), b"certified_data".to_vec()].to_vec();
    let certificate = running.server.with(move |net| net.read_state(&[data])).await.unwrap();
    add_v2_certificate_header(&certificate, &mut response, &witness, &path.to_expr_path());
    assert!(response.headers().iter().any(|(name, _)| name == CERTIFICATE_HEADER_NAME));
    let page = Page { headers: response.headers().to_vec(), body: ByteBuf::from(served), ..page("") };
    let wasm = canned(&[("canister_query http_request", Encode!(&page).unwrap())]);
    let upgraded = running.server.with(move |net| net.upgrade(site, crate::running::owner(), &wasm, vec![]));
    upgraded.await.unwrap().unwrap();
    get(running, site, "/").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certified_page_is_verified() {
    let running = Running::start().await;
    let honest = certified(&running, b"certified").await;
    assert_eq!(honest.status(), StatusCode::OK, "{}", honest.text().await.unwrap());
    let forged = certified(&running, b"forged").await;
    assert_eq!(forged.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(forged.text().await.unwrap().contains("verification failed"));
}
