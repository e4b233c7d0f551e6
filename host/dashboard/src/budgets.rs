//! How budgets stand.

use jiff::Timestamp;
use maud::{Markup, Render, html};

use crate::icon::{Icon, badge};
use crate::moment;
use crate::overview::number;
use crate::plot::{self, Fill};
use crate::text::Foreign;
use crate::view::{Budget, InUse, Limit, Others, Share, Shares, View};

/// From how many thousandths on a limit is nearly full.
const NEARLY: u32 = 800;

/// How a limit stands, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    Room,
    Nearly,
    AboveSoft,
    Full,
    Over,
}

impl Standing {
    pub(crate) fn of(limit: &Limit) -> Self {
        let taken = limit.used_permille.saturating_add(limit.reserved_permille);
        match taken {
            1_001.. => Self::Over,
            1_000 => Self::Full,
            _ if limit.soft_permille.is_some_and(|soft| taken >= soft) => Self::AboveSoft,
            NEARLY.. => Self::Nearly,
            _ => Self::Room,
        }
    }
}

impl Render for Standing {
    fn render(&self) -> Markup {
        match self {
            Self::Room => badge(Icon::Full, "has room"),
            Self::Nearly => badge(Icon::Half, "nearly full"),
            Self::AboveSoft => badge(Icon::Half, "above its soft limit"),
            Self::Full => badge(Icon::Triangle, "full"),
            Self::Over => badge(Icon::Cross, "over its limit"),
        }
    }
}

pub(crate) fn section(view: &View) -> Markup {
    html! {
        section aria-labelledby="budgets" {
            h2 id="budgets" { "Budgets" }
            @match &view.budgets {
                Err(why) => { p class="empty" { (badge(Icon::Triangle, "cannot be read")) " " (Foreign(why)) } }
                Ok(budgets) if budgets.is_empty() => { p class="empty" { "No budget is configured." } }
                Ok(budgets) => { div class="budgets" { @for budget in budgets { (article(budget, view.at)) } } }
            }
        }
    }
}

fn article(budget: &Budget, now: Timestamp) -> Markup {
    html! {
        article class="budget" {
            h3 { (Foreign(&budget.name)) }
            p class="meta" {
                @match budget.on_exceed { "warn" => "warns of", _ => "denies" } " what does not fit"
                @match budget.pods {
                    None => {}
                    Some(1) => { ", 1 pod" }
                    Some(pods) => { ", " (number(pods as u64)) " pods" }
                }
                @if let Some(contact) = &budget.contact { ", ask " (Foreign(contact)) }
            }
            div class="limits" { @for limit in &budget.limits { (of_limit(limit, now)) } }
            @match &budget.counted {
                None => {}
                Some(Err(why)) => { p class="meta" { "Who holds what is not known: " (Foreign(why)) } }
                Some(Ok(at)) => { p class="meta" { "Who holds what: as of " (moment::relative(*at, now)) } }
            }
            @match &budget.in_use {
                None => {}
                Some(Err(why)) => { p class="meta" { "How busy its GPUs are is not known: " (Foreign(why)) } }
                Some(Ok(in_use)) => { (busy(in_use)) }
            }
        }
    }
}

fn of_limit(limit: &Limit, now: Timestamp) -> Markup {
    let fill = Fill {
        used: limit.used_permille,
        reserved: limit.reserved_permille,
        soft: limit.soft_permille,
    };
    let taken = u64::from(limit.used_permille) + u64::from(limit.reserved_permille);
    html! {
        div class="limit" {
            p class="line" {
                code { (Foreign(&limit.name)) }
                span class="percent" { (number(taken / 10)) " %" }
                (Standing::of(limit))
            }
            (plot::fill(fill))
            p class="amounts" { (amounts(limit, now)) }
            @let parts = [
                ("By namespace", &limit.namespaces), ("By model", &limit.models), ("By owner", &limit.owners),
            ];
            @if parts.iter().any(|(_, shares)| !shares.named.is_empty()) {
                div class="shares" {
                    @for (name, parts) in parts { (shares(name, parts, limit.is_hourly)) }
                }
            }
        }
    }
}

fn amounts(limit: &Limit, now: Timestamp) -> Markup {
    html! {
        strong { (Foreign(&limit.used)) } " of " strong { (Foreign(&limit.amount)) }
        @if let Some(currency) = &limit.currency { " " (Foreign(currency)) }
        " used"
        @if let Some(reserved) = &limit.reserved { ", " strong { (Foreign(reserved)) } " reserved" }
        ", " (Foreign(&limit.free)) " free"
        @if let Some(soft) = &limit.soft { ", warns from " (Foreign(soft)) }
        @if let Some(resets) = limit.resets { ", begins anew " (moment::relative(resets, now)) }
    }
}

fn busy(in_use: &InUse) -> Markup {
    html! {
        p class="amounts" { "GPUs held, and how busy they were in the last hour: " strong { (Foreign(&in_use.held)) } }
        @if !in_use.owners.named.is_empty() {
            div class="shares" {
                (shares("By namespace", &in_use.namespaces, false))
                (shares("By owner, the idlest first", &in_use.owners, false))
            }
        }
    }
}

fn shares(name: &str, shares: &Shares, is_hourly: bool) -> Markup {
    html! {
        @if !shares.named.is_empty() {
            table {
                caption { (name) @if is_hourly { ", an hour" } }
                tbody {
                    @for share in &shares.named { (share_row(share)) }
                    @if let Some(others) = &shares.others { (others_row(others)) }
                }
            }
        }
    }
}

fn share_row(share: &Share) -> Markup {
    html! {
        tr {
            th scope="row" { (Foreign(&share.name)) }
            td class="number" { (Foreign(&share.amount)) }
            @if let Some(permille) = share.permille {
                td class="part" { (plot::fill(Fill { used: permille, reserved: 0, soft: None })) }
            }
        }
    }
}

fn others_row(others: &Others) -> Markup {
    html! {
        tr class="meta" {
            th scope="row" { "and " (number(others.count as u64)) " more" }
            @if let Some(amount) = &others.amount { td class="number" { (Foreign(amount)) } }
        }
    }
}
