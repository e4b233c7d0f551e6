//! What can go wrong in a policy.

use std::time::Duration;

use wasmtime::Trap;

/// Why a policy gave no valid answer. Its edits and findings of that call are discarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It ran for longer than its limit.
    #[error("ran for longer than its limit of {} ms", limit.as_millis())]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// It wanted more memory than its limit.
    #[error("wanted {wanted} bytes of memory where its limit is {limit}")]
    OutOfMemory {
        /// What it would have had, in bytes.
        wanted: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// It called itself too deeply.
    #[error("overflowed its stack")]
    StackOverflow,
    /// It trapped.
    #[error("trapped: {cause}{}", said.as_deref().map(|said| format!(" ({said})")).unwrap_or_default())]
    Trapped {
        /// The trap, in the engine's words.
        cause: String,
        /// The last error that it logged before.
        said: Option<String>,
    },
    /// It made more of something than its limit.
    #[error("made more than {limit} {what}")]
    TooMany {
        /// What: `edits` or `findings`.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// It answered, but not as the contract asks.
    #[error("answered badly: {reason}")]
    BadAnswer {
        /// What is wrong with the answer.
        reason: String,
    },
    /// It stopped because another policy had written another value where it wanted to write.
    #[error(
        "clashed with policy `{policy}` (rule `{rule}`), which wrote another value at `{path}`"
    )]
    Conflict {
        /// The JSON pointer of the value.
        path: String,
        /// The policy that wrote it first.
        policy: String,
        /// The rule that wrote it first.
        rule: String,
    },
    /// It was not run, since it faults often (see [`crate::Breaker`]).
    #[error("is cut off after faulting often; the last time it {last}")]
    CutOff {
        /// What it did the last time.
        last: String,
    },
    /// The host had no room to run it.
    #[error("the host has no free instance")]
    Busy,
}

impl Fault {
    /// The words of all faults.
    pub const LABELS: [&str; 9] = [
        "timeout",
        "memory",
        "stack",
        "trap",
        "too-many",
        "bad-answer",
        "conflict",
        "cut-off",
        "busy",
    ];

    /// The fault's word in metrics and output.
    pub fn as_label(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "timeout",
            Self::OutOfMemory { .. } => "memory",
            Self::StackOverflow => "stack",
            Self::Trapped { .. } => "trap",
            Self::TooMany { .. } => "too-many",
            Self::BadAnswer { .. } => "bad-answer",
            Self::Conflict { .. } => "conflict",
            Self::CutOff { .. } => "cut-off",
            Self::Busy => "busy",
        }
    }

    pub(crate) fn bad_answer(reason: impl Into<String>) -> Self {
        Self::BadAnswer {
            reason: reason.into(),
        }
    }

    /// The fault that an error of the engine stands for: one that the host raised itself, or a trap.
    pub(crate) fn of(error: &wasmtime::Error, said: Option<String>) -> Self {
        if let Some(raised) = error.downcast_ref::<Self>() {
            return raised.clone();
        }
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return Self::Busy;
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Self::StackOverflow,
            Some(trap) => Self::Trapped {
                cause: trap.to_string(),
                said,
            },
            None => Self::Trapped {
                cause: error.root_cause().to_string(),
                said,
            },
        }
    }
}
