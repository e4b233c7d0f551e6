//! Who writes for whom: of those that wait for one budget, one leads and writes for all.
//!
//! The lead is a [`Baton`]. Whoever drops it, also by giving up in the middle, passes it to one that waits. Whoever
//! waited on a leader that gave up learns it, since its channel closes, and enters again: charges carry the pod's uid, so
//! asking twice charges once.

use std::{collections::VecDeque, sync::Arc};

use futures_channel::oneshot;

use crate::sync::{Mutex, lock};

/// The line before one budget.
pub(crate) struct Queue<Q, A>(Arc<Mutex<Line<Q, A>>>);

struct Line<Q, A> {
    is_led: bool,
    waiting: VecDeque<Waiter<Q, A>>,
}

/// Somebody who waits, with what is asked.
pub(crate) struct Waiter<Q, A> {
    pub(crate) asked: Q,
    pub(crate) answer: oneshot::Sender<Turn<Q, A>>,
}

/// What one who waited gets.
pub(crate) enum Turn<Q, A> {
    /// The leader's answer.
    Answered(A),
    /// The lead: nobody has answered yet.
    Lead(Baton<Q, A>),
}

/// How one enters.
pub(crate) enum Entered<Q, A> {
    Lead(Baton<Q, A>),
    Wait(oneshot::Receiver<Turn<Q, A>>),
}

/// The right to write.
pub(crate) struct Baton<Q, A>(Arc<Mutex<Line<Q, A>>>);

impl<Q, A> Default for Queue<Q, A> {
    fn default() -> Self {
        let line = Line {
            is_led: false,
            waiting: VecDeque::new(),
        };
        Self(Arc::new(Mutex::new(line)))
    }
}

impl<Q: Clone, A> Queue<Q, A> {
    /// Takes the lead where nobody has it, else a place in the line.
    pub(crate) fn enter(&self, asked: &Q) -> Entered<Q, A> {
        let mut line = lock(&self.0);
        if !line.is_led {
            line.is_led = true;
            drop(line);
            return Entered::Lead(Baton(self.0.clone()));
        }
        let (answer, receiver) = oneshot::channel();
        line.waiting.push_back(Waiter {
            asked: asked.clone(),
            answer,
        });
        Entered::Wait(receiver)
    }
}

#[cfg(test)]
impl<Q, A> Queue<Q, A> {
    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.0).waiting.len()
    }
}

impl<Q, A> Baton<Q, A> {
    /// Adds all that wait now to those that are to be answered. Whoever has left is passed over: nothing is done for it.
    pub(crate) fn take(&self, waiters: &mut VecDeque<Waiter<Q, A>>) {
        waiters.append(&mut lock(&self.0).waiting);
        waiters.retain(|waiter| !waiter.answer.is_canceled());
    }
}

impl<Q, A> Drop for Baton<Q, A> {
    fn drop(&mut self) {
        let next = {
            let mut line = lock(&self.0);
            let next = line.waiting.pop_front();
            line.is_led = next.is_some();
            next
        };
        // Where nobody listens any more, the baton comes back within the error and is dropped: the next one gets it.
        if let Some(waiter) = next {
            drop(waiter.answer.send(Turn::Lead(Self(self.0.clone()))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Arc, atomic::Ordering},
    };

    use shuttle::{check_dfs, check_random, future::block_on, sync::atomic::AtomicU32, thread};

    use super::{Entered, Queue, Turn};

    /// Waits for an answer or the lead; whoever leads answers all that wait. The number of leaders before it.
    async fn ask(queue: &Queue<u32, u32>, asked: u32) -> u32 {
        let baton = match queue.enter(&asked) {
            Entered::Lead(baton) => baton,
            Entered::Wait(receiver) => match receiver.await.unwrap() {
                Turn::Answered(answer) => return answer,
                Turn::Lead(baton) => baton,
            },
        };
        let mut waiters = VecDeque::new();
        baton.take(&mut waiters);
        for waiter in waiters {
            drop(waiter.answer.send(Turn::Answered(waiter.asked)));
        }
        asked
    }

    #[test]
    fn in_every_order_each_of_two_gets_its_own_answer_and_the_lead_is_free_again() {
        let orders = || {
            let queue = Arc::new(Queue::default());
            let other = {
                let queue = queue.clone();
                thread::spawn(move || block_on(ask(&queue, 1)))
            };
            assert_eq!(block_on(ask(&queue, 0)), 0);
            assert_eq!(other.join().unwrap(), 1);
            assert!(matches!(queue.enter(&2), Entered::Lead(_)));
        };
        check_dfs(orders, None);
    }

    #[test]
    fn no_two_lead_at_the_same_time() {
        let orders = || {
            let queue = Arc::new(Queue::<u32, u32>::default());
            let leaders = Arc::new(AtomicU32::new(0));
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let (queue, leaders) = (queue.clone(), leaders.clone());
                    thread::spawn(move || {
                        let baton = match queue.enter(&0) {
                            Entered::Lead(baton) => baton,
                            Entered::Wait(receiver) => match block_on(receiver).unwrap() {
                                Turn::Answered(_) => panic!("nobody answers"),
                                Turn::Lead(baton) => baton,
                            },
                        };
                        assert_eq!(leaders.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        leaders.fetch_sub(1, Ordering::SeqCst);
                        drop(baton);
                    })
                })
                .collect();
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        };
        check_random(orders, 2_000);
    }

    #[test]
    fn in_every_order_a_waiter_that_left_is_passed_over() {
        let orders = || {
            let queue = Arc::new(Queue::<u32, u32>::default());
            let leaver = {
                let queue = queue.clone();
                thread::spawn(move || drop(queue.enter(&1)))
            };
            assert_eq!(block_on(ask(&queue, 0)), 0);
            leaver.join().unwrap();
            assert!(matches!(queue.enter(&2), Entered::Lead(_)));
        };
        check_dfs(orders, None);
    }
}
