use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use tollgate_budget::{Account, StoreError};

use super::{Accounts, Known};
use crate::watch::Change;

fn budget(uid: &str, version: u32, account: Option<Value>) -> DynamicObject {
    let mut status = json!({"conditions": [{"type": "Ready"}]});
    if let Some(account) = account {
        status["account"] = account;
    }
    let object = json!({
        "metadata": {"name": "research", "uid": uid, "resourceVersion": version.to_string(), "managedFields": [{}]},
        "spec": {"limits": []},
        "status": status,
    });
    serde_json::from_value(object).unwrap()
}

fn term(term: u64) -> Option<Value> {
    Some(json!({"term": term}))
}

fn noted(objects: &[DynamicObject]) -> Accounts {
    let accounts = Accounts::default();
    for object in objects {
        accounts.note(&Change::Applied(object.clone()));
    }
    accounts
}

fn known_term(accounts: &Accounts) -> Option<u64> {
    Some(accounts.counted("research")?.term)
}

#[test]
fn what_the_watch_shows_late_does_not_replace_what_a_write_has_answered() {
    let accounts = noted(&[budget("a", 10, term(2)), budget("a", 9, term(1))]);
    assert_eq!(known_term(&accounts), Some(2));
    // Versions are numbers, not texts.
    let accounts = noted(&[budget("a", 9, term(1)), budget("a", 10, term(2))]);
    assert_eq!(known_term(&accounts), Some(2));
}

#[test]
fn another_budget_of_the_name_has_an_account_of_its_own() {
    let accounts = noted(&[budget("a", 9, term(1)), budget("b", 10, None)]);
    assert_eq!(known_term(&accounts), None);
    assert_eq!(
        accounts
            .get("research")
            .unwrap()
            .account("research")
            .unwrap(),
        Account::default().into()
    );
}

#[test]
fn what_is_not_listed_or_deleted_is_forgotten() {
    let accounts = noted(&[budget("a", 9, term(1))]);
    accounts.note(&Change::Listed(Vec::new()));
    assert!(accounts.get("research").is_none());
    let accounts = noted(&[budget("a", 9, term(1))]);
    accounts.note(&Change::Deleted(budget("a", 10, None)));
    assert!(accounts.get("research").is_none());
}

#[test]
fn a_write_leaves_all_but_the_account_as_it_was() {
    let known = Known::of(budget("a", 9, term(1)));
    let account = Account {
        term: 2,
        ..Account::default()
    };
    let written = known.with(&account).unwrap();
    assert_eq!(written.resource_version().as_deref(), Some("9"));
    assert_eq!(written.uid().as_deref(), Some("a"));
    assert_eq!(written.metadata.managed_fields, None);
    let expected = json!({
        "spec": {"limits": []},
        "status": {
            "conditions": [{"type": "Ready"}],
            "account": {"term": 2, "usage": {}, "reservations": ""},
        },
    });
    assert_eq!(written.data, expected);
}

#[test]
fn an_account_of_another_version_is_an_error_that_says_what_to_do() {
    let known = Known::of(budget("a", 9, Some(json!({"newer": 1}))));
    let Err(StoreError::Failed { source, .. }) = known.account("research") else {
        panic!("it was read");
    };
    let told = source.to_string();
    assert!(told.contains("kubectl patch budget NAME"), "{told}");
    assert!(told.contains("[{\"op\":\"remove\""), "{told}");
}
