//! placeholder
use tollgate_sdk::prelude::*;
/// x
#[derive(Default, Deserialize, JsonSchema)]
pub struct GpuSharing {}
impl Policy for GpuSharing { const INFO: Info = Info::new("gpu-sharing","x",&[]); }
