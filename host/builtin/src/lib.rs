//! The built-in policy bundle as bytes.

/// The component that `build.rs` made of `policies/bundle`.
pub static BUNDLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bundle.wasm"));

/// The policies of [`BUNDLE`], which the default profile switches on, with their order: what changes the name of a
/// resource comes before what reads it, and what a pod costs is said last.
pub static POLICIES: [(&str, i32); 14] = [
    ("mig-resources", -10),
    ("gpu-isolation", 0),
    ("gpu-limits", 0),
    ("gpu-scaling", 0),
    ("gpu-sharing", 0),
    ("gpu-supply", 0),
    ("gpu-tolerations", 0),
    ("lifecycle", 0),
    ("node-resources", 0),
    ("placement", 0),
    ("shared-memory", 0),
    ("parallelism", 0),
    ("inference-serving", 0),
    ("gpu-budget", 10),
];

/// [`BUNDLE`] compiled ahead of time, when the build was given such a file.
///
/// The file may be older than the bundle beside it: whoever loads it must first hold it against
/// the bundle and the engine that are in force, and compile [`BUNDLE`] where they differ.
pub static ARTIFACT: Option<&[u8]> = match ARTIFACT_FILE {
    [] => None,
    bytes => Some(bytes),
};

const ARTIFACT_FILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/artifact"));

#[cfg(test)]
mod tests {
    use super::BUNDLE;

    #[test]
    fn bundle_is_a_component() {
        const COMPONENT: [u8; 8] = [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00];
        assert_eq!(BUNDLE[..8], COMPONENT);
    }
}
