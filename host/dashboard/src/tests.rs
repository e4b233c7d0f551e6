//! The page as a whole.

use std::sync::Arc;

use jiff::Timestamp;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_796_000_000 + second).unwrap()
}

fn uses(denied: u64, edited: u64) -> Uses {
    Uses {
        denied,
        edited,
        ..Uses::default()
    }
}

fn minutes(last: &[u64]) -> Vec<u64> {
    let before = std::iter::repeat_n(0, MINUTES - last.len());
    before.chain(last.iter().copied()).collect()
}

fn series(last: &[u64], total: u64) -> Series {
    Series {
        minutes: minutes(last),
        total,
    }
}

fn policy(name: &str) -> Policy {
    Policy {
        name: name.to_owned(),
        doc: "Limits that can hold.".to_owned(),
        does: "judges".to_owned(),
        mode: Mode::Enforce,
        module: format!("builtin:{name}"),
        digest: format!("sha256:{}", "0123456789abcdef".repeat(4)),
        rules: vec![Rule {
            id: "fractional-gpu".to_owned(),
            doc: "A device is given out whole.".to_owned(),
            action: "deny",
            is_configured: false,
            uses: Some(uses(3, 0)),
        }],
        uses: Some(PolicyUses {
            minutes: minutes(&[0, 3]),
            hour: uses(3, 0),
        }),
        faults: 0,
        last_fault: None,
        is_cut_off: false,
    }
}

fn limit() -> Limit {
    Limit {
        name: "gpu".to_owned(),
        amount: "16".to_owned(),
        used: "12".to_owned(),
        reserved: Some("2".to_owned()),
        free: "2".to_owned(),
        currency: None,
        soft: None,
        resets: Some(at(4 * 86_400)),
        used_permille: 750,
        reserved_permille: 125,
        soft_permille: None,
        is_hourly: false,
        namespaces: shares("ml", "12"),
        models: Shares::default(),
        owners: Shares {
            others: Some(Others {
                count: 3,
                amount: Some("4".to_owned()),
            }),
            ..shares("ml/Deployment/chat", "8")
        },
    }
}

fn shares(name: &str, amount: &str) -> Shares {
    Shares {
        named: vec![Share {
            name: name.to_owned(),
            amount: amount.to_owned(),
            permille: Some(667),
        }],
        others: None,
    }
}

fn budget(name: &str, limits: Vec<Limit>) -> Budget {
    Budget {
        name: name.to_owned(),
        on_exceed: "deny",
        contact: Some("#gpu-desk".to_owned()),
        pods: Some(3),
        limits,
        counted: Some(Ok(at(-40))),
        in_use: None,
    }
}

fn denial(name: &str, message: &str) -> Denial {
    let denial = Denial {
        at: at(-90),
        count: 4,
        kind: "Pod".to_owned(),
        namespace: Some("ml".to_owned()),
        name: Some(name.to_owned()),
        operation: "CREATE",
        is_dry_run: false,
        reasons: Vec::new(),
        more: 0,
    };
    denial.for_reasons([Reason {
        by: "gpu-limits/fractional-gpu".to_owned(),
        is_fault: false,
        message: message.to_owned(),
        fix: Some("ask for a MIG device".to_owned()),
    }])
}

fn view() -> View {
    View {
        at: at(0),
        version: "0.1.0",
        source: Source::Server {
            replica: Some("tollgate-0".to_owned()),
            since: at(-7_200),
            is_ready: true,
        },
        configuration: Configuration {
            version: Some("4b1d09aa52c7".to_owned()),
            origin: "objects of the cluster".to_owned(),
            refused: 1,
            notices: vec!["exemption `profiler` is over".to_owned()],
        },
        certificate: Some(at(60 * 86_400)),
        activity: Some(Activity {
            allowed: series(&[10, 1_200], 5_000),
            denied: series(&[0, 3], 3),
            faulted: series(&[], 0),
        }),
        policies: vec![policy("gpu-limits")],
        off: vec!["lifecycle".to_owned()],
        budgets: Ok(vec![budget("research", vec![limit()])]),
        denials: vec![Arc::new(denial("half", "0.5 of a device"))],
    }
}

fn html(view: &View) -> String {
    render(view, Refresh::Never)
}

