//! Which canister a page belongs to.

use axum::http::header::{HOST, REFERER};
use axum::http::{HeaderMap, Uri};
use localnet::Principal;

/// By the first label of the host, by `?canisterId=`, or by either of them in the page that refers
/// to this one.
pub(super) fn canister(uri: &Uri, headers: &HeaderMap) -> Option<Principal> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.host());
    let referer = headers.get(REFERER).and_then(|referer| referer.to_str().ok());
    let referer: Option<Uri> = referer.and_then(|referer| referer.parse().ok());
    host.and_then(of_host)
        .or_else(|| of_query(uri))
        .or_else(|| referer.as_ref().and_then(|page| page.host().and_then(of_host).or_else(|| of_query(page))))
}

fn of_host(host: &str) -> Option<Principal> {
    let (label, rest) = host.split_once('.')?;
    if rest.is_empty() { None } else { Principal::from_text(label).ok() }
}

fn of_query(uri: &Uri) -> Option<Principal> {
    let parameters = uri.query()?.split('&');
    parameters
        .filter_map(|parameter| parameter.strip_prefix("canisterId="))
        .find_map(|id| Principal::from_text(id).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "rrkah-fqaaa-aaaaa-aaaaq-cai";

    fn found(uri: &str, host: &str, referer: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(referer) = referer {
            headers.insert(REFERER, referer.parse().unwrap());
        }
        canister(&uri.parse().unwrap(), &headers).map(|id| id.to_text())
    }

    #[test]
    fn host_parameter_and_referer_name_the_canister() {
        let subdomain = format!("{ID}.localhost:8000");
        assert_eq!(found("/page", &subdomain, None).as_deref(), Some(ID));
        assert_eq!(found(&format!("/page?x=1&canisterId={ID}"), "localhost", None).as_deref(), Some(ID));
        let page = format!("http://127.0.0.1:8000/?canisterId={ID}");
        assert_eq!(found("/style.css", "127.0.0.1:8000", Some(&page)).as_deref(), Some(ID));
        assert_eq!(found("/page", "127.0.0.1:8000", None), None);
        assert_eq!(found("/page", "www.localhost", None), None);
    }
}
