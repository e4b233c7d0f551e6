//! What the API server would refuse in the parts that edits touch.
//!
//! Source: `pkg/apis/core/validation` of Kubernetes 1.36. Texts follow the API server's where it has one.

use tollgate_gpu::Quantity;

/// Lengths of the API's names, in bytes.
const LABEL_MAX: usize = 63;
const SUBDOMAIN_MAX: usize = 253;
const PORT_NAME_MAX: usize = 15;

/// A DNS label: volume and probe names.
pub(crate) fn dns_label(name: &str) -> Result<(), String> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
    let bytes = name.as_bytes();
    let valid = bytes.len() <= LABEL_MAX
        && bytes.iter().copied().all(inner)
        && ends(bytes.first())
        && ends(bytes.last());
    valid.then_some(()).ok_or_else(|| {
        format!(
            "`{name}` must be a DNS label: lower case letters, digits and `-`, at most {LABEL_MAX}"
        )
    })
}

/// A DNS subdomain: names of runtime and priority classes.
pub(crate) fn dns_subdomain(name: &str) -> Result<(), String> {
    let valid = name.len() <= SUBDOMAIN_MAX
        && name
            .split('.')
            .all(|label| label.len() <= SUBDOMAIN_MAX && dns_label_any_length(label));
    valid.then_some(()).ok_or_else(|| {
        format!("`{name}` must be a DNS subdomain name of at most {SUBDOMAIN_MAX} characters")
    })
}

fn dns_label_any_length(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty()
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A qualified name: label and annotation keys, extended resources.
pub(crate) fn qualified_name(key: &str) -> Result<(), String> {
    let (prefix, name) = key
        .split_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let valid = prefix.is_none_or(|prefix| dns_subdomain(prefix).is_ok())
        && !name.is_empty()
        && label_text(name);
    valid.then_some(()).ok_or_else(|| format!("`{key}` must be a qualified name: an optional DNS subdomain and `/`, then at most {LABEL_MAX} letters, digits, `-`, `_` and `.`"))
}

/// A label value.
pub(crate) fn label_value(value: &str) -> Result<(), String> {
    label_text(value).then_some(()).ok_or_else(|| format!("`{value}` must be a label value: at most {LABEL_MAX} letters, digits, `-`, `_` and `.`, alphanumeric at both ends"))
}

fn label_text(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let end = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    text.len() <= LABEL_MAX
        && text.bytes().all(inner)
        && end(text.bytes().next())
        && end(text.bytes().next_back())
}

/// One of a set of words.
pub(crate) fn one_of(word: &str, words: &[&str]) -> Result<(), String> {
    words
        .contains(&word)
        .then_some(())
        .ok_or_else(|| format!("`{word}` must be one of `{}`", words.join("`, `")))
}

/// Whether a name is an extended resource's: request and limit are one whole number.
pub(crate) fn is_extended(name: &str) -> bool {
    name.split_once('/').is_some_and(|(domain, _)| {
        domain == "deviceclass.resource.kubernetes.io"
            || !(domain == "kubernetes.io" || domain.ends_with(".kubernetes.io"))
    })
}

/// Whether request and limit of a resource must be equal.
pub(crate) fn is_not_overcommitted(name: &str) -> bool {
    is_extended(name) || name.starts_with("hugepages-")
}

/// A quantity of a resource.
pub(crate) fn resource(name: &str, quantity: &str) -> Result<Quantity, String> {
    if !name.contains('/') {
        one_of_native(name)?;
    }
    qualified_name(name)?;
    let parsed =
        Quantity::parse(quantity).map_err(|err| format!("`{quantity}` of `{name}`: {err}"))?;
    if parsed < Quantity::default() {
        return Err(format!("`{quantity}` of `{name}` must not be negative"));
    }
    if is_extended(name) && !parsed.is_integer() {
        return Err(format!("`{quantity}` of `{name}` must be an integer"));
    }
    Ok(parsed)
}

fn one_of_native(name: &str) -> Result<(), String> {
    let native =
        matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    native.then_some(()).ok_or_else(|| format!("`{name}` must be `cpu`, `memory`, `ephemeral-storage`, `hugepages-…` or a name with a domain"))
}

/// A path to mount at.
pub(crate) fn mount_path(path: &str) -> Result<(), String> {
    let valid = path.starts_with('/') && !path.contains(':');
    valid
        .then_some(())
        .ok_or_else(|| format!("`{path}` must be an absolute path without `:`"))
}

/// The path without double, dot and trailing slashes, for comparison.
pub(crate) fn normal_path(path: &str) -> String {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    parts.fold(String::new(), |normal, part| normal + "/" + part)
}

/// A port by number or by name.
pub(crate) fn port(port: &str) -> Result<(), String> {
    let name = port.len() <= PORT_NAME_MAX
        && dns_label(port).is_ok()
        && !port.contains("--")
        && port.bytes().any(|byte| byte.is_ascii_lowercase());
    let valid = name || port.parse::<u16>().is_ok_and(|number| number > 0);
    valid.then_some(()).ok_or_else(|| {
        format!("`{port}` must be a port: 1 to 65535, or a name of at most {PORT_NAME_MAX} lower case letters, digits and `-`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_as_the_api_server_says() {
        type Check = fn(&str) -> Result<(), String>;
        let long = "a".repeat(LABEL_MAX + 1);
        let cases: [(Check, &[&str], &[&str]); 6] = [
            (
                dns_label,
                &["a", "0", "a-b"],
                &["", "-a", "a-", "A", "a.b", &long],
            ),
            (
                dns_subdomain,
                &["a", "a.b-c.d", &long],
                &["", "a..b", ".a", "a.-b", "A"],
            ),
            (
                qualified_name,
                &["a", "A_b.c", "x.io/Y"],
                &["", "x.io/", "/y", "X.io/y", "a/b/c", &long],
            ),
            (
                label_value,
                &["", "a", "A_b.c-1"],
                &["-a", "a.", "a b", "é", &long],
            ),
            (
                port,
                &["1", "65535", "http", "h-1"],
                &["", "0", "65536", "a--b", "-a", "a-port-of-16-byt"],
            ),
            (mount_path, &["/", "/a/"], &["", "a", "/a:b"]),
        ];
        for (check, good, bad) in cases {
            for name in good {
                assert_eq!(check(name), Ok(()), "{name}");
            }
            for name in bad {
                let reason = check(name).unwrap_err();
                assert!(
                    reason.starts_with(&format!("`{name}` must be ")),
                    "{reason}"
                );
            }
        }
    }

    #[test]
    fn resources_with_a_foreign_domain_are_extended() {
        let cases = [
            ("nvidia.com/gpu", true),
            ("deviceclass.resource.kubernetes.io/gpu", true),
            ("kubernetes.io/batch-cpu", false),
            ("x.kubernetes.io/y", false),
            ("cpu", false),
            ("hugepages-2Mi", false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_extended(name), expected, "{name}");
        }
        assert!(is_not_overcommitted("hugepages-2Mi"));
        assert!(!is_not_overcommitted("memory"));
    }

    #[test]
    fn paths_are_compared_without_needless_slashes() {
        for path in ["/a/b", "/a/b/", "//a//b", "/a/./b"] {
            assert_eq!(normal_path(path), "/a/b", "{path}");
        }
        assert_eq!(normal_path("/"), "");
    }
}
