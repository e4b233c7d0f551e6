//! Images of 10 to 30 GB: pulled once, and the same for every replica.

use tollgate_sdk::below;
use tollgate_sdk::prelude::*;

use crate::server::Server;

pub(crate) const SET_POLICY: Rule = Rule::repair(
    "pull-policy-if-not-present",
    "The image of a server is pulled once for each node where its tag or digest is fixed, by the setting `setPullPolicy`.",
);
pub(crate) const ALWAYS: Rule = Rule::warn(
    "image-always-pulled",
    "A server's image of a fixed tag or digest is pulled only where it is missing: to ask the registry at each start costs minutes of idle GPUs, and no start is possible without it.",
);
pub(crate) const MOVING: Rule = Rule::warn(
    "image-not-fixed",
    "A server's image has a tag of its own or a digest: under `latest` the replicas differ, and a restart may bring another version, pulled anew.",
);

/// Warns about images that are pulled at each start, and about those that change.
pub(crate) fn report(server: &Server<'_>) {
    let Some(image) = server.container.image() else {
        return;
    };
    if !is_fixed(&image) {
        report_moving(server, &image);
    } else if is_always_pulled(server) {
        report_always(server);
    }
}

/// Pulls an image that does not change only where it is missing.
pub(crate) fn repair(server: &Server<'_>) -> Outcome {
    let container = server.container;
    let is_fixed = container.image().is_some_and(|image| is_fixed(&image));
    if is_fixed && is_always_pulled(server) {
        edits::set_image_pull_policy(container, SET_POLICY.id, "IfNotPresent")?;
    }
    Ok(())
}

fn is_always_pulled(server: &Server<'_>) -> bool {
    server.container.image_pull_policy().as_deref() == Some("Always")
}

/// Whether the image has a digest, or a tag other than `latest`; a colon before the last `/` is a registry's port.
fn is_fixed(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    image.contains('@')
        || name
            .split_once(':')
            .is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest")
}

fn report_always(server: &Server<'_>) {
    ALWAYS
        .finding(
            below(&server.container.path(), &["imagePullPolicy"]),
            format!(
                "container `{}` asks for its image at each start though its tag is fixed",
                server.container.name()
            ),
        )
        .actual("Always")
        .allowed("IfNotPresent")
        .fix("set `imagePullPolicy: IfNotPresent`, or leave it out")
        .report();
}

fn report_moving(server: &Server<'_>, image: &str) {
    MOVING
        .finding(
            below(&server.container.path(), &["image"]),
            format!(
                "the image of container `{}` may be another at each start: `{image}`",
                server.container.name()
            ),
        )
        .actual(image)
        .allowed("a fixed tag or a digest")
        .fix("name the version that was tested, as `image:v1.2.3` or `image@sha256:…`")
        .report();
}
