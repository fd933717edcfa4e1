//! The multisig face of the factory: wallets as their creators want them in, wallets that own themselves out.
//!
//! Everything that is not about wallets is in [`cairn_factory`].

mod multisig;

pub use multisig::Multisig;

cairn_factory::endpoints!(Multisig);

/// The interface, for whoever asks for it.
#[allow(missing_docs, reason = "the macro's function is not ours to document")]
mod interface {
    use super::*;
    ic_cdk::export_candid!();

    #[cfg(test)]
    mod tests;
}
