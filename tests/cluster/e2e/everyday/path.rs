//! A new operator's path: the commands of `docs/operations.md`, as they stand there, do what the page says.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, binary, until};

use crate::pods::{spec, wants};

const PAGE: &str = include_str!("../../../../docs/operations.md");
const WEBHOOKS: (&str, &str) = (
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
);

/// A shell in which `kubectl` and `tollgate` are those under test.
struct Shell {
    folder: PathBuf,
    kubeconfig: String,
}

impl Shell {
    fn new(cluster: &Cluster) -> Result<Self> {
        let folder = cluster.folder().join("path");
        std::fs::create_dir(&folder)?;
        let tollgate = std::env::var("TOLLGATE_BIN").context("no binary")?;
        let kubectl = format!("{} kubectl", binary("testcluster")?.display());
        for (name, command) in [("kubectl", kubectl), ("tollgate", tollgate)] {
            let file = folder.join(name);
            std::fs::write(&file, format!("#!/bin/sh\nexec {command} \"$@\"\n"))?;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
        }
        let kubeconfig = cluster.kubeconfig().display().to_string();
        Ok(Self { folder, kubeconfig })
    }

    /// Runs what the page says from a line on that begins so, and gives whether it ended well, and all that was said.
    fn run(&self, begins: &str) -> Result<(bool, String)> {
        let command = snippet(begins)?;
        let path = std::env::var("PATH")?;
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", &command])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .env("PATH", format!("{}:{path}", self.folder.display()))
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null())
            .output()?;
        let [told, said] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
        Ok((output.status.success(), format!("{told}{said}")))
    }

    fn succeeds(&self, begins: &str) -> Result<String> {
        let (is_well, said) = self.run(begins)?;
        ensure!(is_well, "`{begins}`: {said}");
        Ok(said)
    }
}

/// A command of the page: the line that begins so, those that it goes on in, and a text that it is given.
fn snippet(begins: &str) -> Result<String> {
    let lines = PAGE.lines().map(str::trim_start);
    let mut lines = lines.skip_while(|line| !line.starts_with(begins));
    let mut command = String::new();
    let mut ends = "";
    for line in lines.by_ref() {
        command += &format!("{line}\n");
        if line.ends_with("<<END") {
            ends = "END";
        }
        match ends {
            "" if line.ends_with('\\') => {}
            "" => break,
            _ if line == ends => break,
            _ => {}
        }
    }
    ensure!(!command.is_empty(), "the page has no `{begins}`");
    Ok(command)
}

pub(crate) async fn the_commands_of_the_page_do_what_it_says(_: &Cluster) -> Result<()> {
    Cluster::own(2, async |cluster, tollgate| {
        let shell = Shell::new(cluster)?;
        for name in ["ml-test", "ml"] {
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            cluster.objects().create("", &namespace).await?;
        }
        first_denial(&shell).await?;
        steps(cluster, &shell).await?;
        owners(&shell)?;
        fail_open(cluster, tollgate, &shell).await?;
        let said = shell.succeeds("tollgate uninstall --namespace tollgate-system")?;
        let left = cluster.objects().list(WEBHOOKS, "", "").await?;
        ensure!(
            left.iter().all(|it| it["metadata"]["name"] != "tollgate"),
            "{said} {left:#?}"
        );
        Ok(())
    })
    .await
}

async fn first_denial(shell: &Shell) -> Result<()> {
    let known = shell.succeeds("kubectl get mutatingwebhookconfigurations,")?;
    ensure!(
        known
            .matches(".admissionregistration.k8s.io/tollgate")
            .count()
            == 2,
        "{known}"
    );
    until("the first denial is seen", async || {
        let (is_well, said) = shell.run("kubectl -n ml-test run half")?;
        ensure!(
            !is_well && said.contains("gpu-limits/fractional-gpu") && said.contains("fix:"),
            "{said}"
        );
        Ok(())
    })
    .await?;
    // Nothing is there yet that could be refused.
    let said = shell.succeeds("tollgate audit --cluster --print")?;
    ensure!(!said.contains("kind: PolicyReport"), "{said}");
    until("the doctor finds all well", async || {
        let (is_well, said) = shell.run("tollgate doctor --cluster")?;
        ensure!(is_well && said.contains("registration"), "{said}");
        Ok(())
    })
    .await
}

