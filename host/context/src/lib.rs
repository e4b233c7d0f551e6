//! What is known of a cluster, and where a pod fits.
//!
//! A [`Snapshot`] is made of plain JSON objects, whoever has them: a folder, the documents of one stream, watches. It
//! never changes. What it does not know it says so: no answer is ever a guess.

mod label;
pub use label::Gives;

mod offer;
pub use offer::{Offer, Source, Unit};

mod node;

mod pool;

mod machine;

mod plugin;

mod scheduler;

mod claim;

mod queue;

mod workload;

mod backend;

mod scaler;
pub use scaler::Scaler;

mod scale;
pub use scale::{SCALE, SCALED, lend};

mod kinds;
pub use kinds::kinds;

mod kept;

mod snapshot;
pub use snapshot::{Builder, Known, Snapshot};

mod question;
pub use question::{Answer, Asked, Question, Workload};

mod context;
pub use context::Context;

mod fit;
pub use fit::{Fit, Near, Obstacle, fit};
