//! The admission webhook's server: endpoints, limits, TLS, drain, probes, metrics.
//!
//! A [`Server`] passes the bodies of admission calls to a [`Reviewer`] and its answers back. It knows nothing of
//! what they say. What the reviewer cannot answer in time, or at all, is answered with a status that is not 200,
//! so that the API server's `failurePolicy` decides.
//!
//! Three parts run side by side: the accept loop with one task a connection, the watch over the certificate's
//! files, and a thread of its own for probes and metrics, which therefore answer under any load. A [`PageServer`] shows a
//! page to people, on another thread.

mod reviewer;
pub use reviewer::{
    Admission, Call, Decision, Effect, Phase, PolicyRun, PolicyStanding, Refusal, Reviewer,
    RuleUse, Standing,
};

mod traceparent;
pub use traceparent::TraceParent;

mod options;
pub use options::{Drain, Given, Limits, Options, TlsFiles, TlsSource, Trust};

mod server;
pub use server::{Addresses, BindError, Server};

mod signals;
pub use signals::termination;

mod tls;
pub use tls::install_crypto;

mod certificate;
pub use certificate::{CertificateError, Pair, Served};

mod authority;
pub use authority::{Authority, AuthorityError, Validity, expires, valid_in, vouches};

mod self_signed;
pub use self_signed::{SelfSignedError, self_signed};

mod metrics;
pub use metrics::{AccountTiding, LimitFigures, Metrics, OwnerTold, Registered, Reload, TraceFate};

mod page;
pub use page::{Audience, Entrance, Guard, Page, PageServer, Rendered};

mod activity;
mod body;
mod connection;
mod deadline;
mod endpoint;
mod expiry;
mod gate;
mod lifecycle;
mod probes;
mod rejection;
mod renewal;
mod side;
mod unwind;
