//! The built-in policies as one component.

tollgate_sdk::bundle!(
    tollgate_policy_mig_resources::MigResources,
    tollgate_policy_gpu_isolation::GpuIsolation,
    tollgate_policy_gpu_limits::GpuLimits,
    tollgate_policy_gpu_scaling::GpuScaling,
    tollgate_policy_gpu_sharing::GpuSharing,
    tollgate_policy_gpu_supply::GpuSupply,
    tollgate_policy_gpu_tolerations::GpuTolerations,
    tollgate_policy_lifecycle::Lifecycle,
    tollgate_policy_node_resources::NodeResources,
    tollgate_policy_placement::Placement,
    tollgate_policy_shared_memory::SharedMemory,
    tollgate_policy_parallelism::Parallelism,
    tollgate_policy_inference_serving::InferenceServing,
    tollgate_policy_gpu_budget::GpuBudget,
);
