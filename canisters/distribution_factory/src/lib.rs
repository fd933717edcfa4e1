//! The distribution face of the factory: arguments of distributions in, contracts that hold other people's money out.
//!
//! Everything that is not about distributions is in [`cairn_factory`].

mod distribution;

pub use distribution::Distribution;

cairn_factory::endpoints!(Distribution);

/// The interface, for whoever asks for it.
#[allow(missing_docs, reason = "the macro's function is not ours to document")]
mod interface {
    use super::*;
    ic_cdk::export_candid!();

    #[cfg(test)]
    mod tests;
}
