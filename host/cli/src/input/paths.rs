//! The files that paths stand for.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tollgate_catalog::Diagnostic;

/// A text to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    Stdin,
    File(PathBuf),
}

/// What files in folders must end in.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

impl Source {
    /// What messages call it.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Stdin => "stdin".into(),
            Self::File(path) => path.to_string_lossy(),
        }
    }

    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::Stdin => {
                let mut bytes = Vec::new();
                io::stdin().lock().read_to_end(&mut bytes)?;
                Ok(bytes)
            }
            Self::File(path) => fs::read(path),
        }
    }
}

/// Finds the texts: those of a folder in the order of their names. Every path that leads to nothing is told.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<Source>, Vec<Diagnostic>> {
    let mut sources = Vec::new();
    let mut wrong = Vec::new();
    for path in paths {
        match find_one(path) {
            Ok(found) => sources.extend(found),
            Err(message) => wrong.push(Diagnostic::of_file(path.to_string_lossy(), message)),
        }
    }
    if wrong.is_empty() {
        Ok(sources)
    } else {
        Err(wrong)
    }
}

fn find_one(path: &Path) -> Result<Vec<Source>, String> {
    if path == Path::new("-") {
        return Ok(vec![Source::Stdin]);
    }
    match fs::metadata(path) {
        Ok(kind) if kind.is_dir() => {
            let mut files = Vec::new();
            search(path, &mut files).map_err(|err| format!("cannot be searched: {err}"))?;
            if files.is_empty() {
                return Err("no .yaml, .yml or .json file in this folder".to_owned());
            }
            Ok(files)
        }
        Ok(_) => Ok(vec![Source::File(path.to_owned())]),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            Err("no such file or folder".to_owned())
        }
        Err(err) => Err(format!("cannot be read: {err}")),
    }
}

/// Adds the manifests below a folder. Links to folders are not followed, since they may lead back up.
fn search(folder: &Path, files: &mut Vec<Source>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.retain(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // `./` before every name would be noise.
        let path = if folder == Path::new(".") {
            entry.file_name().into()
        } else {
            entry.path()
        };
        if entry.file_type()?.is_dir() {
            search(&path, files)?;
        } else if is_manifest(&path) && !path.is_dir() {
            files.push(Source::File(path));
        }
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.contains(&extension))
}
