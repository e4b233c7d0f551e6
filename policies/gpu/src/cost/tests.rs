use super::{Ask, Fraction, Known, Part, cost};
use crate::{
    amount::{Amount, AmountError, Unit},
    demand::ContainerClass::{self, App, Init, Sidecar},
    mig::MigName,
    model::Model,
    quantity::Quantity,
    weight::Candidates,
};

fn ask<'a>(resources: &[(ContainerClass, &'a str, i64)]) -> Ask<'a> {
    let resources = resources
        .iter()
        .map(|(class, name, count)| (*class, *name, Quantity::from(*count)));
    Ask {
        resources: resources.collect(),
        ..Ask::default()
    }
}

fn fraction(of_each: Part, devices: u32) -> Ask<'static> {
    Ask {
        fraction: Some(Fraction { of_each, devices }),
        ..Ask::default()
    }
}

/// GPUs and gibibytes, as text.
fn costs(ask: &Ask<'_>, known: &Known<'_>) -> (String, String) {
    let cost = cost(ask, known).unwrap();
    let text = |unit| cost.held(unit, None).unwrap().text(unit);
    (text(Unit::Gpu), text(Unit::GpuMemory))
}

fn assert_costs(ask: &Ask<'_>, known: &Known<'_>, gpus: &str, memory: &str) {
    assert_eq!(costs(ask, known), (gpus.to_owned(), memory.to_owned()));
}

fn model(id: &str) -> &'static Model {
    Model::parse(id).unwrap()
}

