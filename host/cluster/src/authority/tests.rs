use super::*;

fn names() -> Vec<String> {
    vec!["tollgate.tollgate-system.svc".to_owned()]
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + 20_000 * DAY
}

fn keys() -> Keys {
    Keys::make(&names(), Terms::default(), start()).unwrap()
}

fn step(keys: &mut Keys, published: &str, now: SystemTime) -> Option<Change> {
    keys.step(&names(), Terms::default(), published, now)
        .unwrap()
}

#[test]
fn new_keys_need_nothing() {
    let mut keys = keys();
    let bundle = keys.bundle();
    assert!(vouches(&bundle, &keys.leaf, &names(), start()));
    assert_eq!(step(&mut keys, &bundle, start()), None);
}

#[test]
fn a_leaf_is_issued_anew_before_it_expires_or_when_names_change() {
    let mut keys = keys();
    let bundle = keys.bundle();
    assert_eq!(step(&mut keys, &bundle, start() + 59 * DAY), None);
    let before = keys.leaf.clone();
    assert_eq!(
        step(&mut keys, &bundle, start() + 61 * DAY),
        Some(Change::LeafIssued)
    );
    assert!(keys.leaf != before);
    assert_eq!(step(&mut keys, &bundle, start() + 61 * DAY), None);
    let others = vec!["other.svc".to_owned()];
    let changed = keys
        .step(&others, Terms::default(), &bundle, start() + 61 * DAY)
        .unwrap();
    assert_eq!(changed, Some(Change::LeafIssued));
    assert!(vouches(&bundle, &keys.leaf, &others, start() + 61 * DAY));
}

#[test]
fn a_successor_issues_only_when_it_has_been_published_for_a_while() {
    let mut keys = keys();
    let old_bundle = keys.bundle();
    let now = start() + 250 * DAY;
    assert_eq!(
        step(&mut keys, &old_bundle, now),
        Some(Change::SuccessorMade)
    );
    assert_eq!(step(&mut keys, &old_bundle, now), Some(Change::LeafIssued));
    assert!(
        vouches(&old_bundle, &keys.leaf, &names(), now),
        "the old authority still issues"
    );
    // As long as a configuration lacks the successor, nothing happens.
    assert_eq!(step(&mut keys, &old_bundle, now + DAY), None);
    let both = keys.bundle();
    assert_eq!(
        step(&mut keys, &both, now + DAY),
        Some(Change::SuccessorPublished)
    );
    assert_eq!(
        step(&mut keys, &both, now + DAY + Duration::from_secs(299)),
        None
    );
    assert_eq!(
        step(&mut keys, &both, now + DAY + Duration::from_secs(300)),
        Some(Change::Succeeded)
    );
    let after = now + DAY + Duration::from_secs(300);
    assert!(!vouches(&old_bundle, &keys.leaf, &names(), after));
    assert!(vouches(&both, &keys.leaf, &names(), after));
    assert!(keys.previous.is_some() && keys.next.is_none());
}

/// Steps through three years, a day at a time, with API servers that read a bundle late.
#[test]
fn at_no_time_is_a_leaf_served_for_which_a_published_bundle_does_not_vouch() {
    let mut keys = keys();
    let (mut bundles, mut leaves) = (vec![keys.bundle()], vec![keys.leaf.clone()]);
    let mut changes = Vec::new();
    for day in 0..3 * 365 {
        let now = start() + day * DAY;
        // What was published on the days before reaches everybody one after the other.
        let published = bundles.first().unwrap().clone();
        while let Some(change) = step(&mut keys, &published, now) {
            changes.push(change);
        }
        bundles.push(keys.bundle());
        leaves.push(keys.leaf.clone());
        for bundle in &bundles {
            for leaf in &leaves {
                assert!(vouches(bundle, leaf, &names(), now), "day {day}");
            }
        }
        if bundles.len() > 2 {
            bundles.remove(0);
            leaves.remove(0);
        }
    }
    let count = |wanted| changes.iter().filter(|change| **change == wanted).count();
    assert_eq!(count(Change::Made), 0);
    assert!(count(Change::Succeeded) >= 3, "{changes:?}");
    assert!(count(Change::PreviousDropped) >= 2, "{changes:?}");
}

#[test]
fn keys_that_lay_unused_beyond_their_time_are_made_anew() {
    let mut keys = keys();
    let now = start() + 400 * DAY;
    let bundle = keys.bundle();
    assert_eq!(step(&mut keys, &bundle, now), Some(Change::Made));
    assert!(vouches(&keys.bundle(), &keys.leaf, &names(), now));
}

#[test]
fn keys_of_a_later_time_are_made_anew_and_not_waited_for() {
    let mut keys = Keys::make(&names(), Terms::default(), start() + 400 * DAY).unwrap();
    let bundle = keys.bundle();
    assert_eq!(step(&mut keys, &bundle, start()), Some(Change::Made));
    let bundle = keys.bundle();
    assert_eq!(step(&mut keys, &bundle, start()), None);
    assert!(vouches(&bundle, &keys.leaf, &names(), start()));
}

/// However wildly time goes, each time nothing is left to do after a few steps, and what is served is good then.
#[test]
fn whatever_the_time_the_keys_are_good_after_a_few_steps() {
    let mut keys = keys();
    for day in [0, 400, 1, 3_000, 0, 119, 246, 0, 10_000, 364] {
        let now = start() + day * DAY;
        let mut steps = 0;
        loop {
            let bundle = keys.bundle();
            if step(&mut keys, &bundle, now).is_none() {
                break;
            }
            steps += 1;
            assert!(steps < 5, "day {day}: {steps} steps and no end");
        }
        assert!(
            vouches(&keys.bundle(), &keys.leaf, &names(), now),
            "day {day}"
        );
    }
}

#[test]
fn keys_survive_the_secret() {
    let mut keys = keys();
    let bundle = keys.bundle();
    step(&mut keys, &bundle, start() + 250 * DAY);
    let both = keys.bundle();
    step(&mut keys, &both, start() + 250 * DAY);
    assert!(Keys::from_data(&keys.to_data()) == Some(keys.clone()));
    step(&mut keys, &both, start() + 251 * DAY);
    assert!(Keys::from_data(&keys.to_data()) == Some(keys));
    assert!(Keys::from_data(&BTreeMap::new()).is_none());
}
