//! What a review costs, compute only: each step, one trivial policy, all built-in policies; sequential.

#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark, and criterion's macros"
)]

use std::hint::black_box;
use std::time::UNIX_EPOCH;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use tokio::runtime::Builder;
use tollgate_admission::{Kinds, Review};
use tollgate_pipeline::{Phase, receive, respond, review};
use wasmtime::Store;
use wasmtime::component::{Component, Linker};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod fixture;
use fixture::{body, catalog, compact, off, only, request, trivial};

/// What wasmtime itself costs: a component that adds one, instantiated anew for each call, and called again.
fn bare_wasmtime(criterion: &mut Criterion) {
    const ADD_ONE: &str = r#"(component
        (core module $m (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
        (core instance $i (instantiate $m))
        (func (export "f") (param "x" u32) (result u32) (canon lift (core func $i "f"))))"#;
    let mut config = wasmtime::Config::new();
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::pooling());
    let engine = wasmtime::Engine::new(&config).unwrap();
    let component = Component::new(&engine, wat::parse_str(ADD_ONE).unwrap()).unwrap();
    let pre = Linker::<()>::new(&engine)
        .instantiate_pre(&component)
        .unwrap();
    let instance = || {
        let mut store = Store::new(&engine, ());
        let instance = pre.instantiate(&mut store).unwrap();
        let f = instance
            .get_typed_func::<(u32,), (u32,)>(&mut store, "f")
            .unwrap();
        (store, f)
    };
    let mut group = criterion.benchmark_group("bare_wasmtime");
    group.bench_function("instantiate_call_and_drop", |bencher| {
        bencher.iter(|| {
            let (mut store, f) = instance();
            black_box(f.call(&mut store, (1,)).unwrap())
        });
    });
    group.bench_function("call", |bencher| {
        let (mut store, f) = instance();
        bencher.iter(|| black_box(f.call(&mut store, (1,)).unwrap()));
    });
    group.finish();
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
            |request| black_box(Review::new(request, Kinds::builtin())),
            BatchSize::SmallInput,
        );
    });
    let bundle = all.bundles.first().unwrap();
    group.bench_function("instantiate_and_drop", |bencher| {
        bencher.iter(|| runtime.block_on(async { bundle.session().open().await.unwrap() }));
    });
    let outcome = runtime
        .block_on(review(&all, request(&body), Phase::Mutate, UNIX_EPOCH))
        .unwrap();
    group.bench_function("respond", |bencher| {
        bencher.iter(|| black_box(respond(&outcome, Phase::Mutate)))
    });
    group.finish();
}

fn reviews(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("review");
    bench_reviews(
        &mut group,
        "trivial_policy",
        &trivial(&std::env::temp_dir()),
    );
    bench_reviews(&mut group, "one_builtin", &only("gpu-tolerations"));
    bench_reviews(&mut group, "all_policies", "");
    group.finish();
}

/// What each policy adds: all of them against all but that one.
fn without(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("without");
    for (name, _) in tollgate_builtin::POLICIES {
        bench_reviews(&mut group, name, &off(|other| other == name));
    }
    group.finish();
}

fn bench_reviews(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, documents: &str) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let catalog = catalog(&runtime, documents);
    for phase in [Phase::Mutate, Phase::Validate] {
        let body = body(&runtime, phase);
        group.bench_function(format!("{name}/{}", phase.as_str()), |bencher| {
            let run = |request| {
                runtime
                    .block_on(review(&catalog, request, phase, UNIX_EPOCH))
                    .unwrap()
            };
            bencher.iter_batched(
                || request(&body),
                |request| black_box(run(request)),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, bare_wasmtime, steps, reviews, without);
criterion_main!(benches);
