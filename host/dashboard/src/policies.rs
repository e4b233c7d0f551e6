//! The policies, and on demand their rules.

use maud::{Markup, html};

use crate::icon::{Icon, badge};
use crate::overview::number;
use crate::text::{Foreign, visible};
use crate::view::{Mode, Policy, PolicyUses, Rule, View};
use crate::{moment, plot};

/// How much of a digest tells components apart, as version control does it.
const DIGEST: usize = 12;

pub(crate) fn section(view: &View) -> Markup {
    let has_uses = view.policies.iter().any(|policy| policy.uses.is_some());
    html! {
        section aria-labelledby="policies" {
            h2 id="policies" { "Policies" }
            @if view.policies.is_empty() {
                p class="empty" { "No policy is on." }
            } @else {
                div class="scroll" role="region" aria-label="Table of policies" tabindex="0" { (table(view, has_uses)) }
            }
            @if !view.off.is_empty() {
                p class="meta" {
                    "Off: "
                    @for (index, name) in view.off.iter().enumerate() { @if index > 0 { ", " } (Foreign(name)) }
                    "."
                }
            }
        }
    }
}

fn table(view: &View, has_uses: bool) -> Markup {
    html! {
        table class="policies" {
            caption class="unseen" { "Policies in the order in which they run" }
            thead {
                tr {
                    th scope="col" { "Policy" }
                    th scope="col" { "Mode" }
                    @if has_uses {
                        th scope="col" class="number" { "Refused" }
                        th scope="col" class="number" { "Warned" }
                        th scope="col" class="number" { "Noted" }
                        th scope="col" class="number" { "Repaired" }
                        th scope="col" class="chart" { "Last hour" }
                    }
                    th scope="col" { "Last fault" }
                    th scope="col" { "Component" }
                }
            }
            @for policy in &view.policies { tbody { (row(policy, view)) (details(policy, has_uses)) } }
        }
    }
}

fn row(policy: &Policy, view: &View) -> Markup {
    html! {
        tr {
            th scope="row" { (Foreign(&policy.name)) }
            td {
                (mode(policy.mode))
                @if policy.is_cut_off { " " (badge(Icon::Triangle, "cut off")) }
            }
            @if let Some(uses) = &policy.uses { (counts(&policy.name, uses)) }
            td class="fault" { (fault(policy, view)) }
            td { code title=(visible(&policy.digest)) { (digest(&policy.digest)) } }
        }
    }
}

fn counts(name: &str, uses: &PolicyUses) -> Markup {
    let label = format!("what {} did in each of the last 60 minutes", visible(name));
    let hour = uses.hour;
    html! {
        @for count in [hour.denied, hour.warned, hour.observed, hour.edited] {
            td class={ "number" @if count == 0 { " none" } } { (number(count)) }
        }
        td class="chart accent" { (plot::minutes(&uses.minutes, &label)) }
    }
}

fn mode(mode: Mode) -> Markup {
    match mode {
        Mode::Enforce => badge(Icon::Full, "enforce"),
        Mode::Warn => badge(Icon::Half, "warn"),
        Mode::Observe => badge(Icon::Ring, "observe"),
    }
}

fn fault(policy: &Policy, view: &View) -> Markup {
    html! {
        @match &policy.last_fault {
            None => { span class="none" { "none" } }
            Some((at, message)) => {
                (badge(Icon::Triangle, &number(policy.faults))) " "
                span class="meta" { "last " (moment::relative(*at, view.at)) ": " (Foreign(message)) }
            }
        }
    }
}

fn digest(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    visible(hex).chars().take(DIGEST).collect()
}

fn details(policy: &Policy, has_uses: bool) -> Markup {
    let configured = policy.rules.iter().filter(|rule| rule.is_configured);
    let configured = configured.count();
    html! {
        tr class="details" {
            td colspan=(if has_uses { 9 } else { 4 }) {
                details {
                    summary {
                        @match policy.rules.len() { 1 => "1 rule", many => { (many) " rules" } }
                        @if configured > 0 { ", " (configured) " as configured" }
                        span class="unseen" { " of " (Foreign(&policy.name)) }
                    }
                    p { (Foreign(&policy.doc)) }
                    p class="meta" {
                        "It " (policy.does) ". Component " code { (Foreign(&policy.module)) } ", "
                        code class="whole" { (visible(&policy.digest)) } "."
                    }
                    (rules(policy))
                }
            }
        }
    }
}

fn rules(policy: &Policy) -> Markup {
    html! {
        ul class="rules" {
            @for rule in &policy.rules {
                li {
                    p { code { (Foreign(&rule.id)) } " " (action(rule)) (since_start(rule)) }
                    p class="meta" { (Foreign(&rule.doc)) }
                }
            }
        }
    }
}

fn action(rule: &Rule) -> Markup {
    let icon = match rule.action {
        "deny" => Icon::Cross,
        "warn" => Icon::Half,
        "repair" => Icon::Stroke,
        _ => Icon::Ring,
    };
    html! { (badge(icon, rule.action)) @if rule.is_configured { " " span class="meta" { "as configured" } } }
}

fn since_start(rule: &Rule) -> Markup {
    let uses = rule.uses.unwrap_or_default();
    let told = [
        ("refused", uses.denied),
        ("warned", uses.warned),
        ("noted", uses.observed),
        ("repaired", uses.edited),
    ];
    html! {
        @for (word, count) in told.into_iter().filter(|(_, count)| *count > 0) {
            span class="meta" { " · " (number(count)) " " (word) }
        }
    }
}
