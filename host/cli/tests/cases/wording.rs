//! How findings are worded.

use serde_json::Value;

/// The longest message, in bytes.
const MESSAGE_MAX: usize = 1 << 10;

/// What is wrong with the wording of a finding, as the decision object has it.
pub fn faults(finding: &Value) -> Vec<String> {
    let text = |key: &str| finding[key].as_str().unwrap_or_default();
    let mut faults = Vec::new();
    if !text("path").starts_with('/') {
        faults.push(format!("its path `{}` leads to no field", text("path")));
    }
    for part in ["message", "actual", "allowed", "fix"] {
        let value = text(part);
        if value.trim().is_empty() {
            faults.push(format!("it has no `{part}`"));
        }
        if value.len() > MESSAGE_MAX {
            faults.push(format!(
                "its `{part}` has {} bytes, more than {MESSAGE_MAX}",
                value.len()
            ));
        }
    }
    for part in ["message", "fix"] {
        let value = text(part);
        if begins_like_a_sentence(value) {
            faults.push(format!(
                "its `{part}` begins with a capital letter: {value}"
            ));
        }
        if value.ends_with('.') && !value.ends_with("…") {
            faults.push(format!("its `{part}` ends with a full stop: {value}"));
        }
    }
    faults
}

/// Whether a text begins with a word that is capital only because it begins. `GPU` and `OpenMPI` are names.
fn begins_like_a_sentence(text: &str) -> bool {
    let word = text
        .split(|letter: char| !letter.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.all(char::is_lowercase)
        && !NAMES.contains(&word)
}

/// Names that are written like the first word of a sentence.
const NAMES: &[&str] = &[
    "Karpenter",
    "Kubernetes",
    "Neuron",
    "Gaudi",
    "Ray",
    "Triton",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::faults;

    #[test]
    fn a_finding_without_fault_has_every_part() {
        let good = json!({"policy": "p", "rule": "r", "severity": "warn", "path": "/spec", "message": "`a` is b",
            "actual": "b", "allowed": "c", "fix": "write c"});
        assert!(faults(&good).is_empty());
        for (key, value, told) in [
            (
                "path",
                json!(""),
                "its path `` leads to no field".to_owned(),
            ),
            ("actual", json!(null), "it has no `actual`".to_owned()),
            ("allowed", json!(" "), "it has no `allowed`".to_owned()),
            (
                "fix",
                json!("Write c"),
                "its `fix` begins with a capital letter: Write c".to_owned(),
            ),
            (
                "fix",
                json!("write c."),
                "its `fix` ends with a full stop: write c.".to_owned(),
            ),
            (
                "message",
                json!("x".repeat(1025)),
                "its `message` has 1025 bytes, more than 1024".to_owned(),
            ),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            assert!(faults(&bad).contains(&told), "{told}: {:?}", faults(&bad));
        }
    }
}
