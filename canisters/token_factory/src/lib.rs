//! The token face of the factory: token arguments in, ledgers out.
//!
//! Everything that is not about tokens is in [`cairn_factory`].

mod token;

pub use token::Token;

cairn_factory::endpoints!(Token);

/// The interface, for whoever asks for it.
#[allow(missing_docs, reason = "the macro's function is not ours to document")]
mod interface {
    use super::*;
    ic_cdk::export_candid!();

    #[cfg(test)]
    mod tests;
}
