//! The contract's types, generated.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated from the contract"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "bundle",
    imports: { default: trappable },
    exports: { default: async },
    with: {
        "tollgate:policy/types.review": crate::state::ReviewHandle,
        "tollgate:policy/types.pod": crate::state::PodHandle,
        "tollgate:policy/types.container": crate::state::ContainerHandle,
    },
});
