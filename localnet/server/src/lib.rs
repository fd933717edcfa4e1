//! The Internet Computer's HTTP interface in front of [`localnet`].

mod api;
mod gateway;
mod network;
mod request;
mod server;
mod signature;
mod system_canisters;

pub use server::{Options, Server};
