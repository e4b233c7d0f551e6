use super::*;

#[test]
fn every_row_of_the_table_can_be_read() {
    for row in TABLE {
        let read = read(row).map_err(|err| format!("{} {}: {err}", row.group, row.kind));
        let kind = read.unwrap();
        for pods in &kind.pods {
            let stars = pods.path.split('/').filter(|token| *token == "*").count();
            assert!(pods.count.stars() <= stars, "{}: {}", kind.kind, pods.path);
        }
    }
    assert_eq!(Kinds::builtin().rows().len(), TABLE.len());
}

#[test]
fn no_kind_has_two_rows() {
    for row in TABLE {
        let same = |other: &&Row| (other.group, other.kind) == (row.group, row.kind);
        assert_eq!(
            TABLE.iter().filter(same).count(),
            1,
            "{} {}",
            row.group,
            row.kind
        );
    }
}

/// A server that is down must not hold up objects that may have nothing to do with accelerators.
#[test]
fn failure_refuses_only_where_conditions_reach_every_pod() {
    for kind in Kinds::builtin().rows() {
        let fails = kind.treatment == Treatment::Fail;
        assert!(!fails || kind.plain_places().is_some(), "{}", kind.kind);
    }
}

#[test]
fn a_row_of_a_user_stands_in_the_place_of_ours() {
    let own = Kind {
        group: "apps".to_owned(),
        kind: "Deployment".to_owned(),
        plural: "deployments".to_owned(),
        treatment: Treatment::Ignore,
        pods: Vec::new(),
    };
    let kinds = Kinds::builtin().with(vec![own.clone()]);
    assert_eq!(kinds.find("apps", "Deployment"), Some(&own));
    assert_eq!(kinds.rows().len(), TABLE.len());
    assert!(kinds.find("apps", "Job").is_none());
}

#[test]
fn plurals_are_as_the_resources_are_called() {
    for (kind, expected) in [
        ("Pod", "pods"),
        ("InferenceService", "inferenceservices"),
        ("StorageClass", "storageclasses"),
        ("NetworkPolicy", "networkpolicies"),
        ("Gateway", "gateways"),
        ("KVCache", "kvcaches"),
        ("RAGEngine", "ragengines"),
    ] {
        assert_eq!(plural(kind), expected);
    }
}
