//! Decisions of `tollgate serve`, asked over TLS as the API server asks.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::case::Case;

/// Asserts that `/mutate` and `/validate` come to the same verdict, patch, authors and findings.
pub fn assert_same(case: &Case, decision: &Value) {
    let server = Server::start(case);
    let mut object = case.object();
    let is_pod = object["kind"] == "Pod";
    let mut allowed = true;
    let mut findings = Vec::new();
    if is_pod {
        let mutated = server.ask("mutate", &object);
        allowed &= mutated["allowed"] == true;
        collect_findings(&mutated, &mut findings);
        let patch = patch_of(&mutated);
        // What is refused at once is not changed as well.
        let expected = if allowed {
            decision_patch(decision)
        } else {
            Vec::new()
        };
        assert_eq!(
            with_authors(&patch, &mutated),
            expected,
            "{}",
            case.folder.display()
        );
        json_patch::patch(
            &mut object,
            &serde_json::from_value::<json_patch::Patch>(Value::Array(patch)).unwrap(),
        )
        .unwrap();
    }
    // The API server does not validate what was refused already.
    if allowed {
        let validated = server.ask("validate", &object);
        assert!(validated.get("patch").is_none(), "a patch from /validate");
        allowed &= validated["allowed"] == true;
        collect_findings(&validated, &mut findings);
        let expected = lines(decision, |_| true);
        let unexpected: Vec<_> = findings
            .iter()
            .filter(|line| !expected.contains(line))
            .collect();
        assert!(
            unexpected.is_empty(),
            "{}: {unexpected:#?} is not in {expected:#?}",
            case.folder.display()
        );
        let missing: Vec<_> = expected
            .iter()
            .filter(|line| !findings.contains(line))
            .collect();
        assert!(
            missing.is_empty(),
            "{}: {missing:#?} is not in {findings:#?}",
            case.folder.display()
        );
    } else {
        let denials = lines(decision, |severity| severity == "deny");
        assert!(
            findings
                .iter()
                .filter(|line| line.starts_with("deny"))
                .all(|line| denials.contains(line))
        );
    }
    assert_eq!(
        json!(allowed),
        decision["allowed"],
        "{}",
        case.folder.display()
    );
    server.stop();
}

/// The full findings, as the audit annotation has them.
fn collect_findings(response: &Value, findings: &mut Vec<String>) {
    let text = response["auditAnnotations"]["findings"]
        .as_str()
        .unwrap_or_default();
    findings.extend(text.lines().map(str::to_owned));
}

/// The findings of a decision in the words of the audit annotation.
fn lines(decision: &Value, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let findings = decision["findings"].as_array().into_iter().flatten();
    let findings = findings.filter(|finding| wanted(&text(finding, "severity")));
    let line = |finding: &Value| {
        let fix = finding
            .get("fix")
            .map(|fix| format!("; fix: {}", fix.as_str().unwrap()))
            .unwrap_or_default();
        format!(
            "{} {}/{}: {} (at {}{fix})",
            text(finding, "severity"),
            text(finding, "policy"),
            text(finding, "rule"),
            text(finding, "message"),
            text(finding, "path")
        )
    };
    findings.map(line).collect()
}

fn patch_of(response: &Value) -> Vec<Value> {
    let Some(encoded) = response.get("patch") else {
        assert!(
            response.get("patchType").is_none(),
            "patchType without patch"
        );
        return Vec::new();
    };
    assert_eq!(response["patchType"], "JSONPatch");
    let text = base64::engine::general_purpose::STANDARD
        .decode(encoded.as_str().unwrap())
        .unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn with_authors(patch: &[Value], response: &Value) -> Vec<Value> {
    let edits = response["auditAnnotations"]["edits"]
        .as_str()
        .unwrap_or("[]");
    let edits: Vec<Value> = serde_json::from_str(edits).unwrap();
    assert_eq!(edits.len(), patch.len(), "an author for every operation");
    let join = |(op, edit): (&Value, &Value)| {
        let mut op = op.clone();
        op["policy"] = edit["policy"].clone();
        op["rule"] = edit["rule"].clone();
        op
    };
    patch.iter().zip(&edits).map(join).collect()
}

/// The patch of a decision, each operation with its author.
fn decision_patch(decision: &Value) -> Vec<Value> {
    decision["patch"].as_array().cloned().unwrap_or_default()
}

struct Server {
    process: Child,
    url: String,
    agent: ureq::Agent,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(case: &Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
            "--grace",
            "0",
            "--self-signed",
        ]);
        command.arg(folder.path()).stderr(Stdio::piped());
        if let Some(policies) = case.policies() {
            command.arg("--config").arg(policies);
        }
        let mut process = command.spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let url = log.by_ref().map_while(Result::ok).find_map(|line| {
            said += &line;
            let url = line
                .split_whitespace()
                .find(|word| word.starts_with("https://"));
            url.map(str::to_owned)
        });
        std::thread::spawn(move || log.count());
        let url = url.unwrap_or_else(|| panic!("the server did not say where it listens: {said}"));
        let authority = std::fs::read(folder.path().join("ca.crt")).unwrap();
        let agent = agent(&authority);
        Self {
            process,
            url,
            agent,
            _folder: folder,
        }
    }

    fn ask(&self, endpoint: &str, object: &Value) -> Value {
        let api_version = object["apiVersion"].as_str().unwrap();
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
                "kind": {"group": group, "version": version, "kind": object["kind"]},
                "operation": "CREATE",
                "namespace": object["metadata"]["namespace"].as_str().unwrap_or("default"),
                "name": object["metadata"]["name"],
                "userInfo": {"username": "user", "groups": []},
                "object": object,
            },
        });
        let url = format!("{}/{endpoint}?timeout=10s", self.url);
        let request = self
            .agent
            .post(&url)
            .header("content-type", "application/json");
        let mut response = request.send(review.to_string()).unwrap();
        let answer: Value =
            serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].clone()
    }

    /// Ends the server as Kubernetes does, which must go well.
    fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(
            self.process.wait().unwrap().success(),
            "exit status 0 after SIGTERM"
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn agent(authority: &[u8]) -> ureq::Agent {
    use ureq::tls::{Certificate, RootCerts, TlsConfig};
    let authority = Certificate::from_pem(authority).unwrap();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(vec![authority])))
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}
