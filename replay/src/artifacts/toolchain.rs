//! The compiler's wasm target: present, or installed on the spot.

use super::ArtifactError;
use std::path::Path;
use std::process::Command;

/// The target of all canisters.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure that the toolchain of `workspace` can compile for [`TARGET`].
pub fn ensure(workspace: &Path) -> Result<(), ArtifactError> {
    if is_installed(workspace) {
        return Ok(());
    }
    let failed = |detail: String| ArtifactError::Target(detail);
    let output = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(workspace)
        .output()
        .map_err(|error| failed(format!("rustup: {error}")))?;
    if output.status.success() && is_installed(workspace) {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(failed(message.lines().last().unwrap_or("rustup gave no reason").trim().to_owned()))
}

fn is_installed(workspace: &Path) -> bool {
    Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(workspace)
        .output()
        .is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}
