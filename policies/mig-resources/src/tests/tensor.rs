use tollgate_sdk::test::{container, pod};

use super::{assert_one, run, server};

const MIG: &str = "nvidia.com/mig-3g.40gb";
const PATH: &str = "/spec/containers/0/resources/limits/nvidia.com~1mig-3g.40gb";

#[test]
fn refuses_tensor_parallelism_over_mig_devices_in_every_spelling() {
    for line in [
        &["vllm", "serve", "m", "--tensor-parallel-size", "2"][..],
        &["vllm", "serve", "m", "--tensor-parallel-size=2"],
        &["vllm", "serve", "m", "-tp", "2"],
        &["python3", "-m", "sglang.launch_server", "--tp", "2"],
        &["python3", "-m", "sglang.launch_server", "--tp-size", "2"],
        &["text-generation-launcher", "--num-shard", "2"],
        &[
            "bash",
            "-c",
            "exec vllm serve m \\\n  --tensor-parallel-size 2",
        ],
    ] {
        let done = run(pod([server(MIG, "1", line)]));
        assert_one(
            &done,
            "deny tensor-parallel-over-mig",
            PATH,
            &[
                "tensor parallel size 2 over nvidia.com/mig-3g.40gb",
                "nvidia.com/gpu: 2",
            ],
        );
    }
    let shards = container("main").limit(MIG, "1").env("NUM_SHARD", "2");
    run(pod([shards])).assert_findings(&["deny tensor-parallel-over-mig"]);
}

#[test]
fn two_mig_devices_are_wrong_in_both_ways() {
    let done = run(pod([server(
        MIG,
        "2",
        &["vllm", "serve", "m", "--tp", "2"],
    )]));
    done.assert_findings(&["deny several-mig-devices", "deny tensor-parallel-over-mig"]);
}

#[test]
fn refuses_it_over_several_shares_and_on_nodes_that_are_cut_alike() {
    let tp = ["vllm", "serve", "m", "--tp", "2"];
    run(pod([server("nvidia.com/gpu.shared", "2", &tp)]))
        .assert_findings(&["deny tensor-parallel-over-mig"]);
    let gpu = |count, label: &str, value| {
        run(pod([server("nvidia.com/gpu", count, &tp)]).node_selector(label, value))
    };
    let sharing = "cloud.google.com/gke-gpu-sharing-strategy";
    gpu("2", sharing, "time-sharing").assert_findings(&["deny tensor-parallel-over-mig"]);
    gpu("1", "cloud.google.com/gke-gpu-partition-size", "1g.5gb")
        .assert_findings(&["deny tensor-parallel-over-mig"]);
}

#[test]
fn says_nothing_of_whole_gpus_size_one_and_what_is_no_literal() {
    let tp = |value: &str| ["vllm".to_owned(), format!("--tensor-parallel-size={value}")];
    let line = |value: &str| {
        tp(value)
            .iter()
            .map(String::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for value in ["1", "$(TP)", "${TP}", "auto"] {
        let words = line(value);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        run(pod([server(MIG, "1", &words)])).assert_quiet();
    }
    let two = ["vllm", "serve", "m", "--tp", "2"];
    run(pod([server("nvidia.com/gpu", "2", &two)])).assert_quiet();
    run(pod([server("nvidia.com/gpu.shared", "1", &two)])).assert_quiet();
    run(pod([server("google.com/tpu", "4", &two)])).assert_quiet();
    run(pod([server(MIG, "1", &["vllm", "serve", "m"])])).assert_quiet();
}
