//! The whole in five figures.

use maud::{Markup, Render, html};

use crate::budgets::Standing;
use crate::icon::{Icon, badge};
use crate::moment;
use crate::text::Foreign;
use crate::view::{Mode, View};

/// Until when a certificate's end is worth a look, in seconds: a week.
const SOON: i64 = 7 * 24 * 60 * 60;

pub(crate) fn section(view: &View) -> Markup {
    html! {
        section class="overview" aria-labelledby="overview" {
            h2 id="overview" class="unseen" { "Overview" }
            dl {
                @if view.activity.is_some() { (refusals(view)) }
                (policies(view))
                (budgets(view))
                @if view.certificate.is_some() { (certificate(view)) }
                (configuration(view))
            }
        }
    }
}

fn figure(name: &str, figure: impl Render, below: impl Render) -> Markup {
    html! { div { dt { (name) } dd class="figure" { (figure) } dd { (below) } } }
}

fn refusals(view: &View) -> Markup {
    let hours = view.activity.iter();
    let (allowed, refused) = hours.fold((0, 0), |(allowed, refused), activity| {
        let more = activity.denied.hour() + activity.faulted.hour();
        (allowed + activity.allowed.hour(), refused + more)
    });
    let below = html! { "of " (number(allowed + refused)) " reviews in the last hour" };
    figure("Refused", number(refused), below)
}

fn policies(view: &View) -> Markup {
    let of = |mode: Mode| {
        let policies = view.policies.iter();
        policies.filter(|policy| policy.mode == mode).count()
    };
    let cut_off = view.policies.iter().filter(|policy| policy.is_cut_off);
    let cut_off = cut_off.count();
    let below = html! {
        @if cut_off > 0 { (badge(Icon::Triangle, &format!("{cut_off} cut off"))) " " }
        (of(Mode::Enforce)) " enforce, " (of(Mode::Warn)) " warn, " (of(Mode::Observe)) " observe"
    };
    figure("Policies", number(view.policies.len() as u64), below)
}

fn budgets(view: &View) -> Markup {
    let Ok(budgets) = &view.budgets else {
        let below = badge(Icon::Triangle, "cannot be read");
        return figure("Budgets", "?", below);
    };
    let worst = budgets.iter().flat_map(|budget| &budget.limits);
    let worst = worst.map(Standing::of).max();
    let below = match worst {
        None => html! { "none is configured" },
        Some(Standing::Room) => html! { "all have room" },
        Some(standing) => html! { (standing) },
    };
    figure("Budgets", number(budgets.len() as u64), below)
}

fn certificate(view: &View) -> Markup {
    html! {
        @if let Some(expires) = view.certificate {
            @let left = expires.as_second() - view.at.as_second();
            @let word = match left { ..=0 => "has expired", 1..SOON => "expires soon", _ => "" };
            (figure(
                "Certificate",
                if left > 0 { moment::distance(left) } else { "expired".to_owned() },
                html! {
                    @if !word.is_empty() { (badge(if left > 0 { Icon::Triangle } else { Icon::Cross }, word)) " " }
                    @if left > 0 { "until " } @else { "since " }
                    time datetime=(moment::exact(expires)) title=(moment::utc(expires)) { (expires.strftime("%Y-%m-%d")) }
                },
            ))
        }
    }
}

fn configuration(view: &View) -> Markup {
    let configuration = &view.configuration;
    let version = configuration.version.as_deref();
    let below = html! {
        @match configuration.refused {
            0 => {}
            1 => { (badge(Icon::Triangle, "1 change refused")) " " }
            many => { (badge(Icon::Triangle, &format!("{many} changes refused"))) " " }
        }
        (Foreign(&configuration.origin))
    };
    let version = html! { code { (Foreign(version.unwrap_or("none"))) } };
    figure("Configuration", version, below)
}

/// A number with its thousands apart.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let letters = digits.chars().enumerate().flat_map(|(index, digit)| {
        let parts = index > 0 && index % 3 == first;
        parts.then_some('\u{202f}').into_iter().chain([digit])
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn thousands_stand_apart() {
        let cases = [0, 12, 999, 1_000, 45_678, 1_234_567].map(number);
        let shown = ["0", "12", "999", "1 000", "45 678", "1 234 567"];
        assert_eq!(cases, shown.map(|text| text.replace(' ', "\u{202f}")));
    }
}