/// The page without what looks the same for everybody, a line an element.
fn body(view: &View) -> String {
    let html = html(view);
    let (_, body) = html.split_once("</head>").unwrap();
    body.replace("><", ">\n<")
}

#[test]
fn the_page_of_a_server() {
    insta::assert_snapshot!(body(&view()));
}

#[test]
fn the_page_of_files() {
    let mut view = view();
    view.source = Source::Files;
    view.activity = None;
    view.certificate = None;
    view.denials = Vec::new();
    view.off = Vec::new();
    view.configuration.notices = Vec::new();
    for policy in &mut view.policies {
        policy.uses = None;
        policy.rules.iter_mut().for_each(|rule| rule.uses = None);
    }
    insta::assert_snapshot!(body(&view));
}

/// A page every text of which is hostile, and how many there are.
fn hostile(text: &str) -> View {
    let own = || text.to_owned();
    let mut view = view();
    view.source = Source::Server {
        replica: Some(own()),
        since: at(0),
        is_ready: true,
    };
    view.configuration = Configuration {
        version: Some(own()),
        origin: own(),
        refused: 0,
        notices: vec![own()],
    };
    view.off = vec![own()];
    let mut rule = policy("a").rules.remove(0);
    (rule.id, rule.doc) = (own(), own());
    view.policies = vec![Policy {
        doc: own(),
        module: own(),
        digest: own(),
        rules: vec![rule],
        last_fault: Some((at(0), own())),
        ..policy(text)
    }];
    let shares = || Shares {
        others: Some(Others {
            count: 1,
            amount: Some(own()),
        }),
        ..shares(text, text)
    };
    let limit = Limit {
        name: own(),
        amount: own(),
        used: own(),
        reserved: Some(own()),
        free: own(),
        currency: Some(own()),
        soft: Some(own()),
        namespaces: shares(),
        models: shares(),
        owners: shares(),
        ..limit()
    };
    let in_use = InUse {
        held: own(),
        namespaces: shares(),
        owners: shares(),
    };
    let budget = Budget {
        contact: Some(own()),
        counted: Some(Err(own())),
        in_use: Some(Ok(in_use)),
        ..budget(text, vec![limit])
    };
    view.budgets = Ok(vec![budget]);
    let mut denial = denial(text, text);
    (denial.kind, denial.namespace) = (own(), Some(own()));
    for reason in &mut denial.reasons {
        (reason.by, reason.fix) = (own(), Some(own()));
    }
    view.denials = vec![Arc::new(denial)];
    view
}

#[test]
fn hostile_texts_are_texts_wherever_they_stand() {
    let tame = html(&hostile("tame"));
    let elements = |html: &str| html.matches('<').count();
    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</style></title></bdi></details><h1>",
        "<!-- ",
        "&lt;b&gt;",
    ] {
        let page = html(&hostile(text));
        assert_eq!(elements(&page), elements(&tame), "{text} makes elements");
        for part in [
            "<script",
            "<img",
            "onerror=alert(1)>",
            "</bdi></details><h1>",
        ] {
            assert!(!page.contains(part), "{text} is there as markup");
        }
        let quotes = |html: &str| html.matches('"').count();
        assert_eq!(quotes(&page), quotes(&tame), "{text} ends an attribute");
    }
    assert!(html(&hostile("&lt;b&gt;")).contains("<bdi>&amp;lt;b&amp;gt;</bdi>"));
}

