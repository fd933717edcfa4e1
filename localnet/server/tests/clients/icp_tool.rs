//! `icp`, the command-line tool: it creates, deploys, calls and upgrades a canister on a network that it
//! is connected to.

use crate::canister::counter;
use crate::javascript::install;
use crate::running::Running;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = r#"{ "private": true, "dependencies": { "@icp-sdk/icp-cli-linux-x64": "1.5.0" } }"#;

/// A project of one canister that is built already.
struct Project {
    folder: PathBuf,
    tool: PathBuf,
}

impl Project {
    fn new(running: &Running, name: &str) -> Self {
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("icp");
        std::fs::create_dir_all(&tools).unwrap();
        std::fs::write(tools.join("package.json"), PACKAGE).unwrap();
        install(&tools);
        let folder = tools.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        let manifest = format!(
            r#"
canisters:
  - name: counter
    build:
      steps:
        - type: pre-built
          path: counter.wasm
  - name: second
    build:
      steps:
        - type: pre-built
          path: counter.wasm
networks:
  - name: localnet
    mode: connected
    url: {}
    root-key: {}
environments:
  - name: localnet
    network: localnet
    canisters: [counter, second]
"#,
            running.server.url(),
            hex::encode(running.server.root_key())
        );
        std::fs::write(folder.join("icp.yaml"), manifest).unwrap();
        std::fs::write(folder.join("counter.wasm"), counter()).unwrap();
        Self { folder, tool: tools.join("node_modules/@icp-sdk/icp-cli-linux-x64/bin/icp") }
    }

    /// What a command prints; it has to succeed.
    fn icp(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.tool);
        command.args(arguments).current_dir(&self.folder);
        command.env("ICP_HOME", self.folder.join("home")).env("DO_NOT_TRACK", "1");
        let output = command.output().expect("the tool starts");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "icp {arguments:?}\n{out}\n{err}");
        out.into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canister_is_deployed_called_and_upgraded() {
    let running = Running::start().await;
    let project = Project::new(&running, "deploy");
    let done = tokio::task::spawn_blocking(move || {
        let there = ["-e", "localnet"];
        let icp = |arguments: &[&str]| project.icp(&[arguments, &there].concat());
        icp(&["deploy"]);
        let called = icp(&["canister", "call", "counter", "add", "(5 : nat64)"]);
        assert!(called.contains('5'), "{called}");
        let asked = icp(&["canister", "call", "counter", "get", "()", "--query"]);
        assert!(asked.contains('5'), "{asked}");
        let status = icp(&["canister", "status", "counter"]);
        assert!(status.contains("Running"), "{status}");
        // Deployed again, it is upgraded: its heap begins anew.
        icp(&["deploy", "counter", "--mode", "upgrade", "--yes"]);
        let asked = icp(&["canister", "call", "counter", "get", "()", "--query"]);
        assert!(asked.contains('0'), "{asked}");
        icp(&["canister", "stop", "second"]);
        icp(&["canister", "start", "second"]);
    });
    done.await.unwrap();
    let canisters = running.server.with(|net| net.canisters().len()).await.unwrap();
    assert_eq!(canisters, 3);
}
