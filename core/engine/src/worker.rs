//! A worker: takes batches from a queue, parses them, runs their rulesets, and commits what came of it to the actions.
//!
//! One thread, one worker. Parsing goes over the whole batch first; then each message runs through its ruleset, in
//! order; each action that got records commits once a batch. Everything a worker needs is kept and reused.

use crate::action::{Action, Attempt, Knowledge, Modifier, Outbox, Stop, When, Workshop};
use crate::batch::{Batch, Handed, Head};
use crate::inflate::{self, Inflater, Inflation};
use crate::intake;
use crate::message::{Around, Message, Next, Text, reception};
use crate::parsers::{Chain, Draft, Outcome, Scratch};
use crate::plugin::ModifyInstance;
use crate::properties::Properties;
use crate::queue::{Delay, Queue, Taken};
use crate::ratelimit::OutputLimit;
use crate::ruleset::{self, Host, Ruleset};
use crate::script::{Run, Slot};
use crate::template::Template;
use slog::{Logger, error};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use sysloom_abi::frame_flag;
use sysloom_config::plan::PropertyRef;
use sysloom_wire::{
    Options, Parsed, SanitizeRules, Sanitized, Span, Timestamp, Zone, local, parse_chain, parse_text,
    sanitize,
};

/// What all workers run: rulesets, templates and actions, never changed while they do.
pub struct Program {
    pub around: Arc<Around>,
    pub rulesets: Vec<Ruleset>,
    /// By number of the ruleset: the queue that it has of its own.
    pub queues: Vec<Option<Arc<Queue>>>,
    pub templates: Vec<Arc<Template>>,
    pub actions: Vec<Arc<ActionUse>>,
    pub reading: Reading,
    /// How messages are read that are compressed.
    pub inflation: Option<Inflation>,
    /// By number of the ruleset: parsers of its own. Empty = no ruleset has any.
    pub chains: Vec<Option<Chain>>,
    /// Messages that no parser took.
    pub unparsed: AtomicU64,
    /// What plugins ask of messages.
    pub properties: Arc<Properties>,
    pub log: Logger,
}

/// How messages are read: the rules for bytes, and the parsers' options.
#[derive(Clone)]
pub struct Reading {
    pub sanitize: SanitizeRules,
    pub options: Options,
}

/// An action as rulesets use it: the columns of its records, and how to get a worker object of its output.
pub struct ActionUse {
    pub action: Action,
    /// When it runs at all.
    pub when: When,
    /// Numbers of templates, one a column.
    pub columns: Vec<usize>,
    pub open: Box<dyn Fn() -> Result<Attempt, String> + Send + Sync>,
    /// It changes messages and has no output.
    pub modify: Option<ModifyInstance>,
    /// The action's own queue: records wait there for workers of the action's own.
    pub queue: Option<Arc<Queue<Outbox>>>,
    pub limit: Option<OutputLimit>,
}

impl Program {
    /// The time of reception in the zone of its input's times, if that is not this host's.
    fn in_zone_of(&self, head: &Head, received: &Timestamp) -> Option<Timestamp> {
        let offset_minutes = self.around.inputs.get(head.input as usize)?.zone?;
        let zone = if offset_minutes < 0 { Zone::West } else { Zone::East };
        Some(Timestamp { offset_minutes, zone, ..*received })
    }

    /// The parsers that a message's ruleset has of its own. Local sockets' own format is no parser's business.
    fn chain(&self, head: &Head) -> Option<&Chain> {
        if self.chains.is_empty() || head.flags & frame_flag::LOCAL != 0 {
            return None;
        }
        let ruleset = self.around.inputs.get(head.input as usize).map_or(0, |input| input.ruleset);
        self.chains.get(ruleset)?.as_ref()
    }

