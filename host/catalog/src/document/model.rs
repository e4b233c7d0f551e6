//! The models of GPUs that a site has.

use std::fmt;

use tollgate_gpu::{MODELS, Model, ModelError};

use super::{
    nearest::{did_you_mean, listed},
    written::{Misread, Written, as_text},
};

/// A model of GPU, by its id (`A100-40GB`) or by its product name (`NVIDIA-A100-SXM4-40GB`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ModelName {
    /// What is known of it.
    pub model: &'static Model,
}

as_text!(ModelName);

impl Written for ModelName {
    const FORMAT: &'static str = "tollgate-gpu-model";

    fn read(text: &str) -> Result<Self, Misread> {
        let ids = || MODELS.iter().map(|model| model.id);
        match Model::parse(text) {
            Ok(model) => Ok(Self { model }),
            Err(ModelError::Ambiguous { candidates, .. }) => Err(Misread::new(format!(
                "`{text}` may be several GPU models"
            ))
            .hint(format!(
                "write one of {}",
                listed(candidates.iter().map(|model| model.id))
            ))),
            Err(_) => {
                let meant = did_you_mean(text, ids());
                Err(Misread::new(format!("unknown GPU model `{text}`{meant}"))
                    .hint(format!("known are {}", listed(ids()))))
            }
        }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.model.id)
    }
}

#[cfg(test)]
mod tests {
    use super::{ModelName, Written};

    #[test]
    fn reads_ids_and_product_names() {
        assert_eq!(
            ModelName::read("a100-40gb").unwrap().to_string(),
            "A100-40GB"
        );
        assert_eq!(
            ModelName::read("NVIDIA-A100-SXM4-40GB")
                .unwrap()
                .to_string(),
            "A100-40GB"
        );
    }

    #[test]
    fn refuses_unknown_and_ambiguous_names() {
        let misread = ModelName::read("H10-80GB").unwrap_err();
        assert_eq!(
            misread.message,
            "unknown GPU model `H10-80GB`; did you mean `H100-80GB`?"
        );
        let misread = ModelName::read("A100").unwrap_err();
        assert_eq!(misread.message, "`A100` may be several GPU models");
        assert_eq!(
            misread.hint.as_deref(),
            Some("write one of `A100-40GB`, `A100-80GB`")
        );
        assert_eq!(
            ModelName::read("toaster").unwrap_err().message,
            "unknown GPU model `toaster`"
        );
    }
}
