//! The document around the sections.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::icon::{Icon, badge, sign};
use crate::text::Foreign;
use crate::view::{Refresh, Source, View};
use crate::{budgets, decisions, denied, moment, overview, plot, policies};

const STYLE: &str = include_str!("style.css");

/// The sign in the browser's tab.
const TAB: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='7' fill='%231f5673'/%3E%3Crect x='6' y='9' width='5' height='17' rx='1.5' fill='%23fff'/%3E%3Crect x='5' y='9' width='22' height='6' rx='3' fill='%23f0b35a'/%3E%3C/svg%3E";

/// Nothing may be loaded or run, and the one style is the one that is in the document.
static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// What a browser may do with the page: show it, and nothing else.
pub fn content_security_policy() -> &'static str {
    &CONTENT_SECURITY_POLICY
}

/// Makes the page, a whole document.
pub fn render(view: &View, refresh: Refresh) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(view, refresh))
            body {
                a class="skip" href="#content" { "Skip to the content" }
                (plot::patterns())
                (header(view))
                main id="content" {
                    (notices(view))
                    (overview::section(view))
                    (decisions::section(view))
                    (denied::section(view))
                    (budgets::section(view))
                    (policies::section(view))
                }
                (footer(view, refresh))
            }
        }
    };
    page.into_string()
}

fn head(view: &View, refresh: Refresh) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="robots" content="noindex";
            @if refresh == Refresh::Often { meta http-equiv="refresh" content="30"; }
            title { (title(view)) }
            link rel="icon" href=(TAB);
            style { (PreEscaped(STYLE)) }
        }
    }
}

fn title(view: &View) -> String {
    match &view.source {
        Source::Server {
            replica: Some(replica),
            ..
        } => format!("Tollgate on {}", crate::text::visible(replica)),
        Source::Server { replica: None, .. } | Source::Files => "Tollgate".to_owned(),
    }
}

fn header(view: &View) -> Markup {
    html! {
        header class="top" {
            div class="brand" {
                (sign())
                div {
                    h1 { "Tollgate" }
                    p { "GPU admission control" }
                }
            }
            nav aria-label="Sections" {
                ul {
                    @if view.activity.is_some() { li { a href="#decisions" { "Decisions" } } }
                    li { a href="#denials" { "Denials" } }
                    li { a href="#budgets" { "Budgets" } }
                    li { a href="#policies" { "Policies" } }
                }
            }
            div class="state" { (state(view)) }
        }
    }
}

/// Who tells this, and whether it is well.
fn state(view: &View) -> Markup {
    match &view.source {
        Source::Files => {
            html! { p { (badge(Icon::Ring, "From files")) } p { "nothing is served" } }
        }
        Source::Server {
            replica,
            since,
            is_ready,
        } => html! {
            p {
                @match is_ready {
                    true => { (badge(Icon::Full, "Serving")) }
                    false => { (badge(Icon::Triangle, "No policies are loaded")) }
                }
            }
            p {
                @if let Some(replica) = replica { (Foreign(replica)) ", " }
                "started " (moment::relative(*since, view.at))
            }
        },
    }
}

fn notices(view: &View) -> Markup {
    let notices = &view.configuration.notices;
    html! {
        @if !notices.is_empty() {
            section class="notices" aria-labelledby="notices" {
                h2 id="notices" { (badge(Icon::Triangle, "Worth knowing")) }
                ul { @for notice in notices { li { (Foreign(notice)) } } }
            }
        }
    }
}

fn footer(view: &View, refresh: Refresh) -> Markup {
    html! {
        footer {
            p {
                "As of " time datetime=(moment::exact(view.at)) { (moment::utc(view.at)) } ". "
                @match refresh {
                    Refresh::Never => {
                        a href="/" { "Look again" } " or " a href="/?refresh" { "look again every 30 seconds" } "."
                    }
                    Refresh::Often => { "Looks again every 30 seconds; " a href="/" { "stop that" } "." }
                }
            }
            p {
                @if view.activity.is_some() { "Decisions and denials are those of this replica since it started. " }
                "Nothing can be changed here. Tollgate " (view.version) "."
            }
        }
    }
}
