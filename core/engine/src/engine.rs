//! The running engine: from bound sockets to the last committed message.
//!
//! The daemon's main thread calls `activate`, `start`, `hup` and `stop`, in that order; all other threads are made
//! and joined here.

use crate::action::{ErrorFile, Outbox, Stop};
use crate::batch::{Batch, Bulk};
use crate::core::Core;
use crate::crew::Crew;
use crate::intake::{self, Intake};
use crate::lookup::Table;
use crate::message::Around;
use crate::objects::Objects;
use crate::parsers::Chain;
use crate::plugin::{Fault, InputInstance, ModifyInstance, OutputInstance, Watch};
use crate::queue::Queue;
use crate::ratelimit::{RateLimit, Watcher};
use crate::selflog::{Form, Line};
use crate::worker::{Program, Worker};
use slog::{error, warn};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use sysloom_abi::{Frame, frame_flag, submit_flag};

/// Everything that a configuration came to.
pub struct Engine {
    pub(crate) core: Arc<Core>,
    pub(crate) program: Arc<Program>,
    pub(crate) objects: Objects,
    pub(crate) queue: Arc<Queue>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) limits: Vec<Arc<RateLimit>>,
    pub(crate) inputs: Vec<Arc<InputInstance>>,
    /// By number of the action; those that were refused are missing.
    pub(crate) outputs: Vec<Option<Arc<OutputInstance>>>,
    pub(crate) running: Option<Running>,
}

/// What runs after `start`.
pub(crate) struct Running {
    inputs: Vec<JoinHandle<()>>,
    /// Dropping it makes the other end readable: inputs see that and return.
    stop_inputs: UnixStream,
    workers: Crew<Batch>,
    /// The workers of rulesets that have queues of their own.
    rulesets: Vec<Crew<Batch>>,
    /// The workers of actions that have queues of their own.
    actions: Vec<Crew<Outbox>>,
    supervisor: Supervisor,
    /// Watches policy files of limits.
    policies: Option<Watcher>,
}

/// Looks for callbacks that do not return.
struct Supervisor {
    ended: Arc<Stop>,
    thread: JoinHandle<()>,
}

