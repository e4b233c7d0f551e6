//! What can go wrong in the ledger itself.

use tollgate_gpu::AmountError;

/// Why an account could not be changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A sum does not fit.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// Another leader has followed this one and counts instead.
    #[error("another leader counts the pods of the budget now")]
    Followed,
    /// A moment is outside the calendar, or there is no such time in a time zone.
    #[error("the second {second} since 1970 has no place in the calendar of the window")]
    Time {
        /// Seconds since 1970.
        second: i64,
    },
}
