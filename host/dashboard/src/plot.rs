//! Small charts. Widths are attributes and not styles, which the page's policy for content would forbid.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

/// The width of a minute in a chart, the gap after it included.
const STEP: usize = 4;
/// The height of a chart.
const HEIGHT: u64 = 40;
/// The least height of a bar that stands for anything.
const LEAST: u64 = 2;

/// A bar for each minute, the highest as high as the chart; `label` says in words what it shows.
pub(crate) fn minutes(counts: &[u64], label: &str) -> Markup {
    let width = counts.len() * STEP;
    let view = format!("0 0 {width} {HEIGHT}");
    html! {
        svg class="minutes" viewBox=(view) preserveAspectRatio="none" role="img" aria-label=(label) {
            path class="floor" d=(format!("M0 {}h{width}v1h-{width}z", HEIGHT - 1)) {}
            path class="bars" d=(bars(counts)) {}
        }
    }
}

/// The outlines of the bars that there are.
fn bars(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut path = String::new();
    for (minute, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (u128::from(*count) * u128::from(HEIGHT) / u128::from(most)).max(LEAST.into());
        // Writing to a `String` does not fail.
        let _ = write!(path, "M{} {HEIGHT}v-{height}h3v{height}z", minute * STEP);
    }
    path
}

/// How full something is, in thousandths of its limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) used: u32,
    pub(crate) reserved: u32,
    pub(crate) soft: Option<u32>,
}

/// A bar of what is used and what is reserved, hatched. Where that is above the limit, the limit is a mark within it.
pub(crate) fn fill(fill: Fill) -> Markup {
    let Fill {
        used,
        reserved,
        soft,
    } = fill;
    let taken = u64::from(used) + u64::from(reserved);
    let whole = taken.max(1_000);
    let percent = |part: u64| format!("{:.2}%", part as f64 * 100.0 / whole as f64);
    html! {
        svg class="fill" width="100%" height="10" aria-hidden="true" focusable="false" {
            rect class="track" width="100%" height="10" {}
            rect class="used" width=(percent(used.into())) height="10" {}
            rect class="reserved" x=(percent(used.into())) width=(percent(reserved.into())) height="10" {}
            @if let Some(soft) = soft { rect class="soft" x=(percent(soft.into())) width="2" height="10" {} }
            @if taken > 1_000 { rect class="mark" x=(percent(1_000)) width="2" height="10" {} }
        }
    }
}

/// The hatching of what is reserved, which all bars of a page share.
pub(crate) fn patterns() -> Markup {
    PreEscaped(
        "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\" focusable=\"false\"><defs>\
         <pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect width=\"2.2\" height=\"5\"/></pattern></defs></svg>"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_is_as_high_as_the_chart_and_the_smallest_can_be_seen() {
        assert_eq!(bars(&[0, 1_000, 1]), "M4 40v-40h3v40zM8 40v-2h3v2z");
        assert_eq!(bars(&[0, 0]), "");
        assert_eq!(bars(&[u64::MAX]), "M0 40v-40h3v40z");
    }

    #[test]
    fn what_is_above_the_limit_marks_the_limit() {
        let over = Fill {
            used: 1_500,
            reserved: 500,
            soft: None,
        };
        let drawn = fill(over).into_string();
        assert!(drawn.contains("class=\"used\" width=\"75.00%\""), "{drawn}");
        assert!(drawn.contains("class=\"mark\" x=\"50.00%\""), "{drawn}");
    }
}