    /// Sanitises a message and asks the parsers of a chain: its text, and the ruleset that one of them sends it to. None
    /// if it is to be dropped.
    fn ask(&self, chain: &Chain, draft: &mut Draft<'_>) -> Option<(Text, Option<usize>)> {
        let flags = draft.head.flags;
        draft.text = self.reading.sanitized(draft.raw, draft.changed)?;
        let options = self.reading.options_of(flags);
        if draft.read_head() {
            return Some((draft.text, None));
        }
        match chain.parse(draft, &options) {
            Outcome::Parsed => Some((draft.text, None)),
            Outcome::Rerouted(ruleset) => Some((draft.text, Some(ruleset))),
            Outcome::Dropped => None,
            Outcome::Unknown => {
                if self.unparsed.fetch_add(1, Ordering::Relaxed) >= UNPARSED_SAID {
                    return None;
                }
                let raw = String::from_utf8_lossy(draft.raw.get(..SHOWN).unwrap_or(draft.raw));
                error!(self.log, "Error: one message could not be processed by any parser, message is being discarded \
                    (start of raw msg: '{raw}')"; "code" => 2160);
                None
            }
        }
    }
}

impl ActionUse {
    /// Commits an outbox through a worker object that is made when it is first needed.
    /// It waits for its destination until `stop` is set.
    pub fn commit(&self, stop: &Arc<Stop>, attempt: &mut Option<Attempt>, outbox: &mut Outbox) {
        if attempt.is_none() {
            match (self.open)() {
                Ok(opened) => *attempt = Some(opened.until(stop)),
                Err(why) => error!(self.action.log, "action '{}': {why}", self.action.name),
            }
        }
        match attempt {
            Some(attempt) => {
                if let Some(limit) = &self.limit {
                    limit.pace(outbox.len(), stop);
                }
                self.action.commit(attempt, outbox);
            }
            None => outbox.clear(),
        }
    }
}

/// One worker thread's own things.
pub struct Worker {
    program: Arc<Program>,
    queue: Arc<Queue>,
    attempts: Vec<Option<Attempt>>,
    outboxes: Vec<Outbox>,
    modifiers: Vec<Modifier>,
    workshop: Workshop,
    touched: Vec<usize>,
    /// For the records of an action that runs only after a failure: the action that must have failed.
    previous: Vec<Vec<usize>>,
    /// By number of the ruleset: messages for its own queue.
    handed: Vec<Option<Box<Batch>>>,
    run: Run,
    /// Kept from batch to batch for its buffers.
    work: Option<Work>,
}

/// A batch in work, with what parsing found. It stands in a thread-local while actions commit, so that an output can
/// ask for properties of the messages it was given.
#[derive(Default)]
struct Work {
    batch: Box<Batch>,
    parsed: Vec<Parsed>,
    /// Where each message's sanitised text is; `None` = dropped.
    texts: Vec<Option<Text>>,
    /// Texts that sanitising had to change.
    changed: Vec<u8>,
    /// The messages' variables.
    vars: Vec<Slot>,
    /// What modifications made of the messages; empty if the configuration has none.
    revisions: Vec<Next>,
    /// Messages that a parser sends to another ruleset than their input's, in their order.
    rerouted: Vec<(usize, usize)>,
    scratch: Scratch,
    inflater: Inflater,
}

/// The actions' side of a worker while a message runs through its rulesets.
struct Acting<'w> {
    program: &'w Program,
    attempts: &'w [Option<Attempt>],
    outboxes: &'w mut [Outbox],
    modifiers: &'w mut [Modifier],
    workshop: &'w mut Workshop,
    touched: &'w mut Vec<usize>,
    previous: &'w mut [Vec<usize>],
    handed: &'w mut [Option<Box<Batch>>],
    /// The action that ran last for this message, if this worker commits it.
    last: Option<usize>,
    /// The message's place in the batch.
    at: u64,
}

thread_local! {
    static WORK: RefCell<Option<(Work, Arc<Program>)>> = const { RefCell::new(None) };
}

impl Worker {
    pub fn new(program: Arc<Program>, queue: Arc<Queue>) -> Self {
        let outboxes = program.actions.iter().map(|a| Outbox::new(a.columns.len())).collect();
        let attempts = program.actions.iter().map(|_| None).collect();
        let previous = program.actions.iter().map(|_| Vec::new()).collect();
        let modifiers = program.actions.iter().map(|_| Modifier::default()).collect();
        let handed = program.queues.iter().map(|_| None).collect();
        let (workshop, touched, run) = (Workshop::default(), Vec::new(), Run::default());
        Self {
            program,
            queue,
            attempts,
            outboxes,
            modifiers,
            workshop,
            touched,
            previous,
            handed,
            run,
            work: None,
        }
    }

