//! Components made of a core module in WebAssembly text and the contract.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// What all guests share: memory, an allocator, and exports that describe the policies `bad` and `good`.
const PRELUDE: &str = include_str!("prelude.wat");

/// The component of a hostile guest: `body` stands in place of the marker in the prelude.
pub fn component(body: &str) -> Vec<u8> {
    let text = PRELUDE.replace(";; BODY", body);
    let mut module = wat::parse_str(&text).unwrap_or_else(|err| panic!("{err}"));
    let mut resolve = wit_parser::Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some("bundle")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&module)
        .unwrap()
        .validate(true)
        .encode()
        .unwrap()
}
