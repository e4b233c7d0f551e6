//! The breakers of policies, over all catalogs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_engine::Breaker;

/// The breakers of policies by name. A policy keeps its breaker from catalog to catalog as long as its component and
/// what is configured of it stay the same; when they change it starts anew.
#[derive(Debug, Default)]
pub struct Breakers(Mutex<BTreeMap<String, (String, Arc<Breaker>)>>);

impl Breakers {
    /// The breaker of a policy whose component and configuration have this digest.
    pub(crate) fn of(&self, policy: &str, digest: &str) -> Arc<Breaker> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(policy) {
            Some((same, breaker)) if same == digest => Arc::clone(breaker),
            _ => {
                let breaker = Arc::new(Breaker::default());
                known.insert(policy.to_owned(), (digest.to_owned(), Arc::clone(&breaker)));
                breaker
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_keeps_its_breaker_until_it_changes() {
        let breakers = Breakers::default();
        let first = breakers.of("a", "1");
        assert!(Arc::ptr_eq(&first, &breakers.of("a", "1")));
        assert!(!Arc::ptr_eq(&first, &breakers.of("b", "1")));
        assert!(!Arc::ptr_eq(&first, &breakers.of("a", "2")));
    }
}
