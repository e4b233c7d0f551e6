//! What the API server can check of texts that have a grammar of their own.
//!
//! The reader has the last word: what only it can tell, such as a kind in the wrong group, shows in the status.

use serde_json::{Map, Value, json};
use tollgate_catalog::exempt::PLATFORMS;

/// A text's format as the types name it, with what the API server is to check.
struct Row {
    format: &'static str,
    check: Check,
}

enum Check {
    /// One of these words.
    Words(fn() -> Vec<&'static str>),
    /// All of these rules, as CEL. A text has a greatest length, since rules cost by length.
    Rules {
        rules: &'static [&'static str],
        message: &'static str,
    },
    /// A regular expression. The API server's own message names it, and it costs nothing however many there are.
    Pattern(&'static str),
    /// Nothing but the length.
    Length,
}

/// The longest text, in characters.
const LONGEST: u64 = 1024;

const ROWS: &[Row] = &[
    Row {
        format: "tollgate-module",
        check: Check::Rules {
            rules: &[
                r"self.matches('^(builtin:|file:.+#|oci://[^@]*/[^@]*@sha256:[0-9a-fA-F]{64}#)[^#/:\\s]+$')",
            ],
            message: "write `builtin:NAME`, `file:PATH#NAME` or `oci://REGISTRY/REPOSITORY@sha256:DIGEST#NAME`",
        },
    },
    Row {
        format: "tollgate-kind",
        check: Check::Rules {
            rules: &[r"self.matches('^[A-Z][A-Za-z0-9]*(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')"],
            message: "write `Kind` for one of the core group, else `Kind.group`, such as `Deployment.apps`",
        },
    },
    Row {
        format: "tollgate-time",
        check: Check::Rules {
            rules: &[
                "self.matches('^[0-9]{1,9}m?s$') && duration(self) >= duration('1ms') && duration(self) <= duration('10s')",
            ],
            message: "write a time from `1ms` to `10s`",
        },
    },
    Row {
        format: "tollgate-memory",
        check: Check::Rules {
            rules: &[
                "self.matches('^[0-9]{1,9}[KMG]i$') && quantity(self).compareTo(quantity('1Mi')) >= 0 && quantity(self).compareTo(quantity('64Mi')) <= 0",
            ],
            message: "write an amount of memory from `1Mi` to `64Mi`",
        },
    },
    Row {
        format: "tollgate-platform",
        check: Check::Words(|| PLATFORMS.iter().map(|platform| platform.name).collect()),
    },
    Row {
        format: "tollgate-json-pointer",
        check: Check::Rules {
            rules: &[r"self.matches('^(/([^~/]|~[01])*)*$')"],
            message: "write a JSON pointer such as `/spec/template`",
        },
    },
    Row {
        format: "tollgate-decimal",
        check: Check::Pattern(r"^[0-9]+(\.[0-9]{1,6})?$"),
    },
    Row {
        format: "tollgate-window",
        check: Check::Pattern("^(day|week|month|[1-9][0-9]*[hd])$"),
    },
    Row {
        // The zones are those of a data base.
        format: "tollgate-time-zone",
        check: Check::Length,
    },
    Row {
        // An expression is no regular language.
        format: "tollgate-replicas",
        check: Check::Length,
    },
    Row {
        // Product names have too many spellings for a rule.
        format: "tollgate-gpu-model",
        check: Check::Length,
    },
];

/// Returns what is to be checked of a text of this format; nothing where the format is none of ours.
pub(super) fn checks(format: &str) -> Option<Map<String, Value>> {
    let row = ROWS.iter().find(|row| row.format == format)?;
    let checks = match &row.check {
        Check::Words(words) => json!({"enum": words()}),
        Check::Pattern(pattern) => json!({"maxLength": LONGEST, "pattern": pattern}),
        Check::Length => json!({"maxLength": LONGEST}),
        Check::Rules { rules, message } => {
            let rules: Vec<_> = rules
                .iter()
                .map(|rule| json!({"rule": rule, "message": message}))
                .collect();
            json!({"maxLength": LONGEST, "x-kubernetes-validations": rules})
        }
    };
    match checks {
        Value::Object(checks) => Some(checks),
        _ => None,
    }
}
