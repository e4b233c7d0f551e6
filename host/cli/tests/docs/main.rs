//! What people read is as things are: `docs/rules.md`, `docs/systems.md`, `docs/operations.md`, the chart. `UPDATE_DOCS=1`
//! writes what is made.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test program"
)]

mod catalogue;
mod chart;
mod command;
mod operations;
mod rules;
#[path = "../support/mod.rs"]
mod support;
mod systems;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use catalogue::{Answer, BEYOND, CATALOGUE};
use tollgate_admission::{Kind, Kinds};
use tollgate_engine::{PolicyInfo, RuleInfo};

/// The built-in policies in the order in which they run.
static POLICIES: LazyLock<Vec<PolicyInfo>> = LazyLock::new(|| {
    let entries = support::catalog("").entries;
    entries.into_iter().map(|entry| entry.info).collect()
});

#[test]
fn the_rules_are_documented_as_they_are() {
    assert_current("docs/rules.md", &rules::document(&POLICIES));
}

#[test]
fn the_systems_are_documented_as_they_are() {
    assert_current("docs/systems.md", &systems::document(&POLICIES));
}

/// A file of the checkout.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_default()
}

/// A file says this, or `UPDATE_DOCS=1` makes it.
fn assert_current(name: &str, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file(name), text).unwrap();
    }
    let written = read(name);
    let differs = written
        .lines()
        .zip(text.lines())
        .position(|(written, now)| written != now);
    assert!(
        written == text,
        "{name} is stale from line {}; write it with `UPDATE_DOCS=1 cargo test --release --workspace --test docs`",
        differs.map_or(written.lines().count().min(text.lines().count()), |at| at
            + 1)
    );
}

#[test]
fn what_policies_and_rules_are_about_is_in_the_table_of_kinds() {
    let rows = Kinds::builtin().rows();
    let is_known =
        |name: &str| name == "pods" || rows.iter().any(|kind| kind.kind_dot_group() == name);
    for info in POLICIES.iter() {
        let about = info.rules.iter().flat_map(|rule| &rule.about);
        for name in info.interests.iter().chain(about) {
            assert!(is_known(name), "{}: {name}", info.name);
        }
    }
    let others = rows.iter().filter(|kind| !kind.makes_pods());
    for kind in others.map(Kind::kind_dot_group) {
        let of_rule = |rule: &RuleInfo| rule.about.contains(&kind);
        let judges = |info: &&PolicyInfo| info.interests.contains(&kind);
        let mut judging = POLICIES.iter().filter(judges);
        // Of what scales pods a policy may say what it says of pods.
        let is_judged = judging.any(|info| {
            info.interests.iter().any(|interest| interest == "pods")
                || info.rules.iter().any(of_rule)
        });
        assert!(is_judged, "no rule is about {kind}");
    }
}

#[test]
fn every_requirement_of_conformance_names_rules_that_there_are() {
    for name in systems::REQUIREMENTS.iter().flat_map(|one| one.rules) {
        assert_known(name, "AI Conformance");
    }
}

#[test]
fn every_row_of_the_catalogue_names_rules_that_there_are() {
    for row in CATALOGUE {
        let Answer::Rules(names) = row.answer else {
            continue;
        };
        assert!(!names.is_empty(), "{} names nothing", row.id);
        for name in names {
            assert_known(name, row.id);
        }
    }
    for (name, _) in BEYOND {
        assert_known(name, "what answers no row");
    }
}

/// A policy that is not built in yet cannot be asked.
fn assert_known(name: &str, place: &str) {
    let (policy, _) = name.split_once('/').unwrap();
    if let Some(info) = POLICIES.iter().find(|info| info.name == policy) {
        let there: Vec<_> = info.rules.iter().map(|rule| rule.id.as_str()).collect();
        assert!(
            rules::find(name, &POLICIES).is_some(),
            "{place}: there is no `{name}`; the policy has {there:?}"
        );
    }
}

#[test]
fn every_rule_answers_a_row_or_is_said_to_answer_none() {
    let of_row = |row: &'static catalogue::Row| match row.answer {
        Answer::Rules(names) => names,
        Answer::None(_) => &[],
    };
    let named: BTreeSet<_> = CATALOGUE.iter().flat_map(of_row).copied().collect();
    let beyond: BTreeSet<_> = BEYOND.iter().map(|(name, _)| *name).collect();
    assert!(named.is_disjoint(&beyond), "a rule answers a row and none");
    let all = POLICIES.iter().flat_map(|info| {
        info.rules
            .iter()
            .map(|rule| format!("{}/{}", info.name, rule.id))
    });
    let missing: Vec<_> = all
        .filter(|name| !named.contains(name.as_str()) && !beyond.contains(name.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "no row of the catalogue names {missing:#?}; add them to one, or to `BEYOND`"
    );
}

#[test]
fn every_row_is_there_once() {
    let expected: Vec<_> = (1..=80).map(|number| format!("M{number:02}")).collect();
    let there: Vec<_> = CATALOGUE.iter().map(|row| row.id.to_owned()).collect();
    assert_eq!(there, expected);
}
