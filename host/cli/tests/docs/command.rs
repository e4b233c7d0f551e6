//! What `tollgate review` prints of the cases.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The cases that are about the host and not about a policy.
const OF_THE_HOST: [&str; 4] = ["exemptions", "faults", "isolation", "modes"];

/// A folder of `tests/cases`.
pub struct Case {
    folder: PathBuf,
    /// Its path below `tests/cases`.
    pub name: String,
}

impl Case {
    /// Every case of a policy: first those of the default profile, which say the most, each in order.
    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
        let mut names = Vec::new();
        collect(&root, Path::new(""), &mut names);
        names.retain(|name| !OF_THE_HOST.iter().any(|area| name.starts_with(area)));
        names.sort_by_key(|name| (root.join(name).join("policies.yaml").exists(), name.clone()));
        let case = |name: PathBuf| Self {
            folder: root.join(&name),
            name: name.to_str().unwrap().to_owned(),
        };
        names.into_iter().map(case).collect()
    }

    /// What a policy alone makes of it, as people read it; none where its configuration is not read without more.
    pub fn review(&self, policy: &str) -> Option<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command
            .current_dir(&self.folder)
            .env(
                "TOLLGATE_CACHE_DIR",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
            )
            .args(["review", "--no-color", "--policy", policy, "review.yaml"]);
        if self.folder.join("policies.yaml").exists() {
            command.args(["--config", "policies.yaml"]);
        }
        if self.folder.join("state.yaml").exists() {
            command.args(["--state", "state.yaml"]);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // The last lines count the documents.
        let body = text.rsplit_once("\n\n").map(|(body, _)| body.to_owned());
        body.filter(|_| !matches!(output.status.code(), Some(2..)))
    }

    /// What is known of the cluster in it, if anything is.
    pub fn state(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("state.yaml")).ok()
    }

    /// Its configuration, if it has some.
    pub fn policies(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("policies.yaml")).ok()
    }
}

fn collect(root: &Path, below: &Path, names: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let name = below.join(entry.unwrap().file_name());
        if root.join(&name).join("review.yaml").exists() {
            names.push(name);
        } else if root.join(&name).is_dir() {
            collect(root, &name, names);
        }
    }
}
