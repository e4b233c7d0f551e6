//! The folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::guests;

pub struct Case {
    pub folder: PathBuf,
    /// The configuration, where it is not the default profile.
    pub policies: Option<PathBuf>,
    /// What is known of the cluster, where anything is.
    pub state: Option<PathBuf>,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(Case::find);

impl Case {
    /// Every folder that has a review, in order.
    pub fn all() -> &'static [Self] {
        &CASES
    }

    fn find() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
        let mut cases = Vec::new();
        collect(&root.canonicalize().unwrap(), &mut cases);
        cases.sort_by(|a: &Self, b: &Self| a.folder.cmp(&b.folder));
        assert!(cases.len() >= 10, "only {} cases were found", cases.len());
        cases
    }

    pub fn review(&self) -> PathBuf {
        self.folder.join("review.yaml")
    }

    /// The object under review.
    pub fn object(&self) -> Value {
        yaml(&self.review())
    }

    /// The decision that is written.
    pub fn written(&self) -> Value {
        yaml(&self.folder.join("response.yaml"))
    }

    /// Asserts that the decision is the one that is written, or writes it.
    pub fn assert_decision(&self, decision: &Value) {
        let path = self.folder.join("response.yaml");
        if std::env::var_os("UPDATE_CASES").is_some() {
            let text = serde_saphyr::to_string(decision).unwrap();
            fs::write(&path, text).unwrap();
        }
        let expected = self.written();
        assert_eq!(
            *decision,
            expected,
            "{}\n{decision:#}",
            self.folder.display()
        );
    }
}

fn collect(folder: &Path, cases: &mut Vec<Case>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.join("review.yaml").exists() {
            let part = |name: &str| Some(path.join(name)).filter(|path| path.exists());
            cases.push(Case {
                policies: part("policies.yaml").map(guests::beside),
                state: part("state.yaml"),
                folder: path,
            });
        } else if path.is_dir() {
            collect(&path, cases);
        }
    }
}

fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}
