//! Contenders in turns, so that what else the machine does falls on each.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::contender::Contender;

/// A turn takes at least this long, in as many steps as it needs: a scheduler's slice is a few times that.
const TURN: Duration = Duration::from_micros(1500);
/// Rounds go on for this long, but no more and no fewer than these.
const SECONDS: f64 = 2.0;
const ROUNDS: std::ops::RangeInclusive<usize> = 9..=101;

/// What a step of a contender takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Times {
    /// The median, in milliseconds.
    pub(crate) milliseconds: f64,
    /// The median over the rounds of its time over that of the first contender in the same round.
    pub(crate) of_first: f64,
    pub(crate) rounds: usize,
}

/// Times all contenders; the first is what the others are measured in.
pub(crate) fn time(contenders: &mut [Box<dyn Contender>]) -> Result<Vec<Times>> {
    let mut steps = Vec::new();
    for contender in contenders.iter_mut() {
        steps.push(steps_of_a_turn(&mut **contender)?);
    }
    let mut turns: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    let begun = Instant::now();
    while turns[0].len() < *ROUNDS.start()
        || (turns[0].len() < *ROUNDS.end() && begun.elapsed().as_secs_f64() < SECONDS)
    {
        for (at, contender) in contenders.iter_mut().enumerate() {
            let turn = Instant::now();
            for _ in 0..steps[at] {
                contender.step()?;
            }
            turns[at].push(turn.elapsed().as_secs_f64() * 1e3 / steps[at] as f64);
        }
    }
    let rounds = turns[0].len();
    let ratios = |turns_of: &[f64]| turns_of.iter().zip(&turns[0]).map(|(own, first)| own / first).collect();
    let times = turns.iter().map(|of| Times { milliseconds: median(of.clone()), of_first: median(ratios(of)), rounds });
    Ok(times.collect())
}

/// How many steps fill a turn, from the second step: the first finds nothing in place.
fn steps_of_a_turn(contender: &mut dyn Contender) -> Result<u32> {
    contender.step()?;
    let begun = Instant::now();
    contender.step()?;
    let step = begun.elapsed().max(Duration::from_nanos(1));
    Ok((TURN.as_nanos() / step.as_nanos()).clamp(1, 10_000) as u32)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::{Claim, Outcome};

    /// Sleeps, and says nothing.
    struct Sleeper(u64);

    impl Contender for Sleeper {
        fn name(&self) -> &str {
            "sleeper"
        }
        fn claim(&self) -> Claim {
            Claim::Copy
        }
        fn step(&mut self) -> Result<()> {
            std::thread::sleep(Duration::from_millis(self.0));
            Ok(())
        }
        fn outcome(&self) -> Result<Outcome> {
            Ok(Outcome { loss: 0.0, grad: Vec::new() })
        }
    }

    /// Twenty times the sleep is much more, also where the machine is busy.
    #[test]
    fn what_takes_longer_shows() {
        let times = time(&mut [Box::new(Sleeper(1)), Box::new(Sleeper(20))]).unwrap();
        assert!(times[0].of_first == 1.0 && times[1].of_first > 2.0, "{times:?}");
        assert!(times[1].milliseconds >= 20.0 && ROUNDS.contains(&times[1].rounds), "{times:?}");
    }
}
