//! Runs one step of a review a number of times, for `scripts/instructions`, which counts instructions. Steps over a
//! review decode it first, as it happens in life.
//!
//!     instructions STEP TIMES

#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::env::temp_dir;
use std::hint::black_box;
use std::time::UNIX_EPOCH;

use tokio::runtime::{Builder, Runtime};
use tollgate_admission::{Kinds, Review};
use tollgate_pipeline::{Phase, receive, respond, review};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod fixture;
use fixture::{body, catalog, compact, only, request, trivial};

/// A step by its name, and how to run it so many times.
type Step = (&'static str, fn(&Runtime, usize));

const STEPS: [Step; 12] = [
    ("parse", parse),
    ("decode", decode),
    ("find-pods", find_pods),
    ("instantiate", instantiate),
    ("respond", answer),
    ("trivial-policy-mutate", |runtime, times| {
        reviews(runtime, &trivial(&temp_dir()), Phase::Mutate, times);
    }),
    ("trivial-policy-validate", |runtime, times| {
        reviews(runtime, &trivial(&temp_dir()), Phase::Validate, times);
    }),
    ("one-builtin-mutate", |runtime, times| {
        reviews(runtime, &only("gpu-tolerations"), Phase::Mutate, times);
    }),
    ("one-builtin-validate", |runtime, times| {
        reviews(runtime, &only("gpu-tolerations"), Phase::Validate, times);
    }),
    ("all-policies-mutate", |runtime, times| {
        reviews(runtime, "", Phase::Mutate, times);
    }),
    ("all-policies-validate", |runtime, times| {
        reviews(runtime, "", Phase::Validate, times);
    }),
    ("all-policies-review", |runtime, times| {
        reviews(runtime, "", Phase::DryRun, times);
    }),
];

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(times)) = (args.next(), args.next()) else {
        // Without arguments, as `cargo bench` calls it: the names, one a line.
        STEPS.iter().for_each(|(name, _)| println!("{name}"));
        return;
    };
    let Ok(times) = times.parse() else { return };
    let runtime = Builder::new_current_thread().build().unwrap();
    let (_, run) = STEPS.iter().find(|(step, _)| *step == name).unwrap();
    run(&runtime, times);
}

fn parse(_: &Runtime, times: usize) {
    let body = compact();
    for _ in 0..times {
        black_box(serde_json::from_str::<serde_json::Value>(&body).unwrap());
    }
}

fn decode(_: &Runtime, times: usize) {
    let body = compact();
    for _ in 0..times {
        black_box(receive(body.as_bytes()).unwrap());
    }
}

fn find_pods(_: &Runtime, times: usize) {
    let body = compact();
    for _ in 0..times {
        black_box(Review::new(request(&body), Kinds::builtin()));
    }
}

fn instantiate(runtime: &Runtime, times: usize) {
    let catalog = catalog(runtime, "");
    let bundle = catalog.bundles.first().unwrap();
    for _ in 0..times {
        runtime.block_on(async { bundle.session().open().await.unwrap() });
    }
}

fn answer(runtime: &Runtime, times: usize) {
    let catalog = catalog(runtime, "");
    let outcome = review(&catalog, request(&compact()), Phase::Mutate, UNIX_EPOCH);
    let outcome = runtime.block_on(outcome).unwrap();
    for _ in 0..times {
        black_box(respond(&outcome, Phase::Mutate));
    }
}

fn reviews(runtime: &Runtime, documents: &str, phase: Phase, times: usize) {
    let catalog = catalog(runtime, documents);
    let body = body(runtime, phase);
    for _ in 0..times {
        let review = review(&catalog, request(&body), phase, UNIX_EPOCH);
        black_box(runtime.block_on(review).unwrap());
    }
}
