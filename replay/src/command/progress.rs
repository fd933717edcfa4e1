//! Progress of long work, on the error output and only on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `total` steps of `what`.
pub fn bar(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg:>24} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar
}