    /// Works on what the queue holds, and waits for nothing.
    pub(crate) fn work_off(&mut self) {
        while let Taken::Batch(batch) = self.queue.take(Duration::ZERO) {
            self.work_on(batch);
        }
    }

    /// Works on one batch and gives it back to the queue.
    pub fn work_on(&mut self, batch: Box<Batch>) {
        let mut work = self.work.take().unwrap_or_default();
        let empty = std::mem::replace(&mut work.batch, batch);
        work = self.process(work);
        let done = std::mem::replace(&mut work.batch, empty);
        self.work = Some(work);
        self.queue.done(done);
    }

    fn process(&mut self, mut work: Work) -> Work {
        work.parse(&self.program);
        let program = Arc::clone(&self.program);
        for at in 0..work.batch.len() {
            let Some(message) = work.message(at, &program) else { continue };
            let input = program.around.inputs.get(message.head.input as usize);
            let ruleset = work.handed_to(at).or(input.map(|input| input.ruleset)).unwrap_or(0);
            let Self { attempts, outboxes, modifiers, workshop, touched, previous, handed, run, .. } = self;
            run.suspended = false;
            let (at, last) = (at as u64, None);
            let program = &*program;
            let mut acting = Acting {
                program,
                attempts,
                outboxes,
                modifiers,
                workshop,
                touched,
                previous,
                handed,
                last,
                at,
            };
            ruleset::run(&program.rulesets, ruleset, &message, run, &mut acting);
            self.hand_over(|batch, most| batch.is_full() || batch.len() >= most);
            if self.touched.iter().any(|action| self.outboxes[*action].is_large()) {
                work = self.commit(work);
            }
        }
        self.hand_over(|_, _| true);
        self.commit(work)
    }

    /// Puts batches for rulesets with queues of their own there.
    fn hand_over(&mut self, which: impl Fn(&Batch, usize) -> bool) {
        for (queue, handed) in self.program.queues.iter().zip(&mut self.handed) {
            if let Some(queue) = queue
                && let Some(batch) = handed.take_if(|batch| which(batch, queue.limits().batch))
            {
                // rsyslog: a worker is held back only by a queue that is full.
                queue.enqueue(batch, Delay::None);
            }
        }
    }

    /// Commits every touched action's records, in the order in which they were touched; those that wait for another's
    /// failure come after it.
    fn commit(&mut self, work: Work) -> Work {
        if self.touched.is_empty() {
            return work;
        }
        let program = Arc::clone(&self.program);
        let actions = &program.actions;
        if self.touched.iter().any(|action| actions[*action].when.after_failure) {
            self.touched.sort_by_key(|action| actions[*action].when.after_failure.then_some(*action));
        }
        WORK.set(Some((work, Arc::clone(&self.program))));
        for at in 0..self.touched.len() {
            let action = self.touched[at];
            let used = &actions[action];
            if used.when.after_failure {
                self.keep_failed(action);
            }
            let outbox = &mut self.outboxes[action];
            if outbox.is_empty() {
                continue;
            }
            match &used.queue {
                None => used.commit(self.queue.gives_up(), &mut self.attempts[action], outbox),
                Some(queue) => enqueue(queue, outbox),
            }
        }
        self.touched.clear();
        WORK.take().map(|(work, _)| work).unwrap_or_default()
    }

    /// Of an action that runs only after a failure, keeps the records whose messages the action before it gave up.
    fn keep_failed(&mut self, action: usize) {
        let Self { attempts, outboxes, previous, .. } = self;
        let (outbox, before) = (&mut outboxes[action], &mut previous[action]);
        let failed = |(message, before): (&u64, &usize)| {
            // An action whose output cannot even be opened has failed.
            attempts[*before].as_ref().is_none_or(|attempt| attempt.has_lost(*message))
        };
        let kept: Vec<bool> = outbox.handles().iter().zip(before.iter()).map(failed).collect();
        before.clear();
        if kept.contains(&false) {
            outbox.retain(|row| kept[row]);
        }
        if let Some(attempt) = attempts[action].as_mut().filter(|_| outbox.is_empty()) {
            attempt.forget_lost();
        }
    }
}