#[test]
fn what_turns_text_round_or_is_unseen_is_shown() {
    let page = html(&hostile("a\u{202e}b\u{200b}\u{0}\u{1b}[31m"));
    let is_hidden = |letter: &char| "\u{202e}\u{200b}\u{0}\u{1b}".contains(*letter);
    let hidden: Vec<_> = page.chars().filter(is_hidden).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
    assert!(page.contains("a\\u{202e}b\\u{200b}\\u{0}\\u{1b}[31m"));
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let body = body(&view());
    for part in [
        "<script",
        "<style",
        "<img",
        "<link",
        "://",
        " style=",
        " onclick=",
        "javascript:",
    ] {
        assert!(!body.contains(part), "{part}");
    }
    let page = html(&view());
    let (head, _) = page.split_once("</head>").unwrap();
    assert_eq!(
        head.matches("://").count(),
        1,
        "only the icon names a namespace of XML"
    );
    assert!(!head.contains("<script") && !head.contains("@import") && !head.contains("url(h"));
    let policy = content_security_policy();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn who_does_not_see_it_can_use_it() {
    let page = html(&view());
    for landmark in [
        "<header",
        "<nav aria-label",
        "<main id=\"content\"",
        "<footer",
        "<html lang=\"en\"",
    ] {
        assert!(page.contains(landmark), "{landmark}");
    }
    for heading in ["h1", "th scope=\"col\"", "th scope=\"row\"", "caption"] {
        assert!(page.contains(&format!("<{heading}")), "{heading}");
    }
    let tables = page.matches("<table").count();
    assert_eq!(
        page.matches("<caption").count(),
        tables,
        "each table has a caption"
    );
    let named = page.matches("role=\"img\" aria-label=\"").count();
    assert_eq!(
        page.matches("<svg").count(),
        named + page.matches("aria-hidden=\"true\"").count()
    );
}

#[test]
fn it_asks_for_itself_again_only_if_its_reader_wants() {
    let asks = |refresh| render(&view(), refresh).contains("http-equiv=\"refresh\"");
    assert!(asks(Refresh::Often));
    assert!(!asks(Refresh::Never));
}

#[test]
fn how_a_limit_stands_is_said_in_words() {
    let standing = |used, reserved, soft| {
        let limit = Limit {
            used_permille: used,
            reserved_permille: reserved,
            soft_permille: soft,
            ..limit()
        };
        let view = View {
            budgets: Ok(vec![budget("a", vec![limit])]),
            ..view()
        };
        body(&view)
    };
    let cases = [
        (700, 0, None, "has room"),
        (700, 100, None, "nearly full"),
        (700, 0, Some(600), "above its soft limit"),
        (700, 300, None, "full"),
        (1_700, 300, None, "over its limit"),
    ];
    for (used, reserved, soft, words) in cases {
        let page = standing(used, reserved, soft);
        let words = format!("</svg>{words}</span>").replace("><", ">\n<");
        assert!(page.contains(&words), "{words}");
    }
}

#[test]
fn what_cannot_be_told_is_said() {
    let broken = View {
        budgets: Err("the store is away".to_owned()),
        policies: Vec::new(),
        ..view()
    };
    let page = html(&broken);
    assert!(page.contains("the store is away") && page.contains("No policy is on."));
}

#[test]
fn who_holds_what_is_said_with_its_time_or_why_not() {
    let page = html(&view());
    assert!(page.contains("Who holds what: as of <time"), "{page}");
    assert!(page.contains(">40 s ago<") && page.contains("and 3 more"));
    let unknown = Budget {
        counted: Some(Err("pods is forbidden".to_owned())),
        ..budget("research", Vec::new())
    };
    let unknown = View {
        budgets: Ok(vec![unknown]),
        ..view()
    };
    assert!(html(&unknown).contains("Who holds what is not known: <bdi>pods is forbidden"));
}

#[test]
fn who_held_what_is_taken_over_limit_by_limit() {
    let counted = [
        budget("other", Vec::new()),
        budget("research", vec![limit()]),
    ];
    let fresh = Limit {
        used: "13".to_owned(),
        namespaces: Shares::default(),
        owners: Shares::default(),
        ..limit()
    };
    let newer = Limit {
        name: "gpu/L4".to_owned(),
        ..fresh.clone()
    };
    let mut now = Budget {
        pods: None,
        ..budget("research", vec![fresh, newer])
    };
    now.hold_as(&counted);
    assert_eq!((now.pods, now.limits[0].used.as_str()), (Some(3), "13"));
    assert_eq!(now.limits[0].namespaces.named[0].name, "ml");
    assert!(now.limits[1].namespaces.named.is_empty());
}

#[test]
fn a_policy_that_is_cut_off_says_so_and_why() {
    let mut view = view();
    view.policies = vec![Policy {
        faults: 7,
        last_fault: Some((at(-30), "ran out of memory".to_owned())),
        is_cut_off: true,
        ..policy("gpu-limits")
    }];
    let page = html(&view);
    assert!(page.contains("</svg>cut off</span>") && page.contains("</svg>1 cut off</span>"));
    assert!(page.contains("30 s ago") && page.contains("ran out of memory"));
}
