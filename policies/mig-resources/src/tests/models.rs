//! Every model of the table, against NVIDIA's MIG user guide ("Supported MIG Profiles").

use tollgate_sdk::gpu::{MODELS, Vendor};
use tollgate_sdk::test::{Case, Done, PodBuilder};

use super::{MigResources, assert_renamed, needs, needs_profile};

/// The profiles that sizes lead to, smallest first, and those that numbers of slices lead to.
type Row = (&'static [&'static str], &'static str, &'static str);

const TABLE: &[Row] = &[
    (
        &["A100-40GB", "A800-40GB"],
        "1g.5gb 1g.10gb 3g.20gb 7g.40gb",
        "1g.5gb 2g.10gb 3g.20gb 4g.20gb 7g.40gb",
    ),
    (
        &["A100-80GB", "A800-80GB", "H100-80GB", "H800-80GB"],
        "1g.10gb 1g.20gb 3g.40gb 7g.80gb",
        "1g.10gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb",
    ),
    (
        &["H100-NVL", "H800-NVL"],
        "1g.12gb 1g.24gb 3g.47gb 7g.94gb",
        "1g.12gb 2g.24gb 3g.47gb 4g.47gb 7g.94gb",
    ),
    (
        &["H100-96GB", "GH200-96GB", "H20"],
        "1g.12gb 1g.24gb 3g.48gb 7g.96gb",
        "1g.12gb 2g.24gb 3g.48gb 4g.48gb 7g.96gb",
    ),
    (
        &["H200"],
        "1g.18gb 1g.35gb 3g.71gb 7g.141gb",
        "1g.18gb 2g.35gb 3g.71gb 4g.71gb 7g.141gb",
    ),
    (
        &["GH200-144GB"],
        "1g.18gb 1g.36gb 3g.72gb 7g.144gb",
        "1g.18gb 2g.36gb 3g.72gb 4g.72gb 7g.144gb",
    ),
    (
        &["B200"],
        "1g.23gb 1g.45gb 3g.90gb 7g.180gb",
        "1g.23gb 2g.45gb 3g.90gb 4g.90gb 7g.180gb",
    ),
    (
        &["GB200"],
        "1g.23gb 1g.47gb 3g.93gb 7g.186gb",
        "1g.23gb 2g.47gb 3g.93gb 4g.93gb 7g.186gb",
    ),
    (
        &["B300"],
        "1g.34gb 1g.67gb 3g.135gb 7g.269gb",
        "1g.34gb 2g.67gb 3g.135gb 4g.135gb 7g.269gb",
    ),
    (
        &["GB300"],
        "1g.35gb 1g.70gb 3g.139gb 7g.278gb",
        "1g.35gb 2g.70gb 3g.139gb 4g.139gb 7g.278gb",
    ),
    (&["A30"], "1g.6gb 2g.12gb 4g.24gb", "1g.6gb 2g.12gb 4g.24gb"),
    (
        &["RTX-PRO-6000"],
        "1g.24gb 2g.48gb 4g.96gb",
        "1g.24gb 2g.48gb 4g.96gb",
    ),
    (&["RTX-PRO-5000"], "1g.24gb 2g.48gb", "1g.24gb 2g.48gb"),
    (&["RTX-PRO-4500"], "1g.16gb 2g.32gb", "1g.16gb 2g.32gb"),
];

fn on(model: &str, pod: PodBuilder) -> Done {
    Case::new(pod).gpu_models(&[model]).run::<MigResources>()
}

fn memory(profile: &str) -> u32 {
    let (_, memory) = profile.split_once('.').unwrap();
    memory.trim_end_matches("gb").parse().unwrap()
}

#[test]
fn a_size_leads_to_the_smallest_profile_that_has_it_on_every_model() {
    for (models, by_size, _) in TABLE {
        for model in *models {
            let mut below = 0;
            for profile in by_size.split(' ') {
                for wanted in [below + 1, memory(profile)] {
                    assert_renamed(
                        &on(model, needs(&format!("{wanted}Gi"))),
                        &format!("nvidia.com/mig-{profile}"),
                    );
                }
                below = memory(profile);
            }
            on(model, needs(&format!("{}Gi", below + 1)))
                .assert_findings(&["deny mig-size-too-large"]);
        }
    }
}

#[test]
fn a_number_of_slices_leads_to_the_smallest_profile_of_so_many_on_every_model() {
    for (models, _, by_slices) in TABLE {
        for model in *models {
            for profile in by_slices.split(' ') {
                let (slices, _) = profile.split_once('.').unwrap();
                for written in [slices, profile] {
                    assert_renamed(
                        &on(model, needs_profile(written)),
                        &format!("nvidia.com/mig-{profile}"),
                    );
                }
            }
            on(model, needs_profile("6g")).assert_findings(&["deny mig-profile-unavailable"]);
        }
    }
}

#[test]
fn models_without_mig_are_refused_by_name_and_the_table_holds_all_others() {
    for model in MODELS.iter().filter(|model| model.vendor == Vendor::Nvidia) {
        let is_listed = TABLE
            .iter()
            .any(|(models, _, _)| models.contains(&model.id));
        assert_eq!(is_listed, model.board.is_some(), "{}", model.id);
        if !is_listed {
            let done = on(model.id, needs("1Gi"));
            done.assert_findings(&["deny mig-profile-unavailable"]);
            assert!(
                done.findings[0]
                    .message
                    .contains(&format!("{} cannot be cut by MIG", model.id))
            );
        }
    }
}
