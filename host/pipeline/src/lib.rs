//! The life of a review. The webhook and the command line call the same function, [`review`]; they differ only in
//! where requests come from and where the answer goes.

mod review;
pub use review::{Phase, Unavailable, review, seconds};

mod count;
pub use count::{Counted, count};

mod chain;
mod charging;
pub use charging::refusal;
mod exempting;
mod matching;
mod ratchet;
mod relevance;

mod outcome;
pub use outcome::{Charge, Course, Exempted, FaultReport, Outcome, PodSummary, PolicyRun, Verdict};

mod receive;
pub use receive::{ReceiveError, Received, receive, receive_value};

mod respond;
pub use respond::{refuse_malformed, respond};

mod report;
pub use report::report;
