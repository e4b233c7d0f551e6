//! The page of a running server, as a browser asks for it.

use std::process::Command;

use serde_json::{Value, json};

use crate::gpu_pod;
use crate::server::Server;

struct Page {
    server: Server,
    url: String,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Page {
    fn show() -> Self {
        let server = Server::start_with(None, &["--dashboard-listen", "127.0.0.1:0"]);
        let said = |server: &Server| {
            let log = server.log();
            let (_, address) = log.split_once("showing the page at ")?;
            address.split_whitespace().next().map(str::to_owned)
        };
        server.wait_until("address of the page", |server| said(server).is_some());
        let url = said(&server).unwrap();
        Self { server, url }
    }

    fn ask(&self, method: &str, path: &str, host: Option<&str>) -> Answer {
        let url = format!("{}{path}", self.url);
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request = match host {
            Some(host) => request.header("host", host),
            None => request,
        };
        let agent = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = agent.build().into();
        let mut response = agent.run(request.body(()).unwrap()).unwrap();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| {
            let value = value.to_str().unwrap();
            (name.to_string(), value.to_owned())
        });
        Answer {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    fn html(&self) -> String {
        let answer = self.ask("GET", "/", None);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map_or("", |(_, value)| value)
    }
}

fn half() -> Value {
    let mut pod = gpu_pod();
    pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = json!("0.5");
    pod
}

#[test]
fn the_page_shows_policies_and_what_was_denied() {
    let page = Page::show();
    let before = page.html();
    assert!(before.contains("Nothing was denied since this replica started."));
    assert!(before.contains("<bdi>gpu-limits</bdi>") && before.contains("the default profile"));
    for _ in 0..3 {
        assert_eq!(page.server.ask("validate", &half())["allowed"], false);
    }
    let after = page.html();
    for told in [
        "<code><bdi>gpu-limits/fractional-gpu</bdi></code>",
        "asks for 0.5 nvidia.com/gpu, which is only given out whole",
        "<bdi>ml</bdi>/<bdi>a</bdi>",
        "<strong>3 times</strong> like this",
        "denied in each of the last 60 minutes, at most 3",
        "what gpu-limits did in each of the last 60 minutes",
    ] {
        assert!(after.contains(told), "{told}: {after}");
    }
    page.server.stop();
}

#[test]
fn names_of_pods_are_text_on_the_page() {
    let page = Page::show();
    let mut pod = half();
    let name = "<script>alert(1)</script>\u{202e}\"";
    pod["metadata"]["name"] = json!(name);
    pod["spec"]["containers"][0]["name"] = json!(name);
    assert_eq!(page.server.ask("validate", &pod)["allowed"], false);
    let html = page.html();
    assert!(
        html.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}&quot;"),
        "{html}"
    );
    assert!(!html.contains("<script") && !html.contains('\u{202e}'));
    page.server.stop();
}

#[test]
fn the_page_is_only_read_and_only_by_this_host() {
    let page = Page::show();
    let shown = page.ask("GET", "/", Some("localhost:1234"));
    assert_eq!(shown.status, 200);
    let policy = shown.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
    let head = page.ask("HEAD", "/", None);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let refused = [
        ("GET", "/metrics", None, 404),
        ("POST", "/", None, 405),
        ("DELETE", "/", None, 405),
        ("GET", "/", Some("evil.example"), 421),
        ("GET", "/", Some("127.0.0.1.evil.example:80"), 421),
    ];
    for (method, path, host, status) in refused {
        let answer = page.ask(method, path, host);
        assert_eq!(answer.status, status, "{method} {path} {host:?}");
        assert!(
            !answer.body.contains("gpu-limits"),
            "{method} {path} {host:?}"
        );
    }
    page.server.stop();
}

#[test]
fn without_a_cluster_the_page_is_not_shown_to_others() {
    for (command, option) in [("serve", "--dashboard-listen"), ("dashboard", "--listen")] {
        let mut tollgate = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        tollgate.args([command, option, "0.0.0.0:0"]);
        if command == "serve" {
            tollgate.args(["--self-signed", env!("CARGO_TARGET_TMPDIR")]);
        }
        let output = tollgate.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let why = format!(
            "`{option} 0.0.0.0:0` is reached from elsewhere, and without a cluster nobody says who may see the page"
        );
        assert!(said.contains(&why), "{said}");
    }
}

#[test]
fn without_the_option_no_page_is_shown() {
    let server = Server::start(None);
    server.ask("validate", &half());
    assert!(!server.log().contains("showing the page"));
    server.stop();
}
