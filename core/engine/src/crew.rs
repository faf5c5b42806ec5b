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
        Shared::spawn(&shared)?;
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
    fn spawn(this: &Arc<Self>) -> std::io::Result<()> {
        let crew = Arc::clone(this);
        let place = this.active.fetch_add(1, Ordering::AcqRel);
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
                    Self::call_for_help(this, limits.workers, limits.minimum_messages);
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

    /// rsyslog: one worker for each minimum number of messages in the queue.
    fn call_for_help(this: &Arc<Self>, most: usize, minimum: usize) {
        let active = this.active.load(Ordering::Acquire);
        if active < most && this.queue.fill() > minimum * active {
            // Without a helper the work is done later.
            let _ = Self::spawn(this);
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
