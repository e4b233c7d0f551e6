//! The page for operators: it has every alert, and names only tests that there are.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{file, read};

const PAGE: &str = "docs/operations.md";

#[test]
fn every_alert_has_a_section_and_tests_in_which_it_fires_and_stays_quiet() {
    let (page, tests) = (read(PAGE), read("tests/deploy/alerts.yaml"));
    let alerts: Value = serde_saphyr::from_str(&read("deploy/chart/files/alerts.yaml")).unwrap();
    let rules = alerts["groups"][0]["rules"].as_array().unwrap();
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(
            page.contains(&format!("\n### {name}\n")),
            "{name} has no section"
        );
        let link = rule["annotations"]["runbook_url"].as_str().unwrap();
        let section = format!("{PAGE}#{}", name.to_lowercase());
        assert!(link.ends_with(&section), "{name} leads to {link}");
        let fires = format!("labels: 'ALERTS{{alertname=\"{name}\", alertstate=\"firing\"");
        assert!(tests.contains(&fires), "{name} fires in no test");
        let is_quiet = |line: &str| {
            line.contains(&format!("alertname=\"{name}\"")) && line.ends_with("exp_samples: []}")
        };
        assert!(tests.lines().any(is_quiet), "{name} stays quiet in no test");
    }
    let sections = page.matches("\n### Tollgate").count();
    assert_eq!(
        sections,
        rules.len(),
        "sections of alerts that there are not"
    );
}

#[test]
fn every_requirement_names_tests_that_there_are() {
    let page = read(PAGE);
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| W"))
        .collect();
    let numbers = rows
        .iter()
        .map(|row| row.split(' ').nth(1).unwrap().to_owned());
    let expected: Vec<_> = (1..=35).map(|number| format!("W{number}")).collect();
    assert_eq!(numbers.collect::<Vec<_>>(), expected);
    let mut sources = String::new();
    for folder in ["host", "policies", "tests"] {
        collect(&file(folder), &mut sources);
    }
    for row in rows {
        let shown = row.split(" | ").nth(2).unwrap();
        let names: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        let is_missing = shown.contains("**missing**");
        assert!(is_missing || !names.is_empty(), "{row} names nothing");
        for name in names {
            let is_there = match name {
                _ if name.contains('/') => file(name).exists(),
                _ if name.contains('_') => sources.contains(&format!("fn {name}(")),
                // A command.
                _ => is_missing,
            };
            assert!(is_there, "there is no `{name}`: {row}");
        }
    }
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|it| it == "rs") {
            *sources += &fs::read_to_string(path).unwrap();
        }
    }
}
