//! Requests to web servers ("IC method http_request"), answered by a handler that the embedder supplies.

use super::{Call, Reply, decode, encode};
use crate::module::MethodKind;
use crate::net::Net;
use crate::reject::{Reject, RejectCode};
use candid::Principal;
use ic_management_canister_types::{
    HttpHeader, HttpMethod, HttpRequestArgs, HttpRequestResult, TransformArgs, TransformContext,
};

/// What answers the HTTP requests of canisters; an error is why there is no answer. It must give equal
/// answers to equal requests, or runs are not repeatable.
pub type HttpHandler = dyn Fn(&HttpRequestArgs) -> Result<HttpRequestResult, String> + Send + Sync;

const MAX_URL: usize = 8_192;
const MAX_BYTES: u64 = 2_000_000;
const MAX_HEADERS: usize = 64;
const MAX_HEADER_PART: usize = 8 << 10;
const MAX_HEADER_BYTES: usize = 48 << 10;
const USER_AGENT: (&str, &str) = ("user-agent", "ic/1.0");

impl Net {
    pub(super) fn http_request(&mut self, call: &mut Call<'_>) -> Reply {
        let mut args: HttpRequestArgs = call.decode()?;
        let limit = check_request(&args, call.caller)?;
        let Some(handler) = self.http_handler() else {
            return Err(Reject::new(
                RejectCode::SysTransient,
                "HTTP requests leave the network: no handler has been set to answer them",
            ));
        };
        self.charge_outcall(call, request_bytes(&args), limit)?;
        if !args.headers.iter().any(|header| header.name.eq_ignore_ascii_case(USER_AGENT.0)) {
            args.headers.push(HttpHeader { name: USER_AGENT.0.to_owned(), value: USER_AGENT.1.to_owned() });
        }
        let response = handler(&args).map_err(|error| Reject::new(RejectCode::SysTransient, error))?;
        check_response(&response, limit)?;
        match &args.transform {
            Some(transform) => self.transform(call.caller, transform, response, limit).map(Some),
            None => encode(&response).map(Some),
        }
    }

    /// Takes the price from the cycles of the call; it is paid also if there is no response.
    fn charge_outcall(&mut self, call: &mut Call<'_>, request_bytes: usize, limit: u64) -> Result<(), Reject> {
        let price = self.subnet.config.costs.outcall(request_bytes as u64, limit);
        let Some(left) = call.cycles.checked_sub(price) else {
            return Err(refused(format_args!(
                "http_request request sent with {} cycles, but {price} cycles are required.",
                call.cycles
            )));
        };
        call.cycles = left;
        self.lost_cycles = self.lost_cycles.saturating_add(price);
        Ok(())
    }

    /// Lets the canister's own query make the response fit to be agreed on.
    fn transform(
        &mut self,
        id: Principal,
        transform: &TransformContext,
        response: HttpRequestResult,
        limit: u64,
    ) -> Result<Vec<u8>, Reject> {
        let arg = encode(&TransformArgs { response, context: transform.context.clone() })?;
        let method = transform.function.0.method.as_str();
        let canister = self.existing(id)?;
        let code = canister.code.as_ref().ok_or_else(|| Reject::no_wasm_module(id))?;
        if code.compiled.info.methods.get(method) != Some(&MethodKind::Query) {
            return Err(Reject::method_not_found(id, "query", method));
        }
        let transformed = self.transform_query(id, method, arg)?;
        if transformed.len() as u64 > limit {
            return Err(fatal(format!("Transformed http response exceeds limit: {limit}")));
        }
        encode(&decode::<HttpRequestResult>(&transformed)?)
    }
}

fn fatal(text: String) -> Reject {
    Reject::new(RejectCode::SysFatal, text)
}

fn refused(text: impl std::fmt::Display) -> Reject {
    Reject::system(406, text)
}

/// Bytes that are paid for ("ic0.cost_http_request").
fn request_bytes(args: &HttpRequestArgs) -> usize {
    let headers: usize = args.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    let transform = args.transform.as_ref().map_or(0, |t| t.function.0.method.len() + t.context.len());
    args.url.len() + headers + args.body.as_ref().map_or(0, Vec::len) + transform
}

/// The limits of a request; how many bytes its response may have.
fn check_request(args: &HttpRequestArgs, caller: Principal) -> Result<u64, Reject> {
    if args.url.len() > MAX_URL {
        return Err(refused(format_args!("url size {} exceeds {MAX_URL}", args.url.len())));
    }
    if !args.url.starts_with("https://") {
        return Err(refused(format_args!("Url needs to specify https scheme, but it is {}", args.url)));
    }
    let limit = args.max_response_bytes.unwrap_or(MAX_BYTES);
    if limit > MAX_BYTES {
        return Err(refused(format_args!(
            "max_response_bytes expected to be in the range [0..{MAX_BYTES}], got {limit}"
        )));
    }
    if let Some(transform) = &args.transform
        && transform.function.0.principal != caller
    {
        return Err(refused("transform needs to be exported by the requester canister"));
    }
    let replicated = args.is_replicated != Some(false);
    let supported = match args.method {
        HttpMethod::GET | HttpMethod::HEAD | HttpMethod::POST => true,
        HttpMethod::PUT | HttpMethod::DELETE => !replicated,
        HttpMethod::PATCH => false,
    };
    if !supported {
        return Err(refused(format_args!("HTTP method {:?} is not supported in this mode", args.method)));
    }
    let headers = check_headers(&args.headers).map_err(refused)?;
    let size = headers + args.body.as_ref().map_or(0, Vec::len);
    if size as u64 > MAX_BYTES {
        return Err(refused(format_args!("total number of bytes {size} of headers and body exceeds {MAX_BYTES}")));
    }
    Ok(limit)
}

fn check_response(response: &HttpRequestResult, limit: u64) -> Result<(), Reject> {
    let headers = check_headers(&response.headers).map_err(fatal)?;
    if (headers + response.body.len()) as u64 > limit {
        return Err(fatal(format!("Http body exceeds size limit of {limit} bytes.")));
    }
    Ok(())
}

/// Bytes of the headers, if they are within their limits.
fn check_headers(headers: &[HttpHeader]) -> Result<usize, String> {
    if headers.len() > MAX_HEADERS {
        return Err(format!("number of HTTP headers exceeds {MAX_HEADERS}"));
    }
    if headers.iter().any(|header| header.name.len() > MAX_HEADER_PART || header.value.len() > MAX_HEADER_PART) {
        return Err(format!("HTTP header name or value exceeds {MAX_HEADER_PART} bytes"));
    }
    let bytes = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    if bytes > MAX_HEADER_BYTES {
        return Err(format!("total number of bytes of HTTP headers exceeds {MAX_HEADER_BYTES}"));
    }
    Ok(bytes)
}
