//! The files of the corpus, as its own list names them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the corpus.
pub struct Listed {
    /// Its path in the corpus, which begins with its upstream project.
    pub file: String,
    /// What the survey found in it.
    pub tags: BTreeSet<String>,
}

/// The corpus: where `TOLLGATE_CORPUS` says, else beside the checkout or beside the folder of several.
pub fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let beside = ["../shared/corpus", "../../shared/corpus"].map(|place| root.join(place));
    let elsewhere = std::env::var_os("TOLLGATE_CORPUS").map(PathBuf::from);
    let mut places = elsewhere.into_iter().chain(beside);
    places.find(|place| place.exists())
}

/// Every file of the corpus, those in hidden folders too, in the order of its list.
pub fn read(corpus: &Path) -> Vec<Listed> {
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let rows = index.lines().skip(1).map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        Listed {
            file: cells[0].to_owned(),
            tags: cells[6].split(' ').map(str::to_owned).collect(),
        }
    });
    rows.collect()
}