impl Host for Acting<'_> {
    fn act(&mut self, action: usize, message: &Message<'_>, run: &mut Run) {
        let program = self.program;
        let (Some(used), Some(outbox)) = (program.actions.get(action), self.outboxes.get_mut(action)) else {
            return;
        };
        let before = match (used.when.after_failure, self.last) {
            (false, before) => before,
            (true, Some(before)) => Some(before),
            // rsyslog: nothing ran before it here, or an action with a queue, which counts as not suspended.
            (true, None) => return,
        };
        let is_mark = message.head.flags & frame_flag::MARK != 0;
        if !used.when.runs(message.head.received_ns.div_euclid(1_000_000_000), is_mark) {
            return;
        }
        if used.limit.as_ref().is_some_and(|limit| !limit.admits(message, &mut run.buffers)) {
            return;
        }
        if outbox.is_empty() {
            self.touched.push(action);
        }
        if let Some(before) = before.filter(|_| used.when.after_failure) {
            self.previous[action].push(before);
        }
        outbox.add(self.at, |column, out| {
            if let Some(template) = program.templates.get(used.columns[column]) {
                template.render(message, &mut run.buffers, out);
            }
        });
        if let Some(queue) = &used.queue {
            outbox.note_severity(message.severity());
            if queue.limits().take_flow_control {
                outbox.note_delay(intake::delay_of(message.head.flags));
            }
            // What waits for another's failure is not known to stay yet.
            if outbox.len() >= queue.limits().batch && !used.when.after_failure {
                enqueue(queue, outbox);
            }
        }
        self.last = used.queue.is_none().then_some(action);
        let suspended =
            self.attempts.get(action).is_some_and(|a| a.as_ref().is_some_and(Attempt::is_suspended));
        // An action that will be left out because the one before it works changes nothing.
        run.suspended = suspended && (run.suspended || !used.when.after_failure);
    }

    fn modify<'m>(&mut self, action: usize, message: &Message<'m>, run: &mut Run) -> Option<Message<'m>> {
        let program = self.program;
        let (used, modifier) = (program.actions.get(action)?, self.modifiers.get_mut(action)?);
        let instance = used.modify.as_ref()?;
        let is_mark = message.head.flags & frame_flag::MARK != 0;
        let now = message.head.received_ns.div_euclid(1_000_000_000);
        if used.when.after_failure && !run.suspended || !used.when.runs(now, is_mark) {
            return None;
        }
        if used.limit.as_ref().is_some_and(|limit| !limit.admits(message, &mut run.buffers)) {
            return None;
        }
        // It has done its work, whatever came of it: what only runs after a failure does not run.
        (self.last, run.suspended) = (None, false);
        let known = Knowledge {
            properties: &program.properties,
            received: &reception(message.head.received_ns),
            permit_slash: program.reading.options.permit_slash_in_programname,
        };
        let changed = used.action.modify(instance, modifier, message, &known, self.workshop)?;
        run.seen.forget();
        Some(changed)
    }

    fn hand_over(&mut self, ruleset: usize, message: &Message<'_>) -> bool {
        let Some(Some(queue)) = self.program.queues.get(ruleset) else { return false };
        let Some(handed) = self.handed.get_mut(ruleset) else { return false };
        let batch = handed.get_or_insert_with(|| queue.empty());
        let (at, vars, revision) = (batch.len(), message.vars.copy(), message.revision());
        batch.handed.push(Handed { at, ruleset: Some(ruleset), vars, revision });
        batch.push(message.raw, *message.head);
        true
    }

    fn unknown_ruleset(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name);
        error!(self.program.log, "error: CALL_INDIRECT: ruleset '{name}' cannot be found, treating as NOP";
            "code" => 2157);
    }
}

/// Puts an outbox's records into their action's queue.
fn enqueue(queue: &Queue<Outbox>, outbox: &mut Outbox) {
    let (mut full, delay) = (queue.empty(), outbox.delay());
    full.set_columns(outbox.columns());
    std::mem::swap(outbox, &mut full);
    queue.enqueue(full, delay);
}

/// A property of a message that the calling thread is committing: its full length after copying what fits.
pub fn property(message: u64, name: &PropertyRef, out: &mut [u8]) -> Option<usize> {
    WORK.with_borrow(|held| {
        let (work, program) = held.as_ref()?;
        let message = work.message(usize::try_from(message).ok()?, program)?;
        let mut scratch = Vec::new();
        let value = message.value(name, &mut scratch);
        let n = value.len().min(out.len());
        out[..n].copy_from_slice(&value[..n]);
        Some(value.len())
    })
}

