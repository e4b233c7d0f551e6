//! What is told of budgets: events on their objects, and figures for metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tollgate_budget::{Account, LedgerError, Limit, LimitKey, Notice};

use super::attendance::Attendance;
use super::book::Written;
use crate::status::Happening;

/// How many events of one reason are written of a budget within this time; the log has all.
const PAUSE: Duration = Duration::from_secs(10);

/// What happened to accounts, to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiding {
    /// A pod came for which nothing was reserved any more.
    Late,
    /// A reservation was given back, because its pod did not come in time.
    Expired,
    /// A count of the live pods differed from what the account said.
    Drift,
}

/// What was told last.
#[derive(Default)]
pub(super) struct Tidings {
    told: BTreeMap<(Arc<str>, &'static str), Duration>,
    levels: BTreeMap<(Arc<str>, LimitKey), u128>,
}

/// Which budget is spoken of.
pub(super) struct About<'a> {
    pub(super) budget: &'a Arc<str>,
    pub(super) limits: &'a [Limit],
    pub(super) pods: &'a Attendance,
    pub(super) now: i64,
}

impl Tidings {
    /// What is to be told of a write.
    pub(super) fn of(
        &mut self,
        about: &About<'_>,
        written: &Written,
    ) -> Vec<(Option<Tiding>, Happening)> {
        let mut told = Vec::new();
        for notice in &written.notices {
            told.extend(about.notice(notice, written));
        }
        match self.levels(about, &written.after) {
            Ok(happenings) => told.extend(happenings.into_iter().map(|one| (None, one))),
            Err(err) => {
                tracing::warn!(%err, budget = &**about.budget, "a budget cannot be summed up")
            }
        }
        told
    }

    /// Whether an event may be written now: a flood of them helps nobody.
    pub(super) fn may_write(
        &mut self,
        budget: &Arc<str>,
        reason: &'static str,
        clock: Duration,
    ) -> bool {
        let last = self.told.get(&(budget.clone(), reason));
        let may = last.is_none_or(|last| clock.saturating_sub(*last) >= PAUSE);
        if may {
            self.told.insert((budget.clone(), reason), clock);
        }
        may
    }

    /// The limits that are newly filled to 80 or 100 per cent. The first look tells nothing: it was told before.
    fn levels(
        &mut self,
        about: &About<'_>,
        account: &Account,
    ) -> Result<Vec<Happening>, LedgerError> {
        let mut happenings = Vec::new();
        for limit in about.limits {
            let taken = account
                .used(limit, about.now)?
                .plus(account.reserved(limit, about.now)?)?;
            let percent = taken.times(100)?.atoms().checked_div(limit.amount.atoms());
            let percent = percent.unwrap_or(if taken.is_zero() { 0 } else { 100 });
            let level = match percent {
                0..80 => 0,
                80..100 => 80,
                _ => 100,
            };
            let key = (about.budget.clone(), limit.key());
            let before = self.levels.insert(key, level);
            if before.is_some_and(|before| before < level) {
                let message = format!(
                    "{} of {} of `{}` are taken ({percent} %)",
                    taken.text(limit.unit),
                    limit.amount.text(limit.unit),
                    limit.key()
                );
                happenings.push(Happening {
                    is_warning: true,
                    reason: if level == 100 {
                        "BudgetExhausted"
                    } else {
                        "BudgetNearlyExhausted"
                    },
                    message,
                });
            }
        }
        Ok(happenings)
    }
}

impl About<'_> {
    fn notice(&self, notice: &Notice, written: &Written) -> Option<(Option<Tiding>, Happening)> {
        Some(match notice {
            Notice::Late(uid, exceeded) => {
                let pod = self.pods.name_of(uid).unwrap_or_else(|| uid.to_string());
                let keys: Vec<_> = exceeded
                    .iter()
                    .map(|one| format!("`{}`", one.limit))
                    .collect();
                let beyond = match keys.as_slice() {
                    [] => String::new(),
                    keys => format!("; that is beyond the limit of {}", keys.join(", ")),
                };
                let message = format!(
                    "pod {pod} is there and nothing was reserved for it: it is charged{beyond}"
                );
                (Some(Tiding::Late), happening("LatePod", message))
            }
            Notice::Expired(uid) => {
                let reservation = written.before.reservations.get(uid);
                let pod = reservation.map(|kept| format!("{}/{}", kept.pod.0, kept.pod.1));
                let message = format!(
                    "pod {} was let in and did not come: what was reserved for it is free",
                    pod.unwrap_or_else(|| uid.to_string())
                );
                (
                    Some(Tiding::Expired),
                    Happening {
                        is_warning: false,
                        ..happening("ReservationExpired", message)
                    },
                )
            }
            // The first count of a budget finds what nobody has counted.
            Notice::Drift(_) if written.before.term == 0 => return None,
            Notice::Drift(key) => {
                let limit = self.limits.iter().find(|limit| limit.key() == *key)?;
                let used =
                    |account: &Account| Some(account.used(limit, self.now).ok()?.text(limit.unit));
                let message = format!(
                    "the live pods take {} of `{key}`, and the account said {}: it is put right",
                    used(&written.after)?,
                    used(&written.before)?
                );
                (Some(Tiding::Drift), happening("BudgetDrift", message))
            }
        })
    }
}

