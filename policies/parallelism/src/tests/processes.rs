use tollgate_sdk::test::{container, pod};

use super::{PATH, alone, owned, run, runs, script};

#[test]
fn refuses_more_processes_than_devices() {
    for line in [
        &["torchrun", "--nproc_per_node=8", "train.py"][..],
        &[
            "torchrun",
            "--nnodes=2",
            "--nproc-per-node",
            "8",
            "train.py",
        ],
        &[
            "python",
            "-m",
            "torch.distributed.run",
            "--nproc_per_node",
            "8",
            "t.py",
        ],
        &["accelerate", "launch", "--num_processes", "8", "t.py"],
        &[
            "accelerate",
            "launch",
            "--num_machines",
            "1",
            "--num_processes=8",
            "t.py",
        ],
        &["deepspeed", "--num_gpus", "8", "t.py"],
    ] {
        let done = alone(runs("4", line));
        done.assert_findings(&["deny processes-above-devices"]);
        assert_eq!(done.findings[0].path, PATH);
        alone(runs("8", line)).assert_quiet();
    }
    let variable = runs("4", &["torchrun", "train.py"]).env("PET_NPROC_PER_NODE", "8");
    let done = alone(variable);
    done.assert_findings(&["deny processes-above-devices"]);
    assert_eq!(
        done.findings[0].message,
        "container `main`: torchrun with processes per node 8, more than its 4 nvidia.com/gpu"
    );
    alone(script(
        "4",
        "cd /w && torchrun \\\n --nproc_per_node 8 \\\n train.py",
    ))
    .assert_findings(&["deny processes-above-devices"]);
}

#[test]
fn warns_about_fewer_processes_than_devices() {
    let done = alone(runs("8", &["torchrun", "--nproc-per-node=4", "train.py"]));
    done.assert_findings(&["warn processes-below-devices"]);
    assert_eq!(
        done.findings[0].fix.as_deref(),
        Some("set `--nproc-per-node` to 8, or ask for `nvidia.com/gpu: 4` in the limits")
    );
}

#[test]
fn warns_only_where_the_pod_is_one_of_a_group() {
    let builder = pod([runs("4", &["torchrun", "--nproc-per-node=8", "train.py"])]);
    run(owned(builder, "kubeflow.org/v1", "PyTorchJob"))
        .assert_findings(&["warn parallel-above-pod"]);
}

#[test]
fn says_nothing_where_processes_are_not_counted_by_devices() {
    // Neuron: 16 chips of two cores.
    let cores = container("main").limit("aws.amazon.com/neuron", "16");
    alone(cores.command(&["torchrun", "--nproc_per_node=32", "t.py"])).assert_quiet();
    for line in [
        &["torchrun", "--nproc-per-node=gpu", "t.py"][..],
        &["torchrun", "--nproc-per-node=auto", "t.py"],
        &["torchrun", "--nproc_per_node=$GPU_PER_NODE", "t.py"],
        &[
            "torchrun",
            "--nproc-per-node=8",
            "t.py",
            "--backend",
            "gloo",
        ],
        &["torchrun", "t.py"],
        &[
            "accelerate",
            "launch",
            "--num_machines",
            "2",
            "--num_processes",
            "8",
            "t.py",
        ],
        &[
            "accelerate",
            "launch",
            "--config_file",
            "c.yaml",
            "--num_processes",
            "8",
            "t.py",
        ],
        &[
            "accelerate",
            "launch",
            "--cpu",
            "--num_processes",
            "8",
            "t.py",
        ],
        &[
            "deepspeed",
            "--include",
            "localhost:0,1",
            "--num_gpus",
            "8",
            "t.py",
        ],
        &["mpirun", "-np", "16", "python", "t.py"],
    ] {
        alone(runs("4", line)).assert_quiet();
    }
}
