//! The real server, started by its binary and asked over TLS as the API server asks.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub struct Server {
    process: Child,
    url: String,
    metrics: String,
    agent: ureq::Agent,
    log: Arc<Mutex<String>>,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts the server with a configuration, if one is given, and waits until it is ready.
    pub fn start(config: Option<&Path>) -> Self {
        Self::start_with(config, &[])
    }

    /// Starts it with further options.
    pub fn start_with(config: Option<&Path>, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
        ]);
        command
            .args(["--grace", "0", "--self-signed"])
            .arg(folder.path())
            .args(options)
            .stderr(Stdio::piped());
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let said: String = lines
            .by_ref()
            .map_while(Result::ok)
            .take_while_inclusive(|line| !line.contains("https://"))
            .collect();
        let word = |start: &str| {
            said.split_whitespace()
                .find(|word| word.starts_with(start))
                .map(str::to_owned)
        };
        let (url, metrics) = word("https://")
            .zip(word("http://"))
            .unwrap_or_else(|| panic!("no addresses: {said}"));
        let log = Arc::new(Mutex::new(said));
        let rest = Arc::clone(&log);
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| *rest.lock().unwrap() += &(line + "\n"));
        });
        let authority = std::fs::read(folder.path().join("ca.crt")).unwrap();
        let server = Self {
            process,
            url,
            metrics,
            agent: agent(&authority),
            log,
            _folder: folder,
        };
        server.wait_until("readiness", |server| server.get("/readyz").0 == 200);
        server
    }

    /// Asks for the verdict on a new object; gives the response.
    pub fn ask(&self, endpoint: &str, object: &Value) -> Value {
        let review = review_of(object);
        let (status, answer) = self.post(endpoint, review.to_string().as_bytes());
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].clone()
    }

    /// Sends a body; gives status and text.
    pub fn post(&self, endpoint: &str, body: &[u8]) -> (u16, String) {
        self.post_with(endpoint, body, &[])
    }

    /// Sends a body with further headers.
    pub fn post_with(
        &self,
        endpoint: &str,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> (u16, String) {
        let url = format!("{}/{endpoint}?timeout=10s", self.url);
        let mut request = self
            .agent
            .post(&url)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body).unwrap();
        (
            response.status().as_u16(),
            response.body_mut().read_to_string().unwrap(),
        )
    }

    /// Gets a path of the second listener.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = self
            .agent
            .get(format!("{}{path}", self.metrics))
            .call()
            .unwrap();
        (
            response.status().as_u16(),
            response.body_mut().read_to_string().unwrap(),
        )
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits, 20 s at most.
    pub fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !done(self) {
            assert!(
                Instant::now() < end,
                "no {what} within 20 s: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server as Kubernetes does, which must go well.
    pub fn stop(mut self) {
        self.signal("-TERM");
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

/// Like `take_while`, with the item that ends it.
trait TakeWhileInclusive: Iterator + Sized {
    fn take_while_inclusive(
        self,
        go_on: impl Fn(&Self::Item) -> bool,
    ) -> impl Iterator<Item = Self::Item> {
        let mut items = self;
        let mut ended = false;
        std::iter::from_fn(move || {
            let item = (!ended).then(|| items.next()).flatten()?;
            ended = !go_on(&item);
            Some(item)
        })
    }
}

impl<I: Iterator> TakeWhileInclusive for I {}

/// An AdmissionReview to create an object.
pub fn review_of(object: &Value) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap();
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    json!({
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
    })
}

fn agent(authority: &[u8]) -> ureq::Agent {
    use ureq::tls::{Certificate, RootCerts, TlsConfig};
    let authority = Certificate::from_pem(authority).unwrap();
    let roots = RootCerts::Specific(Arc::new(vec![authority]));
    let tls = TlsConfig::builder().root_certs(roots).build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false);
    config
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}