fn happening(reason: &'static str, message: String) -> Happening {
    Happening {
        is_warning: true,
        reason,
        message,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tollgate_budget::{Account, Notice, read_account};

    use super::{About, Tiding, Tidings, Written};
    use crate::bookkeeper::attendance::Attendance;
    use serde_json::json;
    use tollgate_catalog::document::{Object, read_object};
    use tollgate_catalog::yaml::Origin;

    /// An account of a leader that counts so many tenths of a GPU in use.
    fn account(tenths: u64) -> Arc<Account> {
        let atoms = (tenths * 5_600_000).to_string();
        let usage = json!({"gpu": {"held": {"0": atoms}, "rate": "0", "since": 0}});
        Arc::new(read_account(json!({"term": 1, "usage": usage})).unwrap())
    }

    /// The reasons of what is told when an account of one GPU goes from one use to another.
    fn told(
        tidings: &mut Tidings,
        from: u64,
        to: u64,
        notices: Vec<Notice>,
    ) -> Vec<(Option<Tiding>, &'static str)> {
        let document = json!({
            "apiVersion": "tollgate.dev/v1alpha1", "kind": "Budget", "metadata": {"name": "research"},
            "spec": {"scope": {"namespaces": ["ml"]}, "limits": [{"unit": "gpu", "amount": "1"}]},
        });
        let Ok(Object::Budget(budget)) = read_object(document, Origin::of_file("test")) else {
            panic!("it is no budget");
        };
        let about = About {
            budget: &"research".into(),
            limits: &budget.limits(),
            pods: &Attendance::default(),
            now: 0,
        };
        let written = Written {
            before: account(from),
            after: account(to),
            notices,
        };
        let told = tidings.of(&about, &written).into_iter();
        told.map(|(tiding, happening)| (tiding, happening.reason))
            .collect()
    }

    #[test]
    fn a_limit_that_is_newly_filled_is_told_once() {
        let mut tidings = Tidings::default();
        assert!(
            told(&mut tidings, 0, 5, vec![]).is_empty(),
            "the first look"
        );
        assert_eq!(
            told(&mut tidings, 5, 8, vec![]),
            [(None, "BudgetNearlyExhausted")]
        );
        assert!(told(&mut tidings, 8, 9, vec![]).is_empty());
        assert_eq!(
            told(&mut tidings, 9, 10, vec![]),
            [(None, "BudgetExhausted")]
        );
        assert!(told(&mut tidings, 10, 8, vec![]).is_empty());
        assert_eq!(
            told(&mut tidings, 8, 10, vec![]),
            [(None, "BudgetExhausted")]
        );
    }

    #[test]
    fn notices_are_told_with_what_counts_them() {
        let notices = vec![
            Notice::Late("1".into(), Vec::new()),
            Notice::Expired("2".into()),
            Notice::Drift("gpu".into()),
        ];
        let expected = [
            (Some(Tiding::Late), "LatePod"),
            (Some(Tiding::Expired), "ReservationExpired"),
            (Some(Tiding::Drift), "BudgetDrift"),
        ];
        assert_eq!(told(&mut Tidings::default(), 1, 2, notices), expected);
    }

    #[test]
    fn events_of_one_reason_are_few() {
        let (mut tidings, budget) = (Tidings::default(), "research".into());
        let seconds = Duration::from_secs;
        assert!(tidings.may_write(&budget, "LatePod", seconds(0)));
        assert!(!tidings.may_write(&budget, "LatePod", seconds(9)));
        assert!(tidings.may_write(&budget, "BudgetDrift", seconds(9)));
        assert!(tidings.may_write(&budget, "LatePod", seconds(10)));
    }
}
