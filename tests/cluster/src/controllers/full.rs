//! The controllers that only the full group has. Flags keep them on loopback and without leader election.

use super::{Needs, everyday};

pub(super) fn mx_training_operator() -> Needs {
    Needs {
        binary: "training-operator-1.8",
        flags: |place| {
            let mut flags = (everyday::training_operator().flags)(place);
            flags.push("--enable-scheme=mxjob".to_owned());
            flags
        },
        ..everyday::training_operator()
    }
}
