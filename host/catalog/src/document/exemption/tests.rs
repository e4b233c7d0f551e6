use std::path::Path;

use super::{Asker, Exemption, Waived};
use crate::document::Configuration;

fn document(spec: &str) -> String {
    format!(
        "apiVersion: tollgate.dev/v1alpha1\nkind: Exemption\nmetadata: {{name: a}}\nspec:\n{spec}"
    )
}

fn read(spec: &str) -> Result<Exemption, Vec<String>> {
    let text = document(spec);
    match Configuration::parse("f", text.as_bytes(), Path::new("")) {
        Ok(read) => Ok(read.exemptions["a"].clone()),
        Err(wrong) => Err(wrong
            .iter()
            .map(|one| format!("{one}; {}", one.hint.as_deref().unwrap_or_default()))
            .collect()),
    }
}

fn wrong(spec: &str) -> Vec<String> {
    read(spec).unwrap_err()
}

const NOBODY: Asker<'static> = Asker {
    user: "",
    groups: &[],
    is_direct: true,
};

#[test]
fn lets_off_policies_and_rules_in_namespaces() {
    let exemption = read(
        "  policies: [gpu-limits]\n  rules: [shared-memory/shm-missing]\n  namespaces: [ml]\n  reason: r\n  expires: 2026-12-31T00:00:00Z\n",
    )
    .unwrap();
    assert_eq!(exemption.of("gpu-limits"), Some(Waived::All));
    assert_eq!(
        exemption.of("shared-memory"),
        Some(Waived::Rules(vec!["shm-missing"]))
    );
    assert_eq!(exemption.of("gpu-tolerations"), None);
    assert!(exemption.holds_for(Some("ml"), NOBODY));
    assert!(!exemption.holds_for(Some("ml-2"), NOBODY));
    assert!(!exemption.holds_for(None, NOBODY));
    assert_eq!(
        exemption.spec.expires.unwrap().to_string(),
        "2026-12-31T00:00:00Z"
    );
}

#[test]
fn users_are_let_off_what_they_create_themselves() {
    let exemption =
        read("  policies: [a]\n  users: [ada]\n  groups: [sre]\n  reason: r\n").unwrap();
    let groups = ["sre".to_owned()];
    let asker = |user, groups, is_direct| Asker {
        user,
        groups,
        is_direct,
    };
    assert!(exemption.holds_for(Some("x"), asker("ada", &[], true)));
    assert!(exemption.holds_for(None, asker("bob", &groups, true)));
    assert!(!exemption.holds_for(Some("x"), asker("bob", &[], true)));
    assert!(!exemption.holds_for(Some("x"), asker("ada", &groups, false)));
}

#[test]
fn all_that_is_given_must_hold() {
    let exemption =
        read("  policies: [a]\n  namespaces: [ml]\n  users: [ada]\n  reason: r\n").unwrap();
    let ada = Asker {
        user: "ada",
        ..NOBODY
    };
    assert!(exemption.holds_for(Some("ml"), ada));
    assert!(!exemption.holds_for(Some("x"), ada));
    assert!(!exemption.holds_for(Some("ml"), NOBODY));
}

#[test]
fn labels_alone_let_nobody_off() {
    assert_eq!(
        wrong("  policies: [a]\n  podSelector: {matchLabels: {free: \"yes\"}}\n  reason: r\n"),
        [
            "f:6:16: labels alone let nobody off: whoever writes a pod chooses its labels; \
             add the `namespaces` in which the selector holds"
        ]
    );
}

#[test]
fn a_service_account_alone_lets_nobody_off() {
    for (line, place, name) in [
        (
            "  users: [ada, system:serviceaccount:ml:trainer]",
            "6:16",
            "system:serviceaccount:ml:trainer",
        ),
        (
            "  groups: [system:serviceaccounts:ml]",
            "6:12",
            "system:serviceaccounts:ml",
        ),
        (
            "  groups: [system:authenticated]",
            "6:12",
            "system:authenticated",
        ),
    ] {
        assert_eq!(
            wrong(&format!("  policies: [a]\n{line}\n  reason: r\n")),
            [format!(
                "f:{place}: `{name}` alone lets nobody off: whoever may make pods can act as a service account; \
                 add the `namespaces` in which that is right"
            )]
        );
        assert!(
            read(&format!(
                "  policies: [a]\n{line}\n  namespaces: [ml]\n  reason: r\n"
            ))
            .is_ok()
        );
    }
}

#[test]
fn says_whom_it_lets_off_what_and_why() {
    let nothing = wrong("  namespaces: [ml]\n  reason: \" \"\n");
    assert!(
        nothing[0].starts_with("f:5:3: it lets nobody off anything; "),
        "{nothing:?}"
    );
    assert_eq!(nothing[1], "f:6:11: the reason is empty; ");
    let nobody = wrong("  policies: [a]\n  reason: r\n");
    assert!(
        nobody[0].starts_with("f:5:3: it does not say whom it lets off; "),
        "{nobody:?}"
    );
    assert_eq!(
        wrong("  policies: [a]\n  namespaces: [ml]\n"),
        ["f:4:1: the key `reason` is missing; "]
    );
}

#[test]
fn is_read_strictly() {
    let told = wrong(
        "  polices: [a]\n  rules: [gpu-limits]\n  namespaces: []\n  reason: r\n  expires: 2026-12-31\n",
    );
    let starts = [
        "f:5:3: unknown key `polices`; did you mean `policies`?",
        "f:6:11: `gpu-limits` is no rule; write `POLICY/RULE`",
        "f:7:15: a list of at least 1 is needed; leave the key out instead",
        "f:9:12: `2026-12-31` is no date and time; write it as `2026-12-31T00:00:00Z`",
    ];
    assert_eq!(told.len(), starts.len(), "{told:?}");
    for (told, start) in told.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}");
    }
}

#[test]
fn is_given_once() {
    let text = document("  policies: [a]\n  namespaces: [ml]\n  reason: r\n");
    let twice = format!("{text}---\n{text}");
    let wrong = Configuration::parse("f", twice.as_bytes(), Path::new("")).unwrap_err();
    assert!(
        wrong[0]
            .message
            .starts_with("the exemption `a` is given twice"),
        "{wrong:?}"
    );
}
