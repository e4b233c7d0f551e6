//! What [`bundle!`](crate::bundle) makes of policies: the exports of a component.

use crate::{Outcome, Policy, Review};

/// A configured policy, whatever its type.
pub trait Entry {
    /// Calls [`Policy::mutate`].
    fn mutate(&self, review: &Review) -> Outcome;
    /// Calls [`Policy::validate`].
    fn validate(&self, review: &Review) -> Outcome;
}

impl<P: Policy> Entry for P {
    fn mutate(&self, review: &Review) -> Outcome {
        Policy::mutate(self, review)
    }

    fn validate(&self, review: &Review) -> Outcome {
        Policy::validate(self, review)
    }
}

/// Makes an entry of settings.
pub type Configure = fn(&str) -> Result<Box<dyn Entry>, String>;

/// Reads settings, as JSON text of an object.
///
/// # Errors
///
/// What is wrong with them, and where.
pub fn configure<P: Policy>(settings: &str) -> Result<P, String> {
    let policy: P = serde_json::from_str(settings).map_err(|err| err.to_string())?;
    policy.check()?;
    Ok(policy)
}

/// Reads settings, whatever the policy's type.
///
/// # Errors
///
/// What is wrong with them, and where.
pub fn configure_boxed<P: Policy>(settings: &str) -> Result<Box<dyn Entry>, String> {
    configure::<P>(settings).map(|policy| Box::new(policy) as Box<dyn Entry>)
}

/// Makes a component of policies: `bundle!(MyPolicy, MyOtherPolicy);`, once, in a library of crate type `cdylib`.
/// On other targets than `wasm32` it does nothing.
#[macro_export]
macro_rules! bundle {
    ($($policy:ty),+ $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Bundle;
            impl $crate::guest::Policies for Bundle {
                const POLICIES: &'static [$crate::guest::Listed] = &[$($crate::guest::Listed::of::<$policy>()),+];
            }
            $crate::guest::export!(Bundle);
        };
    };
}

#[cfg(target_arch = "wasm32")]
mod exports {
    use std::cell::RefCell;

    use super::{Configure, Entry, Outcome, configure_boxed};
    use crate::bindings::exports::tollgate::policy::{guest, mutator, validator};
    use crate::bindings::tollgate::policy::types::Review as RawReview;
    use crate::{Info, Policy, Review, Rule};

    /// A policy of a bundle.
    pub struct Listed {
        info: Info,
        schema: fn() -> String,
        configure: Configure,
    }

    impl Listed {
        /// The listing of a policy.
        pub const fn of<P: Policy>() -> Self {
            Self {
                info: P::INFO,
                schema: schema::<P>,
                configure: configure_boxed::<P>,
            }
        }
    }

    fn schema<P: Policy>() -> String {
        schemars::schema_for!(P).as_value().to_string()
    }

    /// The policies of a bundle.
    pub trait Policies {
        /// In the order in which they are listed.
        const POLICIES: &'static [Listed];
    }

    thread_local! {
        static ENTRIES: RefCell<Vec<Box<dyn Entry>>> = const { RefCell::new(Vec::new()) };
    }

    impl<B: Policies> guest::Guest for B {
        fn policies() -> Vec<guest::PolicyInfo> {
            B::POLICIES.iter().map(describe).collect()
        }

        fn configure(entries: Vec<guest::Entry>) -> Result<(), Vec<guest::EntryError>> {
            std::panic::set_hook(Box::new(|panic| {
                crate::log::write("error", &panic.to_string())
            }));
            let mut errors = Vec::new();
            let mut configured = Vec::new();
            for (entry, wanted) in (0u32..).zip(&entries) {
                let listed = B::POLICIES
                    .iter()
                    .find(|listed| listed.info.name == wanted.policy);
                let made = listed
                    .ok_or_else(|| format!("this bundle has no policy `{}`", wanted.policy))
                    .and_then(|listed| (listed.configure)(&wanted.settings));
                match made {
                    Ok(entry) => configured.push(entry),
                    Err(message) => errors.push(guest::EntryError { entry, message }),
                }
            }
            if !errors.is_empty() {
                return Err(errors);
            }
            ENTRIES.with_borrow_mut(|entries| *entries = configured);
            Ok(())
        }
    }

    fn describe(listed: &Listed) -> guest::PolicyInfo {
        let Info {
            name,
            doc,
            rules,
            mutates,
            validates,
            grants,
            interests,
        } = listed.info;
        guest::PolicyInfo {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            doc: doc.to_owned(),
            mutates,
            validates,
            rules: rules.iter().map(describe_rule).collect(),
            settings_schema: (listed.schema)(),
            grants: grants.iter().map(|grant| (*grant).to_owned()).collect(),
            interests: interests.iter().map(|kind| (*kind).to_owned()).collect(),
            extra: Vec::new(),
        }
    }

    fn describe_rule(rule: &Rule) -> guest::RuleInfo {
        guest::RuleInfo {
            id: rule.id.to_owned(),
            doc: rule.doc.to_owned(),
            default: rule.default.as_str().to_owned(),
            extra: extra(rule),
        }
    }

    fn extra(rule: &Rule) -> Vec<(String, String)> {
        let needs = rule.needs.map(|what| ("needs".to_owned(), what.to_owned()));
        let about = rule
            .about
            .iter()
            .map(|kind| ("about".to_owned(), (*kind).to_owned()));
        needs.into_iter().chain(about).collect()
    }

    fn call(
        entry: u32,
        review: RawReview,
        run: fn(&dyn Entry, &Review) -> Outcome,
    ) -> Result<(), String> {
        let review = Review::of(review);
        let outcome = ENTRIES.with_borrow(|entries| {
            let index = usize::try_from(entry).unwrap_or(usize::MAX);
            let configured = entries
                .get(index)
                .ok_or_else(|| format!("there is no entry {entry}"))?;
            run(configured.as_ref(), &review).map_err(|stop| stop.0)
        });
        review.keep();
        outcome
    }

    impl<B: Policies> mutator::Guest for B {
        fn mutate(entry: u32, review: RawReview) -> Result<(), String> {
            call(entry, review, |entry, review| entry.mutate(review))
        }
    }

    impl<B: Policies> validator::Guest for B {
        fn validate(entry: u32, review: RawReview) -> Result<(), String> {
            call(entry, review, |entry, review| entry.validate(review))
        }
    }
}

#[cfg(target_arch = "wasm32")]
pub use crate::bindings::export_bundle as export;
#[cfg(target_arch = "wasm32")]
pub use exports::{Listed, Policies};
