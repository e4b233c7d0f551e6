//! TorchServe: what a config map beside it opens.

use tollgate_sdk::below;
use tollgate_sdk::prelude::*;

pub(crate) const OPEN: Rule = Rule::warn(
    "torchserve-open",
    "The configuration of TorchServe keeps its management API on the loopback address and installs no packages of models: else whoever reaches the port runs code in the server.",
)
.about(&["ConfigMap"]);

const ADDRESS: &str = "management_address";
const INSTALL: &str = "install_py_dep_per_model";

/// Addresses that nobody else reaches.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Warns about each entry of a config map that opens TorchServe.
pub(crate) fn report(review: &Review) {
    let data = review.value("/data").unwrap_or_default();
    for (name, text) in data.as_object().into_iter().flatten() {
        let place = below("/data", &[name]);
        for line in text.as_str().unwrap_or_default().lines() {
            report_line(&place, line.trim());
        }
    }
}

fn report_line(place: &str, line: &str) {
    let Some((key, value)) = line.split_once('=') else {
        return;
    };
    let (key, value) = (key.trim(), value.trim());
    let is_reachable = || !LOOPBACK.iter().any(|host| value.contains(host));
    let (message, allowed) = match key {
        ADDRESS if is_reachable() => (
            format!("whoever reaches the management API (`{value}`) loads code"),
            "http://127.0.0.1:8081",
        ),
        INSTALL if value == "true" => (
            "whoever brings a model has the server install what it asks for".to_owned(),
            "false",
        ),
        _ => return,
    };
    OPEN.finding(place, message)
        .actual(line)
        .allowed(format!("{key}={allowed}"))
        .fix(format!("write `{key}={allowed}`"))
        .report();
}