/// A pod that is refused while rules are enforced.
fn privileged() -> Value {
    let mut pod = wants("privileged", "nvidia.com/gpu", "1");
    pod["spec"] = spec("nvidia.com/gpu", "1");
    pod["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    pod
}

async fn until_let_in(cluster: &Cluster, is_let_in: bool) -> Result<()> {
    until(
        &format!("a privileged pod is let in: {is_let_in}"),
        async || {
            match cluster.objects().dry_run("ml", &privileged()).await {
                Ok(pod) => ensure!(is_let_in, "it is: {pod}"),
                Err(err) => ensure!(
                    !is_let_in && err.to_string().contains("gpu-isolation/privileged"),
                    "{err}"
                ),
            }
            Ok(())
        },
    )
    .await
}

/// Observe, enforce again, and one policy that is switched off.
async fn steps(cluster: &Cluster, shell: &Shell) -> Result<()> {
    until_let_in(cluster, false).await?;
    let applied = shell.succeeds("tollgate policy list --no-color | awk")?;
    ensure!(applied.contains("gpu-isolation created"), "{applied}");
    until_let_in(cluster, true).await?;
    cluster
        .kubectl(&["delete", "policies.tollgate.dev", "--all"])
        .await?;
    until_let_in(cluster, false).await?;
    shell.succeeds("kubectl apply -f - <<END")?;
    until("the policy is off on every replica", async || {
        let policy = cluster
            .objects()
            .get(("tollgate.dev/v1alpha1", "Policy"), "", "gpu-limits")
            .await?;
        let replicas = policy["status"]["replicas"].as_array().map_or(0, Vec::len);
        ensure!(
            policy["spec"]["mode"] == "off" && replicas == 2,
            "{}",
            policy["status"]
        );
        Ok(())
    })
    .await?;
    let policies = cluster
        .kubectl(&["get", "policies.tollgate.dev", "-o", "wide"])
        .await?;
    ensure!(policies.contains("gpu-limits"), "{policies}");
    Ok(())
}

/// What is asked of events is understood, also where there are none.
fn owners(shell: &Shell) -> Result<()> {
    shell
        .succeeds("kubectl -n ml get events.events.k8s.io")
        .map(drop)
}

/// Open, the series that the first alert goes by, and closed again.
async fn fail_open(
    cluster: &Cluster,
    tollgate: &mut tollgate_e2e::Installation,
    shell: &Shell,
) -> Result<()> {
    let (undone, done) = ("tollgate fail-open --undo", "tollgate fail-open");
    run(shell, done)?;
    until("replicas tell that it is open", async || {
        for replica in tollgate.running() {
            ensure!(
                replica.metrics().await?.contains("tollgate_fail_open 1"),
                "one does not"
            );
        }
        Ok(())
    })
    .await?;
    tollgate.kill_all()?;
    // Nobody answers, and so it is let in.
    until_let_in(cluster, true).await?;
    run(shell, undone)?;
    // The API server reads the configuration some time after it was written.
    until("it is closed again", async || {
        let refused = cluster.objects().dry_run("ml", &privileged()).await;
        let said = refused.err().context("it is still open")?.to_string();
        ensure!(said.contains("failed calling webhook"), "{said}");
        Ok(())
    })
    .await
}

/// Runs a command that the page has within a line.
fn run(shell: &Shell, command: &str) -> Result<()> {
    ensure!(
        PAGE.contains(&format!("`{command}`")),
        "the page has no `{command}`"
    );
    let mut words = command.split(' ').skip(1).collect::<Vec<_>>();
    words.extend(["--kubeconfig", &shell.kubeconfig]);
    tollgate_e2e::tollgate_says(&words).map(drop)
}
