//! What commonly goes wrong with an installation, looked at from outside: each check says how it stands and what to do.
//!
//! Nothing here changes anything. A check that cannot be made says so, as a warning: that is never the same as well.

mod definitions;
mod others;
mod probe;
mod registered;
mod rights;
mod server;
mod standing;

use std::time::SystemTime;

use kube::Client;

pub use self::server::Facts;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is well.
    Ok,
    /// It works, and yet somebody should look; or nobody could tell.
    Warn,
    /// It does not work, or soon will not.
    Fail,
}

impl Level {
    /// The level's word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, in a word or two.
    pub name: &'static str,
    /// How it ended.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Check {
    /// A check that ended well.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Ok, message.into())
    }

    /// A check after which somebody should look.
    pub fn warn(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Warn, message.into())
    }

    /// A check that something fails.
    pub fn fail(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Fail, message.into())
    }

    /// The same with what to do.
    #[must_use]
    pub fn fix(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }

    fn new(name: &'static str, level: Level, message: String) -> Self {
        Self {
            name,
            level,
            message,
            fix: None,
        }
    }

    /// What to say where the API server does not tell.
    fn untold(name: &'static str, err: &kube::Error) -> Self {
        let check = Self::warn(name, format!("nobody can tell: {}", in_words(err)));
        match err {
            kube::Error::Api(status) if status.code == 403 => {
                check.fix("ask somebody with the rights of an administrator to run this")
            }
            _ => check,
        }
    }
}

/// Whose installation is looked at.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The namespace that it runs in.
    pub namespace: String,
    /// The time here, to compare.
    pub now: SystemTime,
}

/// Makes all checks of a cluster, in the order in which one thing depends on another. Where the API server does not
/// answer, there is only that one.
pub async fn examine(client: &Client, patient: &Patient) -> Vec<Check> {
    let (mut checks, facts) = server::check(client, patient.now).await;
    let Some(facts) = facts else {
        return checks;
    };
    checks.push(definitions::check(client).await);
    checks.extend(rights::check(client, &patient.namespace).await);
    let registration = registered::check(client, patient, &facts).await;
    checks.extend(registration.checks);
    checks.push(registered::leader(client, patient, &facts).await);
    checks.push(probe::check(client, registration.refuses).await);
    checks.extend(standing::check(client).await);
    checks.push(others::check(client).await);
    checks
}

/// An error of the client, with its cause.
fn in_words(err: &kube::Error) -> String {
    match err {
        kube::Error::Api(status) => status.message.clone(),
        err => {
            let mut words = err.to_string();
            let mut cause = std::error::Error::source(err);
            while let Some(source) = cause {
                let more = source.to_string();
                if !words.contains(&more) {
                    words = format!("{words}: {more}");
                }
                cause = source.source();
            }
            words
        }
    }
}

/// The first few of some names, and how many there are besides.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
