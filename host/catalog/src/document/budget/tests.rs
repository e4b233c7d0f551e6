use std::path::Path;

use tollgate_gpu::Unit;

use super::{Budget, OnExceed};
use crate::document::{Configuration, Labels};

const BOOK: &str =
    "---\napiVersion: tollgate.dev/v1alpha1\nkind: PriceBook\nmetadata: {name: list}\nspec:\n";

fn parse(text: &str) -> Result<Configuration, Vec<String>> {
    Configuration::parse("f", text.as_bytes(), Path::new("")).map_err(|wrong| {
        let told = wrong.iter();
        told.map(|one| format!("{one}; {}", one.hint.as_deref().unwrap_or_default()))
            .collect()
    })
}

fn document(spec: &str) -> String {
    format!(
        "apiVersion: tollgate.dev/v1alpha1\nkind: Budget\nmetadata: {{name: research}}\nspec:\n{spec}"
    )
}

fn read(spec: &str) -> Budget {
    parse(&document(spec)).unwrap().budgets["research"].clone()
}

fn wrong(spec: &str) -> Vec<String> {
    parse(&document(spec)).unwrap_err()
}

fn labels(labels: &[(&str, &str)]) -> Labels {
    let labels = labels.iter();
    labels
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn counts_every_unit_with_models_windows_and_shares() {
    let budget = read(
        "  scope: {}\n  timeZone: Europe/Berlin\n  priceBook: list\n  onExceed: warn\n  limits:\n  \
         - {unit: gpu, amount: \"4\", softLimit: \"3.5\", priorityShare: {amount: \"1\", above: 1000}}\n  \
         - {unit: gpu-memory, amount: \"320\", model: A100-80GB}\n  \
         - {unit: gpu-hours, amount: \"2000\", window: month}\n  \
         - {unit: money, amount: \"9999.99\", window: 30d}\n",
    );
    let limits = budget.limits();
    let keys: Vec<_> = limits.iter().map(|limit| limit.key().to_string()).collect();
    assert_eq!(
        keys,
        [
            "gpu",
            "gpu-memory/A100-80GB",
            "gpu-hours@month in Europe/Berlin",
            "money@30d"
        ]
    );
    assert_eq!(limits[0].ceiling(1_000).text(Unit::Gpu), "3");
    assert_eq!(limits[0].soft.unwrap().text(Unit::Gpu), "3.5");
    assert_eq!(limits[3].amount.text(Unit::Money), "9999.99");
    assert_eq!(budget.spec.on_exceed, Some(OnExceed::Warn));
}

#[test]
fn has_no_more_limits_than_an_account_has_room_for() {
    let limits = |count: usize| {
        let limits = (1..=count)
            .map(|hours| format!("  - {{unit: gpu-hours, amount: \"1\", window: {hours}h}}\n"));
        format!("  scope: {{}}\n  limits:\n{}", limits.collect::<String>())
    };
    assert_eq!(read(&limits(32)).limits().len(), 32);
    let told = wrong(&limits(33));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("33 limits; a budget has at most 32"),
        "{told:?}"
    );
}

#[test]
fn applies_where_all_of_its_scope_holds_and_says_when_that_is_unknown() {
    let limits = "  limits: [{unit: gpu, amount: \"1\"}]\n";
    let all = read(&format!("  scope: {{}}\n{limits}"));
    assert_eq!(all.applies_to("any", None, &Labels::new()), Some(true));
    let some = read(&format!(
        "  scope:\n    namespaces: [ml, ml-2]\n    namespaceSelector: {{matchLabels: {{team: a}}}}\n    \
         podSelector: {{matchLabels: {{app: t}}}}\n{limits}"
    ));
    let (team, app) = (labels(&[("team", "a")]), labels(&[("app", "t")]));
    assert_eq!(some.applies_to("ml", Some(&team), &app), Some(true));
    assert_eq!(some.applies_to("ml", Some(&app), &app), Some(false));
    assert_eq!(some.applies_to("ml", None, &app), None);
    assert_eq!(some.applies_to("ml", None, &team), Some(false));
    assert_eq!(some.applies_to("other", None, &app), Some(false));
}

