//! The ledger of GPU budgets.
//!
//! An [`Account`] is what a budget's status holds: bounded totals of live pods, and a [`Reservation`] for each pod that
//! was let in and has not been seen yet. Any replica may reserve; the leader alone keeps a [`Roll`] of live pods, and
//! from it confirms, expires and recounts. Both change an account by pure functions, and a [`Store`] takes the result
//! only if nobody else changed the account in between.

mod limit;
pub use limit::{Limit, LimitKey, PriorityShare};

mod window;
pub use window::{Period, Window, WindowError};

mod charge;
pub use charge::{Charge, Draw};

mod usage;
pub use usage::Usage;

mod account;
pub use account::{
    Account, MOST_BYTES, MOST_LIMITS, MOST_RESERVATIONS, Reservation, Reserve, Standing, Uid,
    Verdict,
};

mod draft;

mod taken;

mod roll;
pub use roll::{Change, Event, Live, Notice, Roll};

mod store;
pub use store::{MemoryStore, Pause, Store, StoreError, Stored, Version, Versioned};

mod lines;

mod wire;
pub use wire::{read_account, write_account};

mod file_store;
pub use file_store::{FileStore, OpenError};

mod queue;

mod committer;
pub use committer::{ChargeError, Committer};

mod ledger;
pub use ledger::{Entrant, Ledger, Share};

mod reading;
pub use reading::{PodReading, Reading, Readings, Wanted, WeighError, Weighed, moment, second_of};

mod several;
pub use several::Refused;
use several::reserve_in_all;

mod error;
pub use error::LedgerError;

mod sync;
