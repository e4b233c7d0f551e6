//! `tollgate review`.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context;
use tollgate_catalog::Catalog;
use tollgate_pipeline::Phase;

use crate::answer::{Answer, Judgement, Quiet, Reviewed, Summary};
use crate::args::{DisplayArgs, ReviewArgs};
use crate::failure::Failure;
use crate::input::{self, Content, Input, Item};
use crate::{budget, diagnostic, render, setup, terminal};

/// Reviews documents and prints what came of it. The status says whether anything is wrong with them.
pub(crate) fn run(args: &ReviewArgs, display: &DisplayArgs) -> Result<ExitCode, Failure> {
    let ReviewArgs {
        input,
        config,
        output,
    } = args;
    let Input { items, snapshot } = input::read(input)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let reviewed = runtime.context("cannot start")?.block_on(async {
        let now = SystemTime::now();
        let catalog = setup::catalog(config).await?;
        catalog.context.store(snapshot);
        budget::count(&catalog, now).await?;
        terminal::complain(&diagnostic::render_warnings(&catalog.notices(now)));
        let answers = review_all(&catalog, items, now).await?;
        let mut quiet = catalog.quiet_rules();
        quiet.retain(|rule| answers.iter().any(|answer| answer.concerns(rule)));
        let quiet = quiet.into_iter().map(Quiet::from).collect();
        Ok::<_, Failure>(Reviewed { answers, quiet })
    })?;
    render::render(*output, &reviewed, display)?;
    Ok(Summary::of(&reviewed.answers).status())
}

/// Reviews one document after the other.
pub(crate) async fn review_all(
    catalog: &Catalog,
    items: Vec<Item>,
    now: SystemTime,
) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::with_capacity(items.len());
    let mut failures = Vec::new();
    for Item { source, content } in items {
        match judge(catalog, content, now).await {
            Ok(judgement) => answers.push(Answer { source, judgement }),
            Err(err) => failures.push(format!("{source}: {err}")),
        }
    }
    match failures.as_slice() {
        [] => Ok(answers),
        _ => Err(anyhow::anyhow!(failures.join("\n")).into()),
    }
}

/// Reviews one.
pub(crate) async fn judge(
    catalog: &Catalog,
    content: Content,
    now: SystemTime,
) -> Result<Judgement, tollgate_pipeline::Unavailable> {
    Ok(match content {
        Content::Request(request) => {
            let before = request.object.clone();
            let outcome = tollgate_pipeline::review(catalog, *request, Phase::DryRun, now).await?;
            Judgement::Reviewed {
                before,
                outcome: Box::new(outcome),
            }
        }
        Content::Foreign(why) => Judgement::Foreign(why),
        Content::Unreadable(diagnostic) => Judgement::Unreadable(diagnostic),
    })
}
