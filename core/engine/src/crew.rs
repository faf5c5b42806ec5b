//! The workers of one queue: a thread always, and more of them while the queue is long.

use crate::batch::Bulk;
use crate::clock;
use crate::intake;
use crate::queue::{Queue, Taken};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What one worker thread does with what it takes; it says to the queue itself when it is done.
pub type Work<T> = Box<dyn FnMut(Box<T>)>;

/// The workers of one queue.
pub struct Crew<T: Bulk> {
    shared: Arc<Shared<T>>,
    threads: mpsc::Receiver<JoinHandle<()>>,
}

struct Shared<T: Bulk> {
    /// What threads are called.
    name: &'static str,
    queue: Arc<Queue<T>>,
    /// Makes a thread's work, on that thread.
    begin: Box<dyn Fn() -> Work<T> + Send + Sync>,
    active: AtomicUsize,
    made: mpsc::Sender<JoinHandle<()>>,
}

impl<T: Bulk + 'static> Crew<T> {
    /// Starts the first worker.
    pub fn start(
        name: &'static str,
        queue: Arc<Queue<T>>,
        begin: impl Fn() -> Work<T> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (made, threads) = mpsc::channel();
        let shared =
            Arc::new(Shared { name, queue, begin: Box::new(begin), active: AtomicUsize::new(0), made });
        shared.active.store(1, Ordering::Release);
        Shared::spawn(&shared, 0)?;
        let limits = shared.queue.limits();
        if limits.workers > 1 {
            let crew = Arc::downgrade(&shared);
            shared.queue.on_arrival(Box::new(move || {
                crew.upgrade().iter().for_each(Shared::call_for_help);
            }));
        }
        Ok(Self { shared, threads })
    }

    pub fn queue(&self) -> &Arc<Queue<T>> {
        &self.shared.queue
    }

    /// Ends the workers once the queue is empty, and hands their threads over for joining.
    pub fn end(self) -> Vec<JoinHandle<()>> {
        self.shared.queue.stop();
        self.threads.try_iter().collect()
    }
}

impl<T: Bulk + 'static> Shared<T> {
    /// A further thread, which is counted already.
    fn spawn(this: &Arc<Self>, place: usize) -> std::io::Result<()> {
        let crew = Arc::clone(this);
        let work = move || {
            Self::work(&crew, place);
            intake::finish();
            crew.active.fetch_sub(1, Ordering::AcqRel);
        };
        let thread = thread::Builder::new().name(format!("{}:{place}", this.name)).spawn(work)?;
        let _ = this.made.send(thread);
        Ok(())
    }

    fn work(this: &Arc<Self>, place: usize) {
        let limits = this.queue.limits().clone();
        let mut work_on = (this.begin)();
        let mut idle_since = Instant::now();
        loop {
            if limits.window.is_some_and(|window| !window.holds(clock::hour())) {
                if this.queue.pause(NAP) {
                    return;
                }
                continue;
            }
            match this.queue.take(NAP) {
                Taken::Batch(batch) => {
                    let n = batch.messages() as u32;
                    work_on(batch);
                    if !limits.slowdown.is_zero() {
                        this.queue.pause(limits.slowdown.saturating_mul(n));
                    }
                    idle_since = Instant::now();
                }
                Taken::Nothing if place == 0 || idle_since.elapsed() < limits.timeout_worker => {}
                Taken::Nothing | Taken::Stopped => return,
            }
        }
    }

    /// rsyslog: one worker, and another for each minimum number of messages that wait.
    fn call_for_help(this: &Arc<Self>) {
        let limits = this.queue.limits();
        let waiting = this.queue.waiting();
        let one_more = |active: usize| {
            (active < limits.workers && waiting >= limits.minimum_messages * active).then_some(active + 1)
        };
        while !this.queue.is_stopping() {
            let Ok(place) = this.active.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more) else {
                return;
            };
            // Without a helper the work is done later.
            if Self::spawn(this, place).is_err() {
                this.active.fetch_sub(1, Ordering::AcqRel);
                return;
            }
        }
    }
}

/// How long a worker waits for a batch before it looks around.
const NAP: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Batch, Head, Pool};
    use crate::queue::{Delay, Limits, Window};
    use crate::stats::Stats;

    /// A queue with two batches of one message, and when its worker worked on each.
    fn two(limits: Limits) -> (Crew<Batch>, mpsc::Receiver<Instant>) {
        let queue: Arc<Queue<Batch>> =
            Arc::new(Queue::new("crew", limits, Arc::new(Pool::new(4)), &Stats::default()));
        for _ in 0..2 {
            let mut batch = queue.empty();
            batch.push(
                b"a",
                Head { off: 0, len: 0, peer: 0, flags: 0, received_ns: 0, input: 0, repeated: 0 },
            );
            queue.enqueue(batch, Delay::None);
        }
        let (say, heard) = mpsc::channel();
        let of = Arc::clone(&queue);
        let crew = Crew::start("t", queue, move || {
            let (say, of) = (say.clone(), Arc::clone(&of));
            Box::new(move |batch| {
                say.send(Instant::now()).unwrap();
                of.done(batch);
            })
        });
        (crew.unwrap(), heard)
    }

    #[test]
    fn a_slow_worker_pauses_for_each_message() {
        let (crew, heard) =
            two(Limits { slowdown: Duration::from_millis(80), batch: 1, ..Limits::main_default() });
        let first = heard.recv().unwrap();
        assert!(heard.recv().unwrap() - first >= Duration::from_millis(80));
        crew.end().into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn nobody_works_outside_the_window() {
        let hour = clock::hour();
        let window = Some(Window { begin: (hour + 2) % 24, end: (hour + 3) % 24 });
        let (crew, heard) = two(Limits { window, ..Limits::main_default() });
        let queue = Arc::clone(crew.queue());
        crew.end().into_iter().for_each(|thread| thread.join().unwrap());
        assert!(heard.try_recv().is_err());
        assert_eq!(queue.fill(), 2);
    }
}
