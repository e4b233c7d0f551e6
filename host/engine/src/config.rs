//! The one configuration of wasmtime, and the limits of policies.

use std::time::Duration;

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The most memory that any policy may be given, in bytes: what the pool reserves for each instance.
pub const MAX_MEMORY: usize = 64 << 20;

/// How long `policies` and `configure` may run, together.
pub const CONFIGURE_TIME: Duration = Duration::from_secs(2);

/// Room for the host functions that a guest calls, beyond the guest's own stack, in bytes.
const HOST_STACK: usize = 512 << 10;

/// The guest's own stack, in bytes. Deeper recursion is a fault.
const GUEST_STACK: usize = 256 << 10;

/// Table elements of an instance; big language runtimes need some 8,000.
const TABLE_ELEMENTS: usize = 20_000;

/// Memory of an instance that stays with the process when the instance goes, in bytes.
const KEPT_MEMORY: usize = 256 << 10;

/// The same of each of its tables.
const KEPT_TABLE: usize = 64 << 10;

/// What an engine is made for.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How many instances may live at once.
    pub instances: u32,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { instances: 64 }
    }
}

/// What a policy may use. Entries whose limits differ never share an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// How long a call may run.
    pub time: Duration,
    /// How much memory an instance may have, in bytes.
    pub memory: usize,
    /// How many JSON Patch operations a review may have.
    pub edits: usize,
    /// How many findings a call may report.
    pub findings: usize,
    /// The longest text of a finding or log message, in bytes.
    pub message: usize,
    /// How many messages a call may log.
    pub log_lines: usize,
    /// Questions about the cluster in one call.
    pub questions: usize,
    /// How much text a call may exchange with the host, in bytes.
    pub exchange: usize,
    /// How many handles an instance may hold.
    pub handles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_millis(50),
            memory: 16 << 20,
            edits: 256,
            findings: 100,
            message: 1 << 10,
            log_lines: 100,
            questions: 1_000,
            exchange: 2 << 20,
            handles: 10_000,
        }
    }
}

/// The configuration that every engine has. Artifacts are tied to it.
pub(crate) fn engine_config(options: EngineOptions) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    // The baseline of the architecture, so that an artifact runs on every machine that the binary runs on.
    config.target(env!("TOLLGATE_TARGET"))?;
    config.epoch_interruption(true);
    config.max_wasm_stack(GUEST_STACK);
    config.async_stack_size(GUEST_STACK + HOST_STACK);
    config.memory_reservation(MAX_MEMORY as u64);
    config.memory_reservation_for_growth(0);
    config.memory_guard_size(64 << 10);
    config.generate_address_map(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options.instances)));
    Ok(config)
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // A component of a language runtime is several core modules with several memories and tables.
    pool.total_component_instances(instances);
    pool.total_core_instances(instances * 8);
    pool.total_memories(instances * 3);
    pool.total_tables(instances * 8);
    pool.total_stacks(instances);
    pool.max_core_instances_per_component(32);
    pool.max_memories_per_component(8);
    pool.max_tables_per_component(32);
    pool.max_memory_size(MAX_MEMORY);
    // To give a page back to the kernel interrupts every other core, and to take it again is a fault: so what an
    // instance has written is put right in place, up to this much. The kernel tells which pages those are.
    pool.pagemap_scan(Enabled::Auto);
    pool.linear_memory_keep_resident(KEPT_MEMORY);
    pool.table_keep_resident(KEPT_TABLE);
    pool.table_elements(TABLE_ELEMENTS);
    pool
}
