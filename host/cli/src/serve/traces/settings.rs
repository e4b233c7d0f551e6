//! Where traces are sent, and of which reviews: as the options say, else as the variables that OpenTelemetry defines.

use anyhow::{Context as _, anyhow, bail};
use tollgate_cluster::collector::Address;

use crate::args::{TracesArgs, ratio};

/// What is appended to the URL of a collector.
const PATH: &str = "v1/traces";

/// The one protocol that is spoken.
const PROTOCOL: &str = "http/protobuf";

/// How reviews are traced.
#[derive(Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) address: Address,
    /// What is said of this program.
    pub(super) resource: Vec<(String, String)>,
    /// The fraction of reviews.
    pub(super) ratio: f64,
}

impl Settings {
    /// The settings; nothing where neither an option nor a variable names a collector.
    pub(super) fn of(
        args: &TracesArgs,
        replica: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Option<Self>> {
        let variables = Variables(variable);
        let Some(url) = variables.url(args.endpoint.as_deref())? else {
            return Ok(None);
        };
        let headers = match variables.of_traces("HEADERS") {
            // It may hold a key, and is not told.
            Some(given) => {
                pairs(&given).context("`OTEL_EXPORTER_OTLP_HEADERS` is no list of headers")?
            }
            None => Vec::new(),
        };
        Ok(Some(Self {
            address: Address {
                url,
                headers,
                authority: variables.of_traces("CERTIFICATE").map(Into::into),
            },
            resource: variables.resource(replica)?,
            ratio: match args.sampling {
                Some(ratio) => ratio,
                None => variables.ratio()?,
            },
        }))
    }
}

struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    /// A variable that says something: an empty one counts as unset.
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    /// A variable about traces, else about all that is sent.
    fn of_traces(&self, name: &str) -> Option<String> {
        let own = self.get(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
        own.or_else(|| self.get(&format!("OTEL_EXPORTER_OTLP_{name}")))
    }

    fn url(&self, given: Option<&str>) -> anyhow::Result<Option<String>> {
        let below = |base: &str| format!("{}/{PATH}", base.trim_end_matches('/'));
        if let Some(given) = given {
            return Ok(Some(below(given)));
        }
        let is_off = self.get("OTEL_SDK_DISABLED");
        if is_off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let own = self.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let url = own.or_else(|| Some(below(&self.get("OTEL_EXPORTER_OTLP_ENDPOINT")?)));
        match self.of_traces("PROTOCOL") {
            Some(protocol) if url.is_some() && protocol != PROTOCOL => bail!(
                "`OTEL_EXPORTER_OTLP_PROTOCOL` is `{protocol}`; traces are sent by `{PROTOCOL}` only"
            ),
            _ => Ok(url),
        }
    }

    fn ratio(&self) -> anyhow::Result<f64> {
        let given = self.get("OTEL_TRACES_SAMPLER_ARG");
        let read = given.map(|given| {
            ratio(&given).map_err(|err| anyhow!("`OTEL_TRACES_SAMPLER_ARG` is `{given}`; {err}"))
        });
        read.unwrap_or(Ok(1.0))
    }

    /// What is said of this program. What the environment says counts more.
    fn resource(&self, replica: Option<&str>) -> anyhow::Result<Vec<(String, String)>> {
        let given = self.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let mut resource =
            pairs(&given).with_context(|| format!("`OTEL_RESOURCE_ATTRIBUTES` is `{given}`"))?;
        if let Some(name) = self.get("OTEL_SERVICE_NAME") {
            resource.retain(|(key, _)| key != "service.name");
            resource.push(("service.name".to_owned(), name));
        }
        let own = [
            ("service.name", Some("tollgate")),
            ("service.version", Some(env!("CARGO_PKG_VERSION"))),
            ("service.instance.id", replica),
        ];
        for (key, value) in own {
            if let Some(value) = value
                && !resource.iter().any(|(known, _)| known == key)
            {
                resource.push((key.to_owned(), value.to_owned()));
            }
        }
        Ok(resource)
    }
}

/// Reads `KEY=VALUE,KEY=VALUE`, with `%` before what is no plain character.
fn pairs(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let pairs = text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.trim().to_owned(), decoded(value.trim())?))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| anyhow!("expected `KEY=VALUE`, separated by commas"))
}

fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: TracesArgs, variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::of(&args, Some("tollgate-0"), variable).map_err(|err| format!("{err:#}"))
    }

    fn asked(endpoint: &str) -> TracesArgs {
        TracesArgs {
            endpoint: Some(endpoint.to_owned()),
            sampling: None,
        }
    }

    fn url(args: TracesArgs, variables: &[(&str, &str)]) -> Option<String> {
        of(args, variables).unwrap().map(|it| it.address.url)
    }

    #[test]
    fn nothing_is_traced_unless_somebody_asks() {
        let off = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318"),
            ("OTEL_SDK_DISABLED", "true"),
        ];
        for variables in [&[][..], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], &off] {
            assert_eq!(of(TracesArgs::default(), variables), Ok(None));
        }
    }

    #[test]
    fn the_option_counts_more_than_variables_and_the_one_for_traces_is_taken_as_it_is() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318/");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:4318/here");
        let none = TracesArgs::default;
        assert_eq!(url(none(), &[general]).unwrap(), "http://a:4318/v1/traces");
        assert_eq!(url(none(), &[general, own]).unwrap(), "http://b:4318/here");
        let given = url(asked("http://c:4318/base"), &[general, own]);
        assert_eq!(given.unwrap(), "http://c:4318/base/v1/traces");
    }

    #[test]
    fn variables_say_how_to_reach_it_and_who_we_are() {
        let variables = [
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, tenant=ml"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.crt"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "service.name=x,k8s.cluster.name=lab",
            ),
            ("OTEL_SERVICE_NAME", "gate"),
        ];
        let settings = of(asked("https://c"), &variables).unwrap().unwrap();
        let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        assert_eq!(
            settings,
            Settings {
                address: Address {
                    url: "https://c/v1/traces".to_owned(),
                    headers: [("api-key", "a b"), ("tenant", "ml")].map(pair).to_vec(),
                    authority: Some("/ca.crt".into()),
                },
                resource: [
                    ("k8s.cluster.name", "lab"),
                    ("service.name", "gate"),
                    ("service.version", env!("CARGO_PKG_VERSION")),
                    ("service.instance.id", "tollgate-0"),
                ]
                .map(pair)
                .to_vec(),
                ratio: 0.25,
            }
        );
    }

    #[test]
    fn what_cannot_be_used_is_named_and_keys_are_not_told() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4317");
        let cases = [
            (
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                "`grpc`; traces are sent by `http/protobuf`",
            ),
            (
                ("OTEL_TRACES_SAMPLER_ARG", "2"),
                "`2`; expected a number from 0 to 1",
            ),
            (
                ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
                "expected `KEY=VALUE`",
            ),
            (
                ("OTEL_EXPORTER_OTLP_HEADERS", "key=%zz"),
                "expected `KEY=VALUE`",
            ),
            (
                ("OTEL_RESOURCE_ATTRIBUTES", "a"),
                "`OTEL_RESOURCE_ATTRIBUTES` is `a`",
            ),
        ];
        for (variable, said) in cases {
            let err = of(TracesArgs::default(), &[endpoint, variable]).unwrap_err();
            assert!(err.contains(said) && !err.contains("secret"), "{err}");
        }
    }
}