impl Engine {
    /// Makes outputs ready and binds what inputs bind: the last step with the privileges of the start. What fails is
    /// named and left out; the others go on.
    pub fn activate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (index, output) in self.outputs.iter().enumerate() {
            let Some(output) = output else { continue };
            let me = crate::core::id_of(crate::core::Kind::Action, index);
            faults.extend(self.core.prepare_stream(me).err());
            faults.extend(output.activate().err());
        }
        for input in &self.inputs {
            faults.extend(input.activate().err());
        }
        faults
    }

    /// Starts workers, inputs and connections, and delivers the daemon's own messages from now on.
    pub fn start(&mut self, own_messages: bool) -> Result<(), Fault> {
        let failed = |e: std::io::Error| Fault::new(format!("cannot start a thread: {e}"));
        self.core.watch_streams();
        let actions = self.action_workers().map_err(failed)?;
        let queues = self.program.queues.iter().flatten();
        let rulesets: Result<_, _> = queues.map(|queue| self.workers(queue)).collect();
        let rulesets = rulesets.map_err(failed)?;
        let workers = self.workers(&self.queue).map_err(failed)?;
        if own_messages {
            self.deliver_own_messages();
        } else {
            self.core.log.deliver_to_syslog();
        }
        let (stop_inputs, stopped) = UnixStream::pair().map_err(failed)?;
        let stopped = Arc::new(stopped);
        let mut inputs = Vec::new();
        for input in self.inputs.iter().filter(|input| input.wants_thread()) {
            let (input, stopped) = (Arc::clone(input), Arc::clone(&stopped));
            let run = move || {
                // Why an input ended stands in the log already.
                let _ = input.run(stopped.as_fd());
                intake::finish();
            };
            inputs.push(thread::Builder::new().name("in".into()).spawn(run).map_err(failed)?);
        }
        if let Some(net) = self.core.net.get() {
            net.start()?;
        }
        let supervisor = self.supervisor().map_err(failed)?;
        let policies = Watcher::start(&self.limits);
        self.running =
            Some(Running { inputs, stop_inputs, workers, rulesets, actions, supervisor, policies });
        Ok(())
    }

    /// Files are closed and opened anew, modules are told. Whoever asks meanwhile hears that it is not over.
    pub fn hup(&self) {
        if let Some((globals, _)) = self.core.globals.get() {
            self.program.around.peers.rename_local(&crate::assemble::hostname(globals));
        }
        // Before the outputs close what they have open, so that they come back with what is read now.
        self.core.hup_streams();
        self.outputs.iter().flatten().for_each(|output| output.hup());
        self.program.actions.iter().filter_map(|used| used.modify.as_ref()).for_each(ModifyInstance::hup);
        self.inputs.iter().for_each(|input| input.hup());
        self.program
            .actions
            .iter()
            .filter_map(|used| used.action.error_file.as_ref())
            .for_each(ErrorFile::hup);
        self.objects.tables.iter().for_each(Table::hup);
        self.limits.iter().for_each(|limit| limit.reload());
        if let Some(settled) = self.core.settled.get() {
            settled.oversize.hup();
        }
        self.program.chains.iter().flatten().for_each(Chain::hup);
    }

    /// Says one of the daemon's own lines, after which nothing more comes from inputs: stops them, lets the workers
    /// finish what is queued within the queue's time, and ends every thread.
    pub fn stop(mut self, farewell: impl FnOnce()) {
        let Some(running) = self.running.take() else { return };
        let globals = self.core.globals.get();
        let configured = globals.and_then(|(globals, _)| globals.int("inputs.timeout.shutdown"));
        let time = self.core.control.inputs_shutdown(configured);
        self.queue.widen();
        self.program.queues.iter().flatten().for_each(|queue| queue.widen());
        self.program.actions.iter().filter_map(|used| used.queue.as_ref()).for_each(|queue| queue.widen());
        if let Some(net) = self.core.net.get() {
            net.stop_listening(time);
        }
        // What inputs have at hand is all that comes.
        self.queue.release();
        self.program.queues.iter().flatten().for_each(|queue| queue.release());
        drop(running.stop_inputs);
        join_within(running.inputs, time, |n| {
            warn!(self.core.log.logger(), "{n} input(s) did not stop in time; going on without them");
        });
        self.tell_repeated(false);
        farewell();
        self.tell_repeated(true);
        intake::flush();
        self.empty(&self.queue);
        self.core.log.deliver_nowhere();
        join_within(running.workers.end(), WORKER_TIME, |_| {});
        // One may still hand messages to the next.
        running.rulesets.iter().for_each(|crew| self.empty(crew.queue()));
        for crew in running.rulesets {
            join_within(crew.end(), WORKER_TIME, |_| {});
        }
        for crew in &running.actions {
            self.empty(crew.queue());
        }
        for crew in running.actions {
            join_within(crew.end(), WORKER_TIME, |_| {});
        }
        self.program.actions.iter().for_each(|used| used.action.say_given_up());
        self.objects.buckets.iter().for_each(|bucket| bucket.save());
        if let Some(net) = self.core.net.get() {
            net.stop();
        }
        drop(running.policies);
        running.supervisor.ended.stop();
        let _ = running.supervisor.thread.join();
    }

    /// What inputs, or the daemon itself, said again goes on, since nothing follows that would have it said.
    fn tell_repeated(&self, own: bool) {
        let Some(settled) = self.core.settled.get() else { return };
        let Some((mine, inputs)) = settled.reducers.split_last() else { return };
        if own {
            return mine.finish(&self.intake, self.own());
        }
        for (index, (reducer, intake)) in inputs.iter().zip(&settled.intakes).enumerate() {
            reducer.finish(intake, index as u32);
        }
    }

    /// The input number of the daemon's own messages.
    fn own(&self) -> u32 {
        self.program.around.inputs.len() as u32
    }

    /// Whether any action has an output at all.
    pub fn delivers(&self) -> bool {
        self.outputs.iter().any(Option::is_some)
    }

    /// Names and senders, for whoever reports them.
    pub fn around(&self) -> &Arc<Around> {
        &self.program.around
    }

    /// Lets the workers empty a queue within its time. What is left after that is lost, and said to be.
    fn empty<T: Bulk>(&self, queue: &Queue<T>) {
        if queue.drain(queue.timeout_shutdown()) {
            return;
        }
        // The batch at hand may still be finished, but it waits for nothing any more.
        queue.give_up();
        self.program.queues.iter().flatten().for_each(|queue| queue.hurry());
        self.program.actions.iter().filter_map(|used| used.queue.as_ref()).for_each(|queue| queue.hurry());
        if !queue.rest(queue.limits().timeout_action_completion) {
            let (left, name) = (queue.fill(), &queue.name);
            error!(self.core.log.logger(),
                "{left} message(s) in queue '{name}' are lost: they could not be delivered within the time allowed \
                 (queue.timeoutShutdown, queue.timeoutActionCompletion)"; "code" => 2041);
        }
    }

    fn workers(&self, queue: &Arc<Queue>) -> std::io::Result<Crew<Batch>> {
        let (program, of) = (Arc::clone(&self.program), Arc::clone(queue));
        Crew::start("rs", Arc::clone(queue), move || {
            let mut worker = Worker::new(Arc::clone(&program), Arc::clone(&of));
            Box::new(move |batch| worker.work_on(batch))
        })
    }

    fn action_workers(&self) -> std::io::Result<Vec<Crew<Outbox>>> {
        let mut crews = Vec::new();
        for used in &self.program.actions {
            let Some(queue) = &used.queue else { continue };
            let (used, queue) = (Arc::clone(used), Arc::clone(queue));
            crews.push(Crew::start("aq", Arc::clone(&queue), move || {
                let (used, queue, mut attempt) = (Arc::clone(&used), Arc::clone(&queue), None);
                Box::new(move |mut outbox: Box<Outbox>| {
                    let n = outbox.len();
                    used.commit(queue.gives_up(), &mut attempt, &mut outbox);
                    queue.done_with(n, outbox);
                })
            })?);
        }
        Ok(crews)
    }

    fn deliver_own_messages(&self) {
        let (intake, log) = (Arc::clone(&self.intake), Arc::clone(&self.core.log));
        let (own, core) = (self.own(), Arc::downgrade(&self.core));
        self.core.log.deliver_to(Arc::new(move |line: &Line| {
            let message = log.message(line);
            let mark = if line.form == Form::Mark { frame_flag::MARK } else { 0 };
            let flags = frame_flag::LOCAL | frame_flag::IGNORE_TIMESTAMP | intake::OWN | mark;
            let frames = [Frame { len: message.len() as u32, flags, ..Frame::default() }];
            // A full queue must not hold back whoever has something to say about it.
            let flags = submit_flag::FLUSH | submit_flag::NO_WAIT;
            let core = core.upgrade();
            let settled = core.as_ref().and_then(|core| core.settled.get());
            let mut fitting = Vec::new();
            let frames = match settled {
                Some(settled) => settled.oversize.fit(&message, &frames, &log.name, line.code, &mut fitting),
                None => &frames,
            };
            match settled.and_then(|settled| settled.reducers.last()) {
                Some(reducer) => reducer.submit(&intake, own, &message, frames, flags),
                None => intake.submit(own, &message, frames, flags),
            };
        }));
    }

    fn supervisor(&self) -> std::io::Result<Supervisor> {
        let ended = Arc::new(Stop::default());
        let (until, log) = (Arc::clone(&ended), self.core.log.logger());
        let core = Arc::downgrade(&self.core);
        let look = move || {
            let mut watch = Watch::new(CALLBACK_TIME);
            while !until.wait(Duration::from_secs(1)) {
                let core = core.upgrade();
                let settled = core.as_ref().and_then(|core| core.settled.get());
                if let Some(tracking) = settled.and_then(|settled| settled.tracking.as_ref()) {
                    tracking.look();
                }
                for late in watch.look() {
                    error!(
                        log,
                        "plugin '{}' has not returned from {} for {} s: its listener or action is stuck, \
                        everything else goes on",
                        late.plugin,
                        late.callback,
                        late.since.as_secs()
                    );
                }
            }
        };
        let thread = thread::Builder::new().name("watch".into()).spawn(look)?;
        Ok(Supervisor { ended, thread })
    }
}

/// Joins threads for as long as the time allows; `late` hears how many are left behind.
fn join_within(threads: Vec<JoinHandle<()>>, time: Duration, late: impl FnOnce(usize)) {
    let end = Instant::now() + time;
    let mut left = threads;
    while !left.is_empty() && Instant::now() < end {
        let (done, running): (Vec<_>, Vec<_>) = left.into_iter().partition(JoinHandle::is_finished);
        for thread in done {
            let _ = thread.join();
        }
        left = running;
        if !left.is_empty() {
            thread::park_timeout(Duration::from_millis(2));
        }
    }
    if !left.is_empty() {
        late(left.len());
    }
}

/// For a worker that is stuck in a plugin: a thread cannot be ended, it can be outlived.
const WORKER_TIME: Duration = Duration::from_millis(2000);
/// How long a callback may take before it is named.
const CALLBACK_TIME: Duration = Duration::from_secs(10);
