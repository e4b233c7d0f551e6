//! How many calls may be inside at once, and what they may hold.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::options::Limits;
use crate::rejection::Reason;

/// Lets calls in: a seat for each call, of which only some have their turn to be judged.
pub(crate) struct Gate {
    seats: Semaphore,
    turns: Semaphore,
    bytes: Semaphore,
    seated_at_most: usize,
    judged_at_most: usize,
}

/// The place of one call, given back when dropped.
pub(crate) struct Seat<'gate> {
    gate: &'gate Gate,
    bytes: SemaphorePermit<'gate>,
    _seat: SemaphorePermit<'gate>,
}

/// How many calls are inside, and how many may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occupancy {
    pub(crate) judged: usize,
    pub(crate) judged_at_most: usize,
    pub(crate) waiting: usize,
    pub(crate) waiting_at_most: usize,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        let judged_at_most = limits.concurrency.clamp(1, Semaphore::MAX_PERMITS / 2);
        let seated_at_most = judged_at_most + limits.waiting.min(Semaphore::MAX_PERMITS / 2);
        Self {
            seats: Semaphore::new(seated_at_most),
            turns: Semaphore::new(judged_at_most),
            bytes: Semaphore::new(limits.held_bytes.min(Semaphore::MAX_PERMITS)),
            seated_at_most,
            judged_at_most,
        }
    }

    /// Takes a seat, or sheds the call at once.
    pub(crate) fn seat(&self) -> Result<Seat<'_>, Reason> {
        let seat = self.seats.try_acquire().map_err(|_| Reason::Overload)?;
        let bytes = self
            .bytes
            .try_acquire_many(0)
            .map_err(|_| Reason::Overload)?;
        Ok(Seat {
            gate: self,
            bytes,
            _seat: seat,
        })
    }

    pub(crate) fn occupancy(&self) -> Occupancy {
        let judged = self
            .judged_at_most
            .saturating_sub(self.turns.available_permits());
        let seated = self
            .seated_at_most
            .saturating_sub(self.seats.available_permits());
        Occupancy {
            judged,
            judged_at_most: self.judged_at_most,
            waiting: seated.saturating_sub(judged),
            waiting_at_most: self.seated_at_most - self.judged_at_most,
        }
    }
}

impl<'gate> Seat<'gate> {
    /// Counts more bytes that the call holds.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Reason> {
        let bytes = u32::try_from(bytes).map_err(|_| Reason::Overload)?;
        let more = self
            .gate
            .bytes
            .try_acquire_many(bytes)
            .map_err(|_| Reason::Overload)?;
        self.bytes.merge(more);
        Ok(())
    }

    /// Waits until the call may be judged; calls come in the order in which they asked.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'gate>, Reason> {
        self.gate
            .turns
            .acquire()
            .await
            .map_err(|_| Reason::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(&Limits {
            concurrency: 1,
            waiting: 1,
            held_bytes: 10,
            ..Limits::default()
        })
    }

    #[test]
    fn sheds_the_call_that_finds_no_seat() {
        let gate = gate();
        let (first, _second) = (gate.seat().unwrap(), gate.seat().unwrap());
        assert_eq!(gate.seat().err(), Some(Reason::Overload));
        drop(first);
        assert!(gate.seat().is_ok());
    }

    #[test]
    fn sheds_the_call_whose_body_finds_no_memory() {
        let gate = gate();
        let mut first = gate.seat().unwrap();
        let mut second = gate.seat().unwrap();
        first.hold(4).unwrap();
        first.hold(4).unwrap();
        assert_eq!(second.hold(3), Err(Reason::Overload));
        drop(first);
        assert_eq!(second.hold(3), Ok(()));
    }

    #[tokio::test]
    async fn counts_who_is_judged_and_who_waits() {
        let gate = gate();
        let (first, _second) = (gate.seat().unwrap(), gate.seat().unwrap());
        let _turn = first.turn().await.unwrap();
        assert_eq!(
            gate.occupancy(),
            Occupancy {
                judged: 1,
                judged_at_most: 1,
                waiting: 1,
                waiting_at_most: 1,
            }
        );
    }
}
