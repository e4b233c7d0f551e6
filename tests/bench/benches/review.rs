//! What a review costs, compute only: each step, one trivial policy, all built-in policies; sequential.

#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark, and criterion's macros"
)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};
use tollgate_admission::{Request, Review};
use tollgate_catalog::{Builtin, Catalog, Configuration, Loader, PlainComponents, Recent};
use tollgate_engine::{Engine, EngineOptions};
use tollgate_pipeline::{Phase, Received, receive, respond, review};

/// A pod of a multi-GPU server as the API server sends it, 4 KB.
const BODY: &str = include_str!("../../../examples/reviews/vllm-four-gpus.json");

fn catalog(runtime: &Runtime, documents: &str) -> Arc<Catalog> {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let builtin = Builtin {
        wasm: tollgate_builtin::BUNDLE,
        artifact: tollgate_builtin::ARTIFACT,
    };
    let loader = Loader {
        engine,
        builtin,
        cache: None,
        own_namespace: "tollgate-system".to_owned(),
        breakers: None,
        recent: Recent::default(),
        plain: PlainComponents::default(),
    };
    let own = Configuration::parse("bench", documents.as_bytes(), ".".as_ref()).unwrap();
    let resolved = own
        .over(Configuration::profile(tollgate_builtin::POLICIES))
        .resolve()
        .unwrap();
    Arc::new(runtime.block_on(loader.load(resolved)).unwrap())
}

/// Documents that switch every policy off but one.
fn only(name: &str) -> String {
    let off = |other: &&&str| **other != name;
    let document = |name: &&str| {
        format!(
            "apiVersion: tollgate.dev/v1alpha1\nkind: Policy\nmetadata: {{name: {name}}}\nspec: {{mode: \"off\"}}\n---\n"
        )
    };
    tollgate_builtin::POLICIES
        .map(|(name, _)| name)
        .iter()
        .filter(off)
        .map(document)
        .collect()
}

fn request(body: &str) -> Request {
    let Received::Request(request) = receive(body.as_bytes()).unwrap() else {
        panic!("a request")
    };
    *request
}

fn steps(criterion: &mut Criterion) {
    let body = compact();
    let runtime = Builder::new_current_thread().build().unwrap();
    let all = catalog(&runtime, "");
    let mut group = criterion.benchmark_group("step");
    group.bench_function("parse_with_serde_json", |bencher| {
        bencher.iter(|| black_box(serde_json::from_str::<serde_json::Value>(&body).unwrap()));
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| black_box(receive(body.as_bytes()).unwrap()))
    });
    group.bench_function("find_pods", |bencher| {
        bencher.iter_batched(
            || request(&body),
            |request| black_box(Review::new(request)),
            BatchSize::SmallInput,
        );
    });
    let bundle = all.bundles.first().unwrap();
    group.bench_function("instantiate_and_drop", |bencher| {
        bencher.iter(|| runtime.block_on(async { bundle.session().open().await.unwrap() }));
    });
    let outcome = runtime
        .block_on(review(&all, request(&body), Phase::Mutate))
        .unwrap();
    group.bench_function("respond", |bencher| {
        bencher.iter(|| black_box(respond(&outcome, Phase::Mutate)))
    });
    group.finish();
}

fn reviews(criterion: &mut Criterion) {
    let body = compact();
    let runtime = Builder::new_current_thread().build().unwrap();
    let mut group = criterion.benchmark_group("review");
    for (name, documents) in [
        ("one_policy", only("gpu-tolerations")),
        ("all_policies", String::new()),
    ] {
        let catalog = catalog(&runtime, &documents);
        for phase in [Phase::Mutate, Phase::Validate] {
            group.bench_function(format!("{name}/{}", phase.as_str()), |bencher| {
                let run = |request| runtime.block_on(review(&catalog, request, phase)).unwrap();
                bencher.iter_batched(
                    || request(&body),
                    |request| black_box(run(request)),
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

/// The body without the white space of the file, as the API server sends it.
fn compact() -> String {
    serde_json::from_str::<serde_json::Value>(BODY)
        .unwrap()
        .to_string()
}

criterion_group!(benches, steps, reviews);
criterion_main!(benches);
