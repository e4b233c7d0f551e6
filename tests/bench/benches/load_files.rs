//! Writes what load runs send and use into a folder: the bodies of `/mutate` and `/validate`, one of 1.5 MB, and the
//! documents of a trivial policy beside its component.
//!
//!     load_files FOLDER

#![allow(
    missing_docs,
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use std::path::PathBuf;

use tokio::runtime::Builder;
use tollgate_pipeline::Phase;

mod fixture;

fn main() {
    // Without a folder, as `cargo bench` calls it, there is nothing to do.
    let Some(folder) = std::env::args()
        .nth(1)
        .filter(|folder| !folder.starts_with('-'))
    else {
        return;
    };
    let folder = PathBuf::from(folder);
    let runtime = Builder::new_current_thread().build().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    write("mutate.json", fixture::body(&runtime, Phase::Mutate));
    write("validate.json", fixture::body(&runtime, Phase::Validate));
    write("large.json", large());
    write("trivial.yaml", fixture::trivial(&folder));
}

/// The same request with a pod of 1.5 MB, which is the most that an API server stores: variables are what has no limit.
fn large() -> String {
    let mut review: serde_json::Value = serde_json::from_str(&fixture::compact()).unwrap();
    let variable =
        |index: u32| serde_json::json!({"name": format!("V{index}"), "value": "x".repeat(200)});
    let variables: Vec<_> = (0..6_200).map(variable).collect();
    review["request"]["object"]["spec"]["containers"][0]["env"] = variables.into();
    review.to_string()
}
