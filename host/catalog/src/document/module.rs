//! Where a policy's component comes from.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::written::{Misread, Written, as_text};

/// Where the component of a policy is, and which of its policies is meant: `builtin:NAME`,
/// `file:PATH#NAME` or `oci://REGISTRY/REPOSITORY@sha256:DIGEST#NAME`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Module {
    /// A policy that comes with Tollgate.
    Builtin {
        /// The policy.
        name: String,
    },
    /// A policy of a component in a file.
    File {
        /// The file. As it is written it counts from the folder of the document, as it is read from
        /// where the process runs.
        path: PathBuf,
        /// The policy within the component.
        name: String,
    },
    /// A policy of a component in a registry.
    Oci {
        /// Registry and repository.
        repository: String,
        /// The digest of the manifest, in hexadecimal digits.
        sha256: String,
        /// The policy within the component.
        name: String,
    },
}

as_text!(Module);

const FORMS: &str =
    "`builtin:NAME`, `file:PATH#NAME` or `oci://REGISTRY/REPOSITORY@sha256:DIGEST#NAME`";

impl Module {
    /// The name of the policy within its component.
    pub fn policy(&self) -> &str {
        match self {
            Self::Builtin { name } | Self::File { name, .. } | Self::Oci { name, .. } => name,
        }
    }

    /// Returns the same with its file counted from a folder.
    pub(super) fn within(self, folder: &Path) -> Self {
        match self {
            Self::File { path, name } => Self::File {
                path: folder.join(path),
                name,
            },
            other => other,
        }
    }
}

impl Written for Module {
    const FORMAT: &'static str = "tollgate-module";

    fn read(text: &str) -> Result<Self, Misread> {
        if let Some(name) = text.strip_prefix("builtin:") {
            return Ok(Self::Builtin {
                name: policy(text, name)?,
            });
        }
        if let Some(rest) = text.strip_prefix("file:") {
            let (path, name) = split(text, rest)?;
            return Ok(Self::File {
                path: path.into(),
                name,
            });
        }
        if let Some(rest) = text.strip_prefix("oci://") {
            let (reference, name) = split(text, rest)?;
            return oci(text, reference, name);
        }
        let hint = match text.contains([':', '/', '#']) || text.is_empty() {
            true => format!("write {FORMS}"),
            false => format!("did you mean `builtin:{text}`?"),
        };
        Err(Misread::new(format!("`{text}` is no module")).hint(hint))
    }
}

fn oci(text: &str, reference: &str, name: String) -> Result<Module, Misread> {
    let pinned = reference
        .split_once("@sha256:")
        .filter(|(repository, digest)| {
            repository.contains('/')
                && digest.len() == 64
                && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
    match pinned {
        Some((repository, sha256)) => Ok(Module::Oci {
            repository: repository.to_owned(),
            sha256: sha256.to_lowercase(),
            name,
        }),
        None => Err(
            Misread::new(format!("`{text}` does not say which content is meant")).hint(
                "write `oci://REGISTRY/REPOSITORY@sha256:DIGEST#NAME`, with a digest of 64 digits",
            ),
        ),
    }
}

fn split<'t>(text: &str, rest: &'t str) -> Result<(&'t str, String), Misread> {
    match rest.rsplit_once('#') {
        Some((place, name)) if !place.is_empty() => Ok((place, policy(text, name)?)),
        _ => Err(no_policy(text)),
    }
}

fn policy(text: &str, name: &str) -> Result<String, Misread> {
    match name.is_empty() || name.contains(['#', '/', ':']) || name.contains(char::is_whitespace) {
        true => Err(no_policy(text)),
        false => Ok(name.to_owned()),
    }
}

fn no_policy(text: &str) -> Misread {
    Misread::new(format!("`{text}` does not name a policy")).hint(format!("write {FORMS}"))
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin { name } => write!(f, "builtin:{name}"),
            Self::File { path, name } => write!(f, "file:{}#{name}", path.display()),
            Self::Oci {
                repository,
                sha256,
                name,
            } => write!(f, "oci://{repository}@sha256:{sha256}#{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Module, Written};

    #[test]
    fn reads_and_writes_each_form() {
        let digest = "0123456789abcdef".repeat(4);
        for text in [
            "builtin:gpu-tolerations",
            "file:my.wasm#team-label",
            "file:../policies/a#b.wasm#x",
            &format!("oci://registry.example/team/policies@sha256:{digest}#team-label"),
        ] {
            assert_eq!(Module::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Module::read("file:a.wasm#x").unwrap().policy(), "x");
    }

    #[test]
    fn a_file_counts_from_the_folder_of_its_document() {
        let within = |text| {
            Module::read(text)
                .unwrap()
                .within(Path::new("etc/tollgate"))
                .to_string()
        };
        assert_eq!(within("file:my.wasm#x"), "file:etc/tollgate/my.wasm#x");
        assert_eq!(within("file:/opt/my.wasm#x"), "file:/opt/my.wasm#x");
        assert_eq!(within("builtin:x"), "builtin:x");
    }

    #[test]
    fn refuses_what_names_no_policy() {
        for text in [
            "builtin:",
            "file:my.wasm",
            "file:#x",
            "file:my.wasm#",
            "builtin:a b",
            "oci://r/p",
        ] {
            let misread = Module::read(text).unwrap_err();
            assert_eq!(misread.message, format!("`{text}` does not name a policy"));
        }
    }

    #[test]
    fn refuses_an_image_without_a_digest() {
        for text in [
            "oci://r/p:v1#x",
            "oci://r/p@sha256:12#x",
            "oci://p@sha256:#x",
        ] {
            let misread = Module::read(text).unwrap_err();
            assert_eq!(
                misread.message,
                format!("`{text}` does not say which content is meant")
            );
        }
    }

    #[test]
    fn hints_at_the_form_that_was_meant() {
        let hint = |text| Module::read(text).unwrap_err().hint.unwrap();
        assert_eq!(hint("gpu-limits"), "did you mean `builtin:gpu-limits`?");
        assert!(
            hint("https://a/b.wasm")
                .starts_with("write `builtin:NAME`, `file:PATH#NAME` or `oci://")
        );
    }
}