fn selecting<'a>(selected: &'a [&'static Model]) -> Known<'a> {
    Known {
        candidates: Candidates {
            selected,
            cluster: &[],
        },
        ..Known::default()
    }
}

#[test]
fn whole_gpus_cost_themselves_and_their_memory() {
    let eight = ask(&[(App, "nvidia.com/gpu", 8)]);
    assert_costs(&eight, &selecting(&[model("H100-80GB")]), "8", "640");
    assert_costs(&ask(&[(App, "cpu", 4)]), &Known::default(), "0", "0");
}

#[test]
fn containers_of_every_class_count_by_the_effective_request() {
    let pod = ask(&[
        (Sidecar, "nvidia.com/gpu", 1),
        (Init, "nvidia.com/gpu", 4),
        (App, "nvidia.com/gpu", 2),
    ]);
    assert_costs(&pod, &selecting(&[model("L4")]), "5", "120");
}

#[test]
fn slices_cost_the_larger_of_compute_and_memory() {
    let slices = |name| ask(&[(App, name, 2)]);
    let h100 = [model("H100-80GB")];
    for (name, gpus, memory) in [
        ("nvidia.com/mig-1g.10gb", "0.285715", "20"),
        ("nvidia.com/mig-1g.20gb", "0.5", "40"),
        ("nvidia.com/mig-3g.40gb", "1", "80"),
        ("nvidia.com/mig-7g.80gb", "2", "160"),
    ] {
        assert_costs(&slices(name), &selecting(&h100), gpus, memory);
    }
    let mi300x = [model("MI300X")];
    assert_costs(
        &slices("amd.com/cpx_nps4"),
        &selecting(&mi300x),
        "0.25",
        "48",
    );
}

#[test]
fn what_nothing_tells_costs_the_most_that_it_can_be() {
    let known = Known::default();
    assert_costs(
        &ask(&[(App, "nvidia.com/mig-1g.10gb", 1)]),
        &known,
        "0.25",
        "10",
    );
    assert_costs(&ask(&[(App, "nvidia.com/gpu", 1)]), &known, "1", "278");
    assert_costs(&ask(&[(App, "amd.com/gpu", 1)]), &known, "1", "288");
    assert_costs(
        &ask(&[(App, "nvidia.com/gpu.shared", 1)]),
        &known,
        "1",
        "278",
    );
}

#[test]
fn shares_and_slices_behind_the_plain_name_cost_their_part() {
    let a100 = [model("A100-80GB")];
    let one = ask(&[(App, "nvidia.com/gpu", 1)]);
    let quarter = Known {
        replicas: 4.try_into().ok(),
        ..selecting(&a100)
    };
    assert_costs(&one, &quarter, "0.25", "20");
    let slice = Known {
        partition: MigName::from_profile("3g.40gb"),
        ..selecting(&a100)
    };
    assert_costs(&one, &slice, "0.5", "40");
    let share_of_slice = Known {
        replicas: 3.try_into().ok(),
        ..slice
    };
    assert_costs(&one, &share_of_slice, "0.166667", "13.333334");
    let named = ask(&[(App, "nvidia.com/mig-3g.40gb", 1)]);
    assert_costs(&named, &quarter, "0.5", "40");
}

#[test]
fn fractions_by_annotation_cost_their_part_of_each_device() {
    let a100 = [model("A100-80GB"), model("A100-40GB")];
    let known = selecting(&a100);
    assert_costs(&fraction(Part::Millionths(500_000), 2), &known, "1", "80");
    assert_costs(&fraction(Part::Mebibytes(20_480), 1), &known, "0.5", "20");
    assert_costs(
        &fraction(Part::Mebibytes(4_096), 1),
        &Known::default(),
        "1",
        "4",
    );
}

#[test]
fn a_fraction_beside_devices_costs_nothing_more() {
    let both = Ask {
        fraction: fraction(Part::Millionths(500_000), 1).fraction,
        ..ask(&[(App, "nvidia.com/gpu", 1)])
    };
    assert_costs(&both, &selecting(&[model("L4")]), "1", "24");
}

#[test]
fn claims_cost_a_device_each() {
    let claims = Ask {
        claimed: 3,
        ..Ask::default()
    };
    assert_costs(&claims, &selecting(&[model("H200")]), "3", "423");
}

#[test]
fn quantities_that_no_device_counts_cost_what_they_say_or_a_whole_gpu() {
    let l4 = [model("L4")];
    let known = selecting(&l4);
    assert_costs(
        &ask(&[(App, "tencent.com/vcuda-core", 150)]),
        &known,
        "1.5",
        "36",
    );
    assert_costs(&ask(&[(App, "aliyun.com/gpu-mem", 3)]), &known, "1", "24");
    let beside = ask(&[
        (App, "nvidia.com/gpu", 1),
        (App, "nvidia.com/gpumem", 3_000),
    ]);
    assert_costs(&beside, &known, "1", "24");
}

#[test]
fn a_model_is_charged_for_all_that_may_be_of_it() {
    let either = [model("A100-80GB"), model("A100-40GB")];
    let cost = cost(&ask(&[(App, "nvidia.com/gpu", 2)]), &selecting(&either)).unwrap();
    let gpus = |id| {
        cost.held(Unit::Gpu, Some(model(id)))
            .unwrap()
            .text(Unit::Gpu)
    };
    assert_eq!(gpus("A100-40GB"), "2");
    assert_eq!(gpus("H100-80GB"), "0");
}

#[test]
fn where_nothing_is_known_all_models_of_the_vendor_count_and_of_a_slice_those_that_have_it() {
    let gpus = |name: &str, id| {
        let ask = ask(&[(App, name, 1)]);
        let cost = cost(&ask, &Known::default()).unwrap();
        let held = cost.held(Unit::Gpu, Some(model(id))).unwrap();
        held.text(Unit::Gpu)
    };
    assert_eq!(gpus("nvidia.com/gpu", "H100-80GB"), "1");
    assert_eq!(gpus("nvidia.com/gpu", "MI300X"), "0");
    assert_eq!(gpus("nvidia.com/mig-1g.10gb", "H100-80GB"), "0.25");
    assert_eq!(gpus("nvidia.com/mig-1g.10gb", "L4"), "0");
}

#[test]
fn a_slice_is_none_of_the_models_that_do_not_have_it() {
    let cluster = [model("L4"), model("H100-80GB")];
    let known = Known {
        candidates: Candidates {
            selected: &[],
            cluster: &cluster,
        },
        ..Known::default()
    };
    let slice = ask(&[(App, "nvidia.com/mig-1g.10gb", 1)]);
    let items = cost(&slice, &known).unwrap().items;
    assert_eq!(items[0].models, [model("H100-80GB")]);
}

#[test]
fn fractions_by_annotation_are_of_nvidias_devices() {
    let cluster = [model("MI300X"), model("L4")];
    let known = Known {
        candidates: Candidates {
            selected: &[],
            cluster: &cluster,
        },
        ..Known::default()
    };
    assert_costs(&fraction(Part::Mebibytes(12_288), 1), &known, "0.5", "12");
}

#[test]
fn hours_and_money_add_up_exactly() {
    let cost = cost(
        &ask(&[(App, "nvidia.com/mig-1g.10gb", 7)]),
        &selecting(&[model("H100-80GB")]),
    );
    let cost = cost.unwrap();
    let hour = |per_second: Amount| per_second.times(3_600).unwrap();
    let hours = hour(cost.hours_per_second(None).unwrap());
    assert_eq!(hours.text(Unit::GpuHours), "1");
    let price = Amount::decimal("6.88").unwrap();
    let money = cost.money_per_second(None, |_| price).unwrap();
    assert_eq!(hour(money).text(Unit::Money), "6.88");
    assert_eq!(money.text(Unit::Money), "0.001912");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let many = ask(&[(App, "nvidia.com/gpu", i64::MAX)]);
    let cost = cost(&many, &Known::default()).unwrap();
    let dear = Amount::from_atoms(u128::MAX / 1_000);
    assert_eq!(
        cost.money_per_second(None, |_| dear),
        Err(AmountError::Overflow)
    );
}
