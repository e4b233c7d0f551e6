//! Creates that another webhook holds up or refuses after Tollgate let them in.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tollgate_e2e::{Answers, Cluster, Namespace, OtherWebhook, until};
use tollgate_webhook::Phase;

use super::{GPU, POD, REQUEST_TIMEOUT, account, taken, told, until_taken, with_budget};
use crate::pods::wants;

/// How long the API server waits for a webhook at most.
const HELD_UP: Duration = Duration::from_secs(30);

/// How long the other webhook thinks before it refuses.
const THINKS: Duration = Duration::from_secs(5);

const REFUSAL: &str = "the other webhook wants none of it";

/// All validating webhooks are asked at once: who is held up by another one has its reservation meanwhile. Who is held up
/// by a mutating one has none yet.
pub(crate) async fn a_create_that_is_held_up_keeps_its_reservation_and_is_charged_once(
    _: &Cluster,
) -> Result<()> {
    with_budget(2, async |namespace, tollgate| {
        let cluster = namespace.cluster();
        let validating =
            OtherWebhook::register(cluster, "slow-validator", Phase::Validate, Answers::Never)
                .await?;
        let mutating =
            OtherWebhook::register(cluster, "slow-mutator", Phase::Mutate, Answers::Never).await?;
        let since = Instant::now();
        let creates = async {
            let validated = validating.asked_about(wants("validated", GPU, "1"));
            let mutated = mutating.asked_about(wants("mutated", GPU, "1"));
            let both = (namespace.create(validated), namespace.create(mutated));
            tokio::try_join!(both.0, both.1)
        };
        let meanwhile = async {
            until_taken(cluster, (0, 1)).await?;
            stays_reserved_until(namespace, since + HELD_UP - Duration::from_secs(3)).await
        };
        tokio::try_join!(creates, meanwhile)?;
        let held_up = since.elapsed();
        ensure!(
            held_up >= HELD_UP - Duration::from_secs(1),
            "held up for {held_up:?} only"
        );
        until_taken(cluster, (2, 0)).await?;
        let over = namespace.create(wants("over", GPU, "1")).await;
        let said = over.err().context("a third pod was let in")?.to_string();
        ensure!(said.contains("2 are used and 0 reserved"), "{said}");
        for tiding in ["late-pod", "expired-reservation", "drift"] {
            ensure!(
                told(tollgate, tiding).await? == 0,
                "`{tiding}` was told of pods that came in time"
            );
        }
        Ok(())
    })
    .await
}

/// Until a moment one pod is expected, and nobody else gets what is kept for it.
async fn stays_reserved_until(namespace: &Namespace<'_>, moment: Instant) -> Result<()> {
    while Instant::now() < moment {
        let account = account(namespace.cluster()).await?;
        ensure!(
            taken(&account)? == (0, 1),
            "the reservation is gone: {account}"
        );
        let over = namespace.create(wants("over", GPU, "2")).await;
        let said = over.err().context("what is kept was given away")?;
        let said = said.to_string();
        ensure!(said.contains("0 are used and 1 reserved"), "{said}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

pub(crate) async fn what_another_webhook_refuses_is_given_back_by_proof_or_time_and_never_early(
    _: &Cluster,
) -> Result<()> {
    with_budget(3, async |namespace, tollgate| {
        let cluster = namespace.cluster();
        let answers = Answers::Denies {
            after: THINKS,
            message: REFUSAL,
        };
        let other = OtherWebhook::register(cluster, "refuser", Phase::Validate, answers).await?;
        let pod = |name: &str| other.asked_about(wants(name, GPU, "1"));
        let refused = async {
            let both = tokio::join!(
                namespace.create(pod("replaced")),
                namespace.create(pod("lost"))
            );
            is_refused(both.0)?;
            is_refused(both.1)
        };
        let reserved = async {
            until_taken(cluster, (0, 2)).await?;
            Ok(Instant::now())
        };
        let ((), since) = tokio::try_join!(refused, reserved)?;
        ensure!(
            taken(&account(cluster).await?)? == (0, 2),
            "given back as soon as it was refused"
        );

        // Another pod has its name: that is proof.
        namespace.create(wants("replaced", GPU, "1")).await?;
        until_taken(cluster, (1, 1)).await?;
        let kept = since.elapsed();
        ensure!(kept < REQUEST_TIMEOUT / 2, "only after {kept:?}");

        // Nothing proves that the other one will not come: only time gives it back.
        let early = namespace.create(wants("early", GPU, "2")).await;
        let said = early.err().context("it was given back early")?.to_string();
        ensure!(said.contains("1 are used and 1 reserved"), "{said}");
        until_taken(cluster, (1, 0)).await?;
        let kept = since.elapsed();
        ensure!(
            kept >= REQUEST_TIMEOUT - Duration::from_secs(2),
            "kept for {kept:?} only"
        );
        until("it is told that a reservation expired", async || {
            let told = told(tollgate, "expired-reservation").await?;
            ensure!(told == 1, "it was told {told} times");
            Ok(())
        })
        .await?;
        namespace.create(wants("early", GPU, "2")).await?;
        namespace.get(POD, "early").await?;
        until_taken(cluster, (3, 0)).await
    })
    .await
}

fn is_refused(created: Result<Value>) -> Result<()> {
    let said = created.err().context("it was let in")?.to_string();
    ensure!(said.contains(REFUSAL), "{said}");
    Ok(())
}