/// Shows a message that the calling thread is committing.
pub fn with_message<R>(message: u64, show: impl FnOnce(&Message<'_>) -> R) -> Option<R> {
    WORK.with_borrow(|held| {
        let (work, program) = held.as_ref()?;
        Some(show(&work.message(usize::try_from(message).ok()?, program)?))
    })
}

impl Work {
    fn parse(&mut self, program: &Program) {
        let Self { batch, parsed: all_parsed, texts, changed, vars, revisions, rerouted, scratch, inflater } =
            self;
        if let Some(inflation) = &program.inflation {
            inflation.unpack(batch, inflater, |head| {
                let input = program.around.inputs.get(head.input as usize);
                let input = input.map_or("", |input| &input.name);
                inflate::origin(head, &program.around.peers, input)
            });
        }
        all_parsed.clear();
        texts.clear();
        changed.clear();
        rerouted.clear();
        // Only messages that set variables have something to free here.
        vars.clear();
        vars.resize_with(batch.len(), Slot::default);
        revisions.clear();
        if program.actions.iter().any(|used| used.modify.is_some()) {
            revisions.resize_with(batch.len(), Next::new);
        }
        for Handed { at, vars: own, revision, .. } in &mut batch.handed {
            if let Some(slot) = vars.get_mut(*at) {
                *slot = std::mem::take(own);
            }
            if let (Some(next), Some(revision)) = (revisions.get_mut(*at), revision.take()) {
                *next = revision.into();
            }
        }
        let mut received = (i64::MIN, reception(0));
        let drops = program.around.peers.drops_any();
        let mut dropped = (0, false);
        let zoned = program.around.inputs.iter().any(|input| input.zone.is_some());
        for (at, head) in batch.heads.iter().enumerate() {
            // Messages of one read share their time of reception.
            if received.0 != head.received_ns {
                received = (head.received_ns, reception(head.received_ns));
            }
            let in_zone = zoned.then(|| program.in_zone_of(head, &received.1)).flatten();
            let received = in_zone.as_ref().unwrap_or(&received.1);
            let raw = batch.raw(head);
            let mut parsed = Parsed::new();
            if drops && dropped.0 != head.peer {
                dropped = (head.peer, program.around.peers.drops(head.peer));
            }
            if dropped.1 {
                texts.push(None);
                all_parsed.push(parsed);
                continue;
            }
            if revisions.get(at).is_some_and(|next| next.get().is_some()) {
                // All that is known of it came with it.
                texts.push(Some(Text::Raw(0)));
                all_parsed.push(parsed);
                continue;
            }
            let mut text = match (program.chain(head), vars.get(at)) {
                (Some(chain), Some(vars)) => {
                    let mut draft = Draft {
                        head,
                        raw,
                        text: Text::Raw(0),
                        changed,
                        parsed: &mut parsed,
                        vars,
                        received,
                        around: &program.around,
                        properties: &program.properties,
                        permit_slash: program.reading.options.permit_slash_in_programname,
                        ignore_timestamp: head.flags & frame_flag::IGNORE_TIMESTAMP != 0,
                        again: batch.called(at).is_some(),
                        scratch,
                    };
                    let found = program.ask(chain, &mut draft);
                    rerouted.extend(found.and_then(|(_, ruleset)| Some((at, ruleset?))));
                    found.map(|(text, _)| text)
                }
                _ => program.reading.read(head.flags, received, raw, changed, &mut parsed),
            };
            if head.repeated > 1 {
                text = text.map(|text| repeated(text, head.repeated, raw, changed, &mut parsed));
            }
            texts.push(text);
            all_parsed.push(parsed);
        }
    }

    /// The ruleset that another one, or a parser, handed this message to.
    fn handed_to(&self, at: usize) -> Option<usize> {
        self.batch.called(at).or_else(|| {
            let place = self.rerouted.binary_search_by_key(&at, |(at, _)| *at).ok()?;
            self.rerouted.get(place).map(|(_, ruleset)| *ruleset)
        })
    }

    fn message<'a>(&'a self, at: usize, program: &'a Program) -> Option<Message<'a>> {
        let head = self.batch.heads.get(at)?;
        let raw = self.batch.raw(head);
        let place = (*self.texts.get(at)?)?;
        let (text, rawmsg) = (place.of(raw, &self.changed), place.shown());
        let (parsed, vars) = (self.parsed.get(at)?, self.vars.get(at)?);
        let (around, next) = (&*program.around, self.revisions.get(at));
        let message = Message { head, raw, text, rawmsg, parsed, around, vars, next, revised: false };
        Some(message.latest())
    }
}

/// The text of a message that stands for as many of its like.
fn repeated(text: Text, times: u32, raw: &[u8], changed: &mut Vec<u8>, parsed: &mut Parsed) -> Text {
    let text = text.of(raw, changed);
    // An empty msg stands at the end, whatever its span says.
    let from = if parsed.msg.len == 0 { text.len() } else { parsed.msg.offset as usize };
    let msg = parsed.msg(text);
    let said = format!(" message repeated {times} times: [");
    let cut = &msg[..msg.len().min(REPEATED_MOST)];
    let text = [text.get(..from).unwrap_or_default(), said.as_bytes(), cut, b"]"].concat();
    parsed.msg = Span::new(from, text.len());
    let start = changed.len();
    changed.extend_from_slice(&text);
    Text::Changed(start, text.len())
}

impl Reading {
    /// Sanitises and parses a message; `None` if it is to be dropped.
    #[inline]
    pub(crate) fn read(
        &self,
        flags: u32,
        received: &sysloom_wire::Timestamp,
        raw: &[u8],
        changed: &mut Vec<u8>,
        parsed: &mut Parsed,
    ) -> Option<Text> {
        let sanitized = match flags & SPECIAL {
            0 => parse_chain(&self.sanitize, &self.options, received, raw, changed, parsed),
            _ => self.read_special(flags, received, raw, changed, parsed),
        };
        sanitized.map(|sanitized| place(sanitized, changed))
    }

    /// The sanitised text of a message; `None` if it is empty.
    fn sanitized(&self, raw: &[u8], changed: &mut Vec<u8>) -> Option<Text> {
        (!raw.is_empty()).then(|| place(sanitize(&self.sanitize, raw, changed), changed))
    }

    /// The parsers' options for a message with these flags.
    fn options_of(&self, flags: u32) -> Options {
        Options {
            parse_hostname: self.options.parse_hostname && flags & frame_flag::NO_HOSTNAME == 0,
            ignore_timestamp: flags & frame_flag::IGNORE_TIMESTAMP != 0,
            ..self.options.clone()
        }
    }

    /// Messages of local sockets and of inputs that know more than the message says.
    fn read_special(
        &self,
        flags: u32,
        received: &sysloom_wire::Timestamp,
        raw: &[u8],
        changed: &mut Vec<u8>,
        parsed: &mut Parsed,
    ) -> Option<Sanitized> {
        if raw.is_empty() {
            return None;
        }
        let options = self.options_of(flags);
        let sanitized = sanitize(&self.sanitize, raw, changed);
        let text = match sanitized {
            Sanitized::Unchanged { len } => raw.get(..len)?,
            Sanitized::Escaped { len } => changed.get(changed.len() - len..)?,
        };
        if flags & frame_flag::LOCAL != 0 {
            local::parse(text, &options, received, parsed);
            if flags & intake::OWN != 0 {
                // rsyslog: no blank stands before what the daemon itself says.
                parsed.msg = Span::new(parsed.msg.offset as usize + 1, text.len());
            }
        } else {
            parse_text(text, &options, received, parsed);
        }
        Some(sanitized)
    }
}

fn place(sanitized: Sanitized, changed: &[u8]) -> Text {
    match sanitized {
        Sanitized::Unchanged { len } => Text::Raw(len),
        Sanitized::Escaped { len } => Text::Changed(changed.len() - len, len),
    }
}

/// rsyslog: so many times it is said that no parser takes a message, and never again.
const UNPARSED_SAID: u64 = 999;
/// Bytes of a message that are shown when no parser takes it.
const SHOWN: usize = 60;
/// Flags that the ordinary parser chain knows nothing of.
const SPECIAL: u32 = frame_flag::LOCAL | frame_flag::IGNORE_TIMESTAMP | frame_flag::NO_HOSTNAME;
/// rsyslog: how much of a repeated message stands in the one that says so.
const REPEATED_MOST: usize = 800;
