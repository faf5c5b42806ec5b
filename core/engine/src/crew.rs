//! The workers of one queue: a thread always, and more of them while the queue is long.

use crate::batch::Bulk;
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
            match this.queue.take(NAP) {
                Taken::Batch(batch) => {
                    Self::call_for_help(this, limits.workers, limits.minimum_messages);
                    work_on(batch);
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
