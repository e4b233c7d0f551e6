//! The latest denials, with what their authors were told.

use maud::{Markup, html};

use crate::denial::{Denial, Reason};
use crate::icon::{Icon, badge};
use crate::moment;
use crate::overview::number;
use crate::text::Foreign;
use crate::view::{Source, View};

pub(crate) fn section(view: &View) -> Markup {
    html! {
        section aria-labelledby="denials" {
            h2 id="denials" { (title(view)) }
            @if view.denials.is_empty() {
                p class="empty" { (nothing(view)) }
            } @else {
                ol class="denials" {
                    @for denial in &view.denials { li { (article(denial, view)) } }
                }
            }
        }
    }
}

fn title(view: &View) -> &'static str {
    match view.source {
        Source::Server { .. } => "Latest denials",
        Source::Files => "What would be denied",
    }
}

fn nothing(view: &View) -> &'static str {
    match view.source {
        Source::Server { .. } => "Nothing was denied since this replica started.",
        Source::Files => "Nothing of the given state would be denied.",
    }
}

fn article(denial: &Denial, view: &View) -> Markup {
    html! {
        article {
            h3 { (object(denial)) }
            p class="meta" {
                (denial.operation)
                @if denial.is_dry_run { ", tried only" }
                @if let Source::Server { .. } = view.source { ", " (moment::relative(denial.at, view.at)) }
                @if denial.count > 1 { ", " strong { (number(denial.count)) " times" } " like this" }
            }
            ul class="reasons" {
                @for reason in &denial.reasons { li { (told(reason)) } }
                @if denial.more > 0 { li class="meta" { "and " (denial.more) " more" } }
            }
        }
    }
}

fn object(denial: &Denial) -> Markup {
    html! {
        span class="kind" { (Foreign(&denial.kind)) }
        " "
        @if let Some(namespace) = &denial.namespace { (Foreign(namespace)) "/" }
        @match &denial.name {
            Some(name) => (Foreign(name)),
            None => { span class="meta" { "(no name yet)" } }
        }
    }
}

fn told(reason: &Reason) -> Markup {
    let (icon, word) = match reason.is_fault {
        true => (Icon::Triangle, "fault"),
        false => (Icon::Cross, "deny"),
    };
    html! {
        p { (badge(icon, word)) " " code { (Foreign(&reason.by)) } }
        p class="message" { (Foreign(&reason.message)) }
        @if let Some(fix) = &reason.fix { p class="fix" { b { "Fix: " } (Foreign(fix)) } }
    }
}
