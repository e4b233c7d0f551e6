//! Amounts and limits in words.

use tollgate_sdk::gpu::{Amount, Unit};

use crate::demand::Demand;

/// An amount of a limit's unit: `2 GPUs`, `1 H100-80GB GPU`, `12.5 GPU-hours`, `68.8 USD`.
pub(crate) fn amount(demand: &Demand, amount: Amount) -> String {
    let unit = demand.limit.unit;
    let text = amount.text(unit);
    let model = demand.limit.model.map(|model| format!("{} ", model.id));
    let model = model.unwrap_or_default();
    let many = if text == "1" { "" } else { "s" };
    match unit {
        Unit::Gpu => format!("{text} {model}GPU{many}"),
        Unit::GpuMemory => format!("{text} GiB of {model}GPU memory"),
        Unit::GpuHours => format!("{text} {model}GPU-hour{many}"),
        Unit::Money if model.is_empty() => format!("{text} {}", demand.currency),
        Unit::Money => format!("{text} {} for {model}GPUs", demand.currency),
    }
}

/// What is taken of a limit, and of how much.
pub(crate) fn left_in_words(demand: &Demand) -> String {
    let Demand {
        limit,
        used,
        reserved,
        resets,
        ..
    } = demand;
    let bare = |amount: Amount| amount.text(limit.unit);
    let of = match limit.above.filter(|_| limit.ceiling != limit.amount) {
        Some(above) => format!(
            "of the {} that pods of this priority may use ({} in all, the rest for priorities above {above})",
            amount(demand, limit.ceiling),
            bare(limit.amount)
        ),
        None => format!("of {}", amount(demand, limit.amount)),
    };
    let taken = format!(
        "{of}, {} are used and {} reserved for pods that are still to come",
        bare(*used),
        bare(*reserved)
    );
    match (&limit.window, resets) {
        (None, _) => taken,
        (Some(window), None) => format!("{taken}, within {}", rolling(window)),
        (Some(window), Some(resets)) => {
            format!("{taken}, in the {window}, which begins anew at {resets}")
        }
    }
}

/// The letters of a rolling window's length.
const LENGTHS: [(char, &str); 3] = [('d', "days"), ('h', "hours"), ('s', "seconds")];

/// A rolling window in words.
fn rolling(window: &str) -> String {
    let length = LENGTHS
        .iter()
        .find_map(|(letter, unit)| Some((window.strip_suffix(*letter)?, unit)));
    match length {
        Some((number, unit)) => format!("the last {number} {unit}"),
        None => format!("`{window}`"),
    }
}
