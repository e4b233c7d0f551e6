//! What the API server trusts: the bundles of both configurations.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};

/// The certificates that every entry of both configurations has, in PEM. Nothing where a configuration is missing
/// or has an entry without a bundle.
pub(crate) fn published(
    mutating: Option<&MutatingWebhookConfiguration>,
    validating: Option<&ValidatingWebhookConfiguration>,
) -> String {
    let (Some(mutating), Some(validating)) = (mutating, validating) else {
        return String::new();
    };
    let mutating = mutating.webhooks.iter().flatten();
    let validating = validating.webhooks.iter().flatten();
    let bundles = mutating
        .map(|webhook| bundle(&webhook.client_config))
        .chain(validating.map(|webhook| bundle(&webhook.client_config)));
    in_all(bundles)
}

fn bundle(client: &WebhookClientConfig) -> String {
    let bytes = client.ca_bundle.as_ref().map(|bundle| bundle.0.as_slice());
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

fn in_all(mut bundles: impl Iterator<Item = String>) -> String {
    let Some(first) = bundles.next() else {
        return String::new();
    };
    let others: Vec<_> = bundles.collect();
    let everywhere = |block: &String| others.iter().all(|bundle| bundle.contains(block.trim()));
    blocks(&first).filter(everywhere).collect()
}

/// The certificates of a PEM text, one by one.
fn blocks(text: &str) -> impl Iterator<Item = String> {
    const END: &str = "-----END CERTIFICATE-----";
    text.split_inclusive(END)
        .filter(|block| block.ends_with(END))
        .map(|block| format!("{}\n", block.trim()))
}

#[cfg(test)]
mod tests {
    use super::in_all;

    fn certificate(name: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn only_what_every_entry_has_is_published() {
        let (a, b) = (certificate("a"), certificate("b"));
        let both = format!("{a}{b}");
        let all = |bundles: &[&String]| in_all(bundles.iter().map(|bundle| (*bundle).clone()));
        assert_eq!(all(&[&both, &both]), both);
        assert_eq!(all(&[&both, &a]), a);
        assert_eq!(all(&[&a, &b]), "");
        assert_eq!(all(&[&both, &String::new()]), "");
        assert_eq!(all(&[]), "");
    }
}
