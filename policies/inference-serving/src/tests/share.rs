use tollgate_sdk::test::{container, pod};

use super::{ready, run};

fn share(name: &str, words: &[&str]) -> super::ContainerBuilder {
    ready(
        container("main")
            .limit(name, "1")
            .command(&[&["vllm", "serve", "m"], words].concat()),
    )
}

#[test]
fn warns_about_nine_tenths_of_a_shared_gpu() {
    let warned = ["warn whole-memory-on-shared-gpu"];
    for name in ["nvidia.com/gpu.shared", "nvidia.com/mig-3g.40gb.shared"] {
        run(pod([share(name, &[])])).assert_findings(&warned);
        run(pod([share(name, &["--gpu-memory-utilization", "0.9"])])).assert_findings(&warned);
    }
    let selected = pod([share("nvidia.com/gpu", &[])])
        .node_selector("cloud.google.com/gke-gpu-sharing-strategy", "time-sharing");
    let done = run(selected);
    done.assert_findings(&warned);
    assert_eq!(
        done.findings[0].message,
        "container `main` takes 90 % of the memory of a GPU that it shares: the next one dies of CUDA out of memory"
    );
}

#[test]
fn says_nothing_about_a_part_or_a_gpu_of_its_own() {
    for words in [
        &["--gpu-memory-utilization=0.45"][..],
        &["--gpu-memory-utilization", "$(PART)"],
    ] {
        run(pod([share("nvidia.com/gpu.shared", words)])).assert_quiet();
    }
    run(pod([share("nvidia.com/gpu", &[])])).assert_quiet();
    run(pod([share("nvidia.com/mig-3g.40gb", &[])])).assert_quiet();
}
