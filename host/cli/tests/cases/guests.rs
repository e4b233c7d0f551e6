//! The guests of `tests/hostile`, as components in files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::component::component;

/// The folder that every guest's component is in.
pub static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    fs::create_dir_all(&folder).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile");
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_some_and(|extension| extension == "wat") && name != "prelude" {
            let text = fs::read_to_string(&path).unwrap();
            let wasm = match text.contains("(component") {
                true => wat::parse_str(&text).unwrap(),
                false => component(&text),
            };
            fs::write(folder.join(name).with_extension("wasm"), wasm).unwrap();
        }
    }
    folder
});

/// The configuration, copied beside the guests if it names some.
pub fn beside(policies: PathBuf) -> PathBuf {
    let text = fs::read_to_string(&policies).unwrap();
    if !text.contains("file:") {
        return policies;
    }
    let case = policies.parent().and_then(Path::file_name).unwrap();
    let copy = FOLDER.join(case).with_extension("yaml");
    fs::write(&copy, text).unwrap();
    copy
}
