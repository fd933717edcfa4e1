//! The `icp` command-line tool deploys, calls and upgrades the platform's canisters on a network that it is connected
//! to, as the repository's `icp.yaml` says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails here says enough")]

use localnet::{Config, Net};
use localnet_server::{Options, Server};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const PACKAGE: &str = r#"{ "private": true, "dependencies": { "@icp-sdk/icp-cli-linux-x64": "1.5.0" } }"#;
/// Where the repository's `icp.yaml` expects the network.
const URL: &str = "http://127.0.0.1:8000";
/// Where it expects the modules.
const MODULES: &str = "target/canisters/wasm32-unknown-unknown/canister";

/// A copy of the repository's project, with a network of its own.
struct Project {
    folder: PathBuf,
    tool: PathBuf,
}

impl Project {
    fn new(server: &Server) -> Self {
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("icp");
        let folder = tools.join("project");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(folder.join(MODULES)).unwrap();
        std::fs::write(tools.join("package.json"), PACKAGE).unwrap();
        let arguments = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
        let installed = Command::new("npm").args(arguments).current_dir(&tools).output().expect("npm is there");
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));

        let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../icp.yaml")).unwrap();
        assert!(manifest.contains(&hex::encode(server.root_key())), "icp.yaml has the root key of seed 0");
        std::fs::write(folder.join("icp.yaml"), manifest.replace(URL, &server.url())).unwrap();
        for name in ["audit_storage", "backend", "invoice_storage", "token_factory"] {
            let module = cairn::artifacts::wasm(name).unwrap();
            std::fs::write(folder.join(MODULES).join(format!("{name}.wasm")), module).unwrap();
        }
        Self { folder, tool: tools.join("node_modules/@icp-sdk/icp-cli-linux-x64/bin/icp") }
    }

    /// What a command prints; it has to succeed.
    fn icp(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.tool);
        command.args(arguments).args(["-e", "localnet"]).current_dir(&self.folder);
        command.env("ICP_HOME", self.folder.join("home")).env("DO_NOT_TRACK", "1");
        let output = command.output().expect("the tool starts");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "icp {arguments:?}\n{out}\n{err}");
        out.into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_deployed_called_and_upgraded() {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap();
    let config = Config { time, round_duration: Duration::ZERO, trace: false, ..Config::default() };
    let server = Server::start(Net::new(config), Options::default()).await.unwrap();
    let project = Project::new(&server);
    let done = tokio::task::spawn_blocking(move || {
        let init = "(record { money_writer = principal \"rrkah-fqaaa-aaaaa-aaaaq-cai\" })";
        project.icp(&["deploy", "audit_storage", "--args", init]);
        let before = project.icp(&["canister", "call", "audit_storage", "getTip", "(null)", "--query"]);
        assert!(before.contains("1 : nat64"), "{before}");
        project.icp(&["deploy", "audit_storage", "--mode", "upgrade", "--yes", "--args", init]);
        // The log outlives the upgrade, and knows of it.
        let after = project.icp(&["canister", "call", "audit_storage", "getTip", "(null)", "--query"]);
        assert!(after.contains("2 : nat64"), "{after}");
    });
    done.await.unwrap();
    let modules = server.with(|net| net.canisters().into_iter().filter_map(|id| net.module_hash(id)).count());
    assert_eq!(modules.await, Some(1));
}
