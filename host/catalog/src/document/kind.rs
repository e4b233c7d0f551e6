//! The kinds that a policy looks at.

use std::fmt;

use tollgate_admission::Kinds;

use super::{
    nearest::did_you_mean,
    written::{Misread, Name, Written, as_text},
};

/// A kind of object whatever its version: `Kind` for one of the core group, else `Kind.group`, such
/// as `PyTorchJob.kubeflow.org`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KindName {
    /// The kind.
    pub kind: String,
    /// The API group; empty for the core group.
    pub group: String,
}

as_text!(KindName);

impl Written for KindName {
    const FORMAT: &'static str = "tollgate-kind";

    fn read(text: &str) -> Result<Self, Misread> {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        let letters = kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_kind = letters && kind.starts_with(|first: char| first.is_ascii_uppercase());
        if !is_kind || (text.contains('.') && Name::read(group).is_err()) {
            let meant = did_you_mean(
                kind,
                Kinds::builtin().rows().iter().map(|row| row.kind.as_str()),
            );
            return Err(Misread::new(format!("`{text}` is no kind{meant}"))
                .hint("write `Kind` for one of the core group, else `Kind.group`, such as `Deployment.apps`"));
        }
        match elsewhere(kind, group) {
            Some(right) => Err(
                Misread::new(format!("there is no `{kind}` {}", in_group(group))).hint(format!(
                    "write `{kind}{}{right}`",
                    if right.is_empty() { "" } else { "." }
                )),
            ),
            None => Ok(Self {
                kind: kind.to_owned(),
                group: group.to_owned(),
            }),
        }
    }
}

/// The group in which a kind of Kubernetes itself is, where it is not the one given. Without this,
/// a policy for `Deployment` would silently never match.
fn elsewhere(kind: &str, group: &str) -> Option<&'static str> {
    let built_in = |group: &str| !group.contains('.');
    let mut rows = Kinds::builtin()
        .rows()
        .iter()
        .filter(|row| row.kind == kind && built_in(&row.group))
        .map(|row| row.group.as_str());
    let right = rows.next()?;
    (built_in(group) && right != group && !rows.any(|other| other == group)).then_some(right)
}

fn in_group(group: &str) -> String {
    match group {
        "" => "in the core group".to_owned(),
        group => format!("in the group `{group}`"),
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group.as_str() {
            "" => f.write_str(&self.kind),
            group => write!(f, "{}.{group}", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KindName, Written};

    #[test]
    fn reads_and_writes_kinds() {
        for text in [
            "Pod",
            "Deployment.apps",
            "Job.batch",
            "Job.batch.volcano.sh",
            "PyTorchJob.kubeflow.org",
        ] {
            assert_eq!(KindName::read(text).unwrap().to_string(), text);
        }
        let kind = KindName::read("PyTorchJob.kubeflow.org").unwrap();
        assert_eq!(
            (&kind.kind[..], &kind.group[..]),
            ("PyTorchJob", "kubeflow.org")
        );
    }

    #[test]
    fn refuses_what_is_no_kind() {
        let message = |text| KindName::read(text).unwrap_err().message;
        assert_eq!(message("pod"), "`pod` is no kind; did you mean `Pod`?");
        assert_eq!(
            message("deployments"),
            "`deployments` is no kind; did you mean `Deployment`?"
        );
        assert_eq!(message("apps/v1"), "`apps/v1` is no kind");
        assert_eq!(
            message("Deployment."),
            "`Deployment.` is no kind; did you mean `Deployment`?"
        );
        assert_eq!(message(""), "`` is no kind");
    }

    #[test]
    fn refuses_a_kind_of_kubernetes_in_the_wrong_group() {
        let misread = KindName::read("Deployment").unwrap_err();
        assert_eq!(
            misread.message,
            "there is no `Deployment` in the core group"
        );
        assert_eq!(misread.hint.as_deref(), Some("write `Deployment.apps`"));
        let misread = KindName::read("Pod.apps").unwrap_err();
        assert_eq!(misread.message, "there is no `Pod` in the group `apps`");
        assert_eq!(misread.hint.as_deref(), Some("write `Pod`"));
    }
}
