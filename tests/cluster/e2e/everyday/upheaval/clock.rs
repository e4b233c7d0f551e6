//! The wall clock of a replica that leads jumps, as it does where a node comes up before its time is set.

use std::time::Duration;

use anyhow::{Result, ensure};
use tollgate_e2e::{Cluster, Installation, WallClock, until};

use super::connections::while_judged;
use super::{in_turn, is_right, leader, stored_keys};

const DAY: i64 = 24 * 60 * 60;

/// Beyond the time of every certificate of ours; back to the seventies; an hour, which is within what clocks may differ by.
const JUMPS: [i64; 4] = [400 * DAY, -18_000 * DAY, 3_600, 0];

/// Keys that were made by a clock which is ahead would be refused by the API server until its own has come so far.
pub(crate) async fn a_leader_whose_clock_jumps_harms_nothing(_: &Cluster) -> Result<()> {
    in_turn(async |cluster, tollgate| {
        let clock = WallClock::new(cluster.folder())?;
        leads_by(cluster, tollgate, &clock).await?;
        let keys = stored_keys(cluster).await?;
        let jumps = async {
            for jump in JUMPS {
                clock.jump(jump)?;
                // The registration is deleted, which makes the leader look at all that it keeps.
                is_right(cluster, &format!("the leader's clock jumped by {jump} s")).await?;
                ensure!(
                    stored_keys(cluster).await? == keys,
                    "a jump by {jump} s made new keys"
                );
            }
            Ok(())
        };
        while_judged(cluster, jumps).await
    })
    .await
}

/// Lets replicas that live by the clock follow those that were there, so that one of them leads.
async fn leads_by(cluster: &Cluster, tollgate: &mut Installation, clock: &WallClock) -> Result<()> {
    for _ in 0..tollgate.running().len() {
        tollgate.add_by(clock).await?;
        tollgate.stop_oldest().await?;
    }
    until("one of the new replicas leads", async || {
        let leader = leader(cluster).await?;
        let runs = tollgate
            .running()
            .iter()
            .any(|replica| replica.name() == leader);
        ensure!(runs, "`{leader}` does");
        Ok(())
    })
    .await?;
    // It has written the Lease once more, and so heard what time it is.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(())
}