#[test]
fn a_namespace_moves_where_its_labels_bring_it_into_the_scope_or_out_of_it() {
    let limits = "  limits: [{unit: gpu, amount: \"1\"}]\n";
    let selects = "    namespaceSelector: {matchLabels: {team: a}}\n";
    let (none, team) = (Labels::new(), labels(&[("team", "a")]));
    let more = labels(&[("team", "a"), ("floor", "3")]);
    let all = read(&format!("  scope:\n{selects}{limits}"));
    assert!(all.moves("ml", &none, &team));
    assert!(all.moves("ml", &team, &none));
    assert!(!all.moves("ml", &team, &more));
    let some = read(&format!(
        "  scope:\n    namespaces: [ml]\n{selects}{limits}"
    ));
    assert!(some.moves("ml", &none, &team));
    assert!(!some.moves("other", &none, &team));
    let named = read(&format!("  scope: {{namespaces: [ml]}}\n{limits}"));
    assert!(!named.moves("ml", &none, &team));
}

#[test]
fn tells_what_is_wrong_and_where() {
    assert_eq!(
        wrong(
            "  scope: {}\n  limits:\n  - {unit: gpu, amount: 4}\n  - {unit: gpus, amount: \"4\"}\n  \
             - {unit: gpu, amount: \"-1\"}\n  - {unit: gpu, amount: \"1\", window: year}\n  timeZone: Berlin\n"
        ),
        [
            "f:7:25: expected text, found the number `4`; quote it to make it text",
            "f:8:12: unknown word `gpus`; did you mean `gpu`?; accepted are `gpu`, `gpu-memory`, `gpu-hours`, `money`",
            "f:9:25: `-1` is no amount: write a decimal number with at most six decimals, such as `2.5`; ",
            "f:10:38: `year` is no window; write `day`, `week` or `month`, or the last hours or days as `12h` or `30d`",
            "f:11:13: `Berlin` is no time zone; write an IANA name such as `Europe/Berlin`, or `UTC`; ",
        ]
    );
}

#[test]
fn tells_what_does_not_go_together() {
    assert_eq!(
        wrong(
            "  scope: {}\n  limits:\n  - {unit: gpu-hours, amount: \"4\"}\n  - {unit: gpu, amount: \"4\", window: day}\n  \
             - {unit: gpu-memory, amount: \"4\", softLimit: \"5\"}\n  - {unit: gpu-memory, amount: \"5\"}\n  \
             - {unit: money, amount: \"1\", window: day}\n"
        ),
        [
            "f:5:3: `money` needs prices; write `priceBook: NAME`, the name of a `PriceBook`",
            "f:7:5: `gpu-hours` adds up over time, so it needs a `window`; write `window: month`, or `window: 30d`",
            "f:8:38: `gpu` counts what runs at one time; leave the `window` out",
            "f:9:48: it is more than the `amount`, 4; ",
            "f:10:5: the limit of `gpu-memory` is given twice; ",
        ]
    );
}

#[test]
fn an_amount_that_cannot_be_counted_is_an_error() {
    let nines = "9".repeat(32);
    let spec = format!(
        "  scope: {{}}\n  priceBook: list\n  limits: [{{unit: money, window: day, amount: \"{nines}\"}}]\n"
    );
    assert_eq!(
        wrong(&spec),
        ["f:7:47: the amount is too large to be counted; "]
    );
}

#[test]
fn a_budget_of_money_needs_the_price_book_that_it_names() {
    let money = document(
        "  scope: {}\n  priceBook: lists\n  limits: [{unit: money, amount: \"1\", window: day}]\n",
    );
    let book = "  currency: USD\n  prices: [{perGpuHour: \"2\"}]\n";
    let both = parse(&format!("{money}{BOOK}{book}")).unwrap();
    let told = both.resolve().unwrap_err();
    assert_eq!(
        told[0].to_string(),
        "f:6:14: there is no `PriceBook` named `lists`; did you mean `list`?"
    );
}

#[test]
fn a_price_book_gives_each_price_once() {
    let book = "  currency: \" \"\n  prices:\n  - {model: L4, perGpuHour: \"2\"}\n  \
                - {model: L4, capacity: spot, perGpuHour: \"1\"}\n  - {model: L4, perGpuHour: \"3\"}\n";
    assert_eq!(
        parse(&format!("{BOOK}{book}")).unwrap_err(),
        [
            "f:6:13: the currency is empty; ",
            "f:10:5: it is about the same as the price 0; ",
        ]
    );
}

#[test]
fn the_example_is_right() {
    let example = include_bytes!("../../../../../examples/budgets/research.yaml");
    let read = Configuration::parse("research.yaml", example, Path::new("")).unwrap();
    let resolved = read.resolve().unwrap();
    assert_eq!(resolved.budgets.len(), 1);
    assert!(resolved.price_books[0].prices().len() > 10);
}
