//! Makes events at the wanted rate and hands them to the hub.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::SimulateError;
use super::config::{Pace, SimulateConfig};
use super::generate::Generator;
use super::hub::Hub;
use super::replay::{Recording, replay};
use crate::env::Clock;
use crate::tasks::Tasks;

/// How often the generator runs.
const TICK: Duration = Duration::from_millis(5);
/// Most events that one tick makes up for when the machine was late.
const CATCH_UP: Duration = Duration::from_millis(500);

/// What is to be produced.
#[derive(Debug)]
pub(super) enum Plan {
    Generate { generator: Box<Generator>, rate: u64, count: Option<u64>, wait_for_client: bool },
    Replay { recording: Arc<Recording>, pace: Pace },
}

/// Reads the configuration, and the file to replay.
pub(super) async fn plan(config: &SimulateConfig) -> Result<Plan, SimulateError> {
    if let Some(path) = &config.replay {
        return Ok(Plan::Replay { recording: Arc::new(Recording::scan(path).await?), pace: config.pace });
    }
    let generator = if config.numbered {
        Generator::numbered(config.seed)
    } else {
        Generator::new(config.seed, config.hosts, config.workloads)
    };
    Ok(Plan::Generate {
        generator: Box::new(generator),
        rate: config.rate,
        count: config.count,
        wait_for_client: config.wait_for_client,
    })
}

/// Starts to produce; ends with `stop`.
pub(super) fn start(plan: Plan, hub: &Arc<Hub>, clock: &Arc<dyn Clock>, stop: &CancellationToken, tasks: &Tasks) {
    match plan {
        Plan::Generate { generator, rate, count, wait_for_client } => {
            let (hub, clock, stop) = (Arc::clone(hub), Arc::clone(clock), stop.clone());
            tasks.spawn_session("simulate generator", async move {
                let work = async {
                    if wait_for_client {
                        hub.wait_for_clients().await;
                    }
                    generate(*generator, rate, count, &hub, clock.as_ref()).await;
                };
                stop.run_until_cancelled(work).await;
            });
        }
        Plan::Replay { recording, pace } => {
            for kind in recording.kinds.clone() {
                let work = replay(Arc::clone(&recording), kind, pace, Arc::clone(hub), Arc::clone(clock));
                let stop = stop.clone();
                tasks.spawn_session("simulate replay", async move {
                    if let Some(Err(error)) = stop.run_until_cancelled(work).await {
                        tracing::error!(%error, "the replay failed");
                    }
                });
            }
        }
    }
}

async fn generate(mut generator: Generator, rate: u64, count: Option<u64>, hub: &Hub, clock: &dyn Clock) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut due, mut left) = (clock.monotonic(), 0.0_f64, count.unwrap_or(u64::MAX));
    while left > 0 {
        tick.tick().await;
        let now = clock.monotonic();
        due += rate as f64 * now.since(last).min(CATCH_UP).as_secs_f64();
        last = now;
        while due >= 1.0 && left > 0 {
            hub.offer(generator.next(clock.now_us()));
            due -= 1.0;
            left -= 1;
            // A burst must not keep the server's own tasks from emptying the queues.
            if left.is_multiple_of(64) {
                tokio::task::yield_now().await;
            }
        }
    }
}
