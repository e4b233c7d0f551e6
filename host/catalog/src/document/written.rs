//! Values that are written as text with a grammar of their own.

use std::fmt;

use thiserror::Error;

use super::{
    Decimal, Expiry, JsonPointer, KindName, Memory, ModelName, Module, PlatformName, Replicas,
    RuleName, Time, WindowName, ZoneName,
};

/// A value that configuration writes as text.
pub trait Written: Sized + fmt::Display {
    /// What the schema calls such a text.
    const FORMAT: &'static str;

    /// Reads the text.
    ///
    /// # Errors
    ///
    /// When it does not follow the grammar, or is out of range.
    fn read(text: &str) -> Result<Self, Misread>;
}

/// Why a text is not the value that it should be.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{message}")]
pub struct Misread {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Misread {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// Returns what is wrong with a text that a schema says is of a format. Formats of others are not
/// checked.
pub(super) fn misread(format: &str, text: &str) -> Option<Misread> {
    match format {
        Name::FORMAT => Name::read(text).err(),
        Module::FORMAT => Module::read(text).err(),
        KindName::FORMAT => KindName::read(text).err(),
        Time::FORMAT => Time::read(text).err(),
        Memory::FORMAT => Memory::read(text).err(),
        ModelName::FORMAT => ModelName::read(text).err(),
        PlatformName::FORMAT => PlatformName::read(text).err(),
        JsonPointer::FORMAT => JsonPointer::read(text).err(),
        Replicas::FORMAT => Replicas::read(text).err(),
        Expiry::FORMAT => Expiry::read(text).err(),
        RuleName::FORMAT => RuleName::read(text).err(),
        Decimal::FORMAT => Decimal::read(text).err(),
        WindowName::FORMAT => WindowName::read(text).err(),
        ZoneName::FORMAT => ZoneName::read(text).err(),
        _ => None,
    }
}

/// Implements what serde and schemars want of a [`Written`] type.
macro_rules! as_text {
    ($type:ident) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $crate::document::Written::read(&text).map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let format = <Self as $crate::document::Written>::FORMAT;
                schemars::json_schema!({"type": "string", "format": format})
            }
        }
    };
}

pub(super) use as_text;

/// The name of an object: a DNS subdomain.
pub(super) struct Name(String);

/// The letters that the API server allows in a name.
const LONGEST_NAME: usize = 253;

impl Written for Name {
    const FORMAT: &'static str = "tollgate-name";

    fn read(text: &str) -> Result<Self, Misread> {
        let longest = text.len() <= LONGEST_NAME;
        match longest && text.split('.').all(is_label) {
            true => Ok(Self(text.to_owned())),
            false => Err(Misread::new(format!("`{text}` is no name of an object")).hint(
                "lower-case letters, digits, `-` and `.`, beginning and ending with a letter or a digit",
            )),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = label.as_bytes();
    bytes.iter().all(|byte| letter(*byte) || *byte == b'-')
        && bytes.first().is_some_and(|first| letter(*first))
        && bytes.last().is_some_and(|last| letter(*last))
}

#[cfg(test)]
mod tests {
    use super::{Name, Written};

    #[test]
    fn a_name_is_a_dns_subdomain() {
        for name in ["a", "gpu-tolerations", "ml.research-2", &"a".repeat(253)] {
            assert!(Name::read(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "A",
            "a_b",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a b",
            "ä",
            &"a".repeat(254),
        ] {
            let misread = Name::read(name).err().unwrap();
            assert_eq!(misread.message, format!("`{name}` is no name of an object"));
        }
    }
}
