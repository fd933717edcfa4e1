//! What canisters serve: pages, and the gauges on `/metrics`.

use cairn_kit::api::http::{HttpRequest, HttpResponse};
use localnet::{Net, Principal, Reject};

/// A page of a canister, with its status, as anyone gets it.
///
/// # Errors
/// The canister does not answer.
pub fn get(net: &mut Net, canister: Principal, url: &str) -> Result<(u16, String), Reject> {
    let (method, url) = ("GET".to_owned(), url.to_owned());
    let request = HttpRequest { method, url, headers: Vec::new(), body: Default::default() };
    let response: HttpResponse = net.query(canister, Principal::anonymous(), "http_request", (request,))?;
    Ok((response.status_code, String::from_utf8_lossy(&response.body).into_owned()))
}

/// Every gauge of a canister with its value.
///
/// # Errors
/// As [`get`].
pub fn gauges(net: &mut Net, canister: Principal) -> Result<Vec<(String, String)>, Reject> {
    let (_, page) = get(net, canister, "/metrics")?;
    let gauge = |line: &str| line.split_once(' ').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    Ok(page.lines().filter(|line| !line.starts_with('#')).filter_map(gauge).collect())
}
