//! The files of a configuration.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::diagnostic::Diagnostic;

/// Returns the files that paths stand for, each once: a file stands for itself, a folder for the
/// `*.yaml`, `*.yml` and `*.json` in it and in its folders, in the order of their names.
///
/// What begins with a dot is left out in folders. A mounted ConfigMap shows each file twice, as
/// `policy.yaml -> ..data/policy.yaml` and within `..data`; so it is read once.
pub fn list(paths: &[PathBuf], wrong: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut list = List {
        files: Vec::new(),
        seen: BTreeSet::new(),
        wrong,
    };
    for path in paths {
        list.add(path);
    }
    list.files
}

/// Returns what to say about a file or folder that cannot be read.
pub(super) fn unreadable(path: &Path, err: &io::Error) -> Diagnostic {
    Diagnostic::of_file(path.display().to_string(), format!("cannot be read: {err}"))
}

struct List<'w> {
    files: Vec<PathBuf>,
    /// Where files and folders really are, so that links cannot lead in circles.
    seen: BTreeSet<PathBuf>,
    wrong: &'w mut Vec<Diagnostic>,
}

impl List<'_> {
    fn add(&mut self, path: &Path) {
        match fs::metadata(path) {
            Err(err) => self.wrong.push(unreadable(path, &err)),
            Ok(_) if !self.is_new(path) => {}
            Ok(metadata) if metadata.is_dir() => self.add_folder(path),
            Ok(_) => self.files.push(path.to_owned()),
        }
    }

    /// A pipe (`<(…)`) has no other place than its path.
    fn is_new(&mut self, path: &Path) -> bool {
        self.seen
            .insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
    }

    fn add_folder(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(err) => return self.wrong.push(unreadable(folder, &err)),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for path in entries
            .iter()
            .map(fs::DirEntry::path)
            .filter(|path| !is_hidden(path))
        {
            if is_document(&path) || path.is_dir() {
                self.add(&path);
            }
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["yaml", "yml", "json"]
            .iter()
            .any(|known| extension == *known)
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::list;

    fn listed(folder: &Path, paths: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut wrong = Vec::new();
        let paths: Vec<_> = paths.iter().map(|path| folder.join(path)).collect();
        let short = |path: String| path.replace(&format!("{}/", folder.display()), "");
        let files = list(&paths, &mut wrong)
            .iter()
            .map(|path| short(path.display().to_string()))
            .collect();
        (
            files,
            wrong
                .iter()
                .map(|diagnostic| short(diagnostic.to_string()))
                .collect(),
        )
    }

    fn write(folder: &Path, files: &[&str]) {
        for file in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }

    #[test]
    fn a_folder_stands_for_its_documents_in_order() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[
                "c/b.yml",
                "b.yaml",
                "a.json",
                "c/a.yaml",
                "README.md",
                ".git/x.yaml",
                ".hidden.yaml",
            ],
        );
        let (files, wrong) = listed(folder.path(), &[""]);
        assert_eq!(files, ["a.json", "b.yaml", "c/a.yaml", "c/b.yml"]);
        assert!(wrong.is_empty());
    }

    #[test]
    fn a_named_file_is_read_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[".policies", "a.yaml"]);
        assert_eq!(listed(folder.path(), &[".policies"]).0, [".policies"]);
    }

    #[test]
    fn a_mounted_config_map_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &["..2026_11_23/policy.yaml", "..2026_11_23/site.yaml"],
        );
        symlink("..2026_11_23", folder.path().join("..data")).unwrap();
        for file in ["policy.yaml", "site.yaml"] {
            symlink(format!("..data/{file}"), folder.path().join(file)).unwrap();
        }
        assert_eq!(listed(folder.path(), &[""]).0, ["policy.yaml", "site.yaml"]);
    }

    #[test]
    fn what_is_named_twice_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a.yaml", "b.yaml"]);
        symlink(".", folder.path().join("circle")).unwrap();
        assert_eq!(
            listed(folder.path(), &["b.yaml", "", "a.yaml"]).0,
            ["b.yaml", "a.yaml"]
        );
    }

    #[test]
    fn what_is_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a.yaml"]);
        symlink("nowhere.yaml", folder.path().join("b.yaml")).unwrap();
        let (files, wrong) = listed(folder.path(), &["", "missing"]);
        assert_eq!(files, ["a.yaml"]);
        assert_eq!(
            wrong,
            [
                "b.yaml: cannot be read: No such file or directory (os error 2)",
                "missing: cannot be read: No such file or directory (os error 2)",
            ]
        );
    }
}
