//! What was decided in the last hour.

use maud::{Markup, html};

use crate::icon::{Icon, badge};
use crate::overview::number;
use crate::plot;
use crate::view::{Activity, Series, View};

pub(crate) fn section(view: &View) -> Markup {
    html! {
        @if let Some(activity) = &view.activity {
            section aria-labelledby="decisions" {
                h2 id="decisions" { "Decisions" }
                (table(activity))
            }
        }
    }
}

fn table(activity: &Activity) -> Markup {
    let Activity {
        allowed,
        denied,
        faulted,
    } = activity;
    html! {
        table class="decisions" {
            caption class="unseen" { "Decisions of the last 60 minutes, each with a chart of its minutes" }
            thead {
                tr {
                    th scope="col" { "Decision" }
                    th scope="col" class="wide" { span class="ends" { span { "60 min ago" } span { "now" } } }
                    th scope="col" class="number most" { "Most a min" }
                    th scope="col" class="number" { "Last hour" }
                    th scope="col" class="number" { "Since start" }
                }
            }
            tbody {
                (row(Icon::Full, "allowed", allowed))
                (row(Icon::Cross, "denied", denied))
                (row(Icon::Triangle, "faulted", faulted))
            }
        }
    }
}

fn row(icon: Icon, word: &str, series: &Series) -> Markup {
    let most = series.minutes.iter().copied().max().unwrap_or(0);
    let label = format!("{word} in each of the last 60 minutes, at most {most}");
    html! {
        tr class=(icon.class()) {
            th scope="row" { (badge(icon, word)) }
            td class="wide" { (plot::minutes(&series.minutes, &label)) }
            td class="number most" { (number(most)) }
            td class="number" { (number(series.hour())) }
            td class="number" { (number(series.total)) }
        }
    }
}
