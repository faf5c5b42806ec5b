//! Rulesets: the Plan's statements compiled into a program that a worker runs for each message, in rsyslog's order.

mod compile;

pub use compile::compile;

use crate::lookup::Table;
use crate::message::Message;
use crate::script::json::{Json, Object};
use crate::script::{Expr, Path, Run, Value, vars};
use std::sync::Arc;

/// A ruleset ready to run.
pub struct Ruleset {
    pub name: String,
    pub(crate) body: Vec<Step>,
}

/// One compiled statement.
pub enum Step {
    If {
        condition: Expr,
        then: Vec<Step>,
        otherwise: Vec<Step>,
    },
    /// Render the message for the action with this number.
    Action(usize),
    /// Let the action with this number change the message.
    Modify(usize),
    Stop,
    /// Run the ruleset with this number; its `stop` ends the caller too.
    Call(usize),
    /// Run the ruleset with this name.
    CallIndirect(Expr),
    Set {
        path: Path,
        value: Expr,
        reset: bool,
    },
    Unset(Path),
    Foreach {
        path: Path,
        list: Expr,
        body: Vec<Step>,
    },
    ReloadTable(Arc<Table>, Option<String>),
}

/// Whether the message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    On,
    Stopped,
}

/// What a ruleset asks of the worker that runs it.
pub trait Host {
    /// The message is for the action with this number.
    fn act(&mut self, action: usize, message: &Message<'_>, run: &mut Run);

    /// The action with this number may change the message: what it is then, if not only variables are others.
    fn modify<'m>(&mut self, _action: usize, _message: &Message<'m>, _run: &mut Run) -> Option<Message<'m>> {
        None
    }

    /// Called before a ruleset is run for `call`; true means that the message was given to that ruleset's own queue.
    fn hand_over(&mut self, _ruleset: usize, _message: &Message<'_>) -> bool {
        false
    }

    /// `call_indirect` named a ruleset that is not there.
    fn unknown_ruleset(&mut self, _name: &[u8]) {}
}

/// Runs ruleset `at` for one message.
pub fn run(
    rulesets: &[Ruleset],
    at: usize,
    message: &Message<'_>,
    run: &mut Run,
    host: &mut impl Host,
) -> Flow {
    run.seen.forget();
    match rulesets.get(at) {
        Some(ruleset) => Walk { rulesets, message: *message, run, host, depth: 0 }.block(&ruleset.body),
        None => Flow::On,
    }
}

/// One message on its way through a ruleset.
struct Walk<'w, 'm, H> {
    rulesets: &'w [Ruleset],
    message: Message<'m>,
    run: &'w mut Run,
    host: &'w mut H,
    depth: u32,
}

impl<H: Host> Walk<'_, '_, H> {
    fn block(&mut self, steps: &[Step]) -> Flow {
        for step in steps {
            let flow = match step {
                Step::If { condition, then, otherwise } => {
                    let branch = if condition.holds(&self.message, self.run) { then } else { otherwise };
                    if branch.is_empty() { Flow::On } else { self.block(branch) }
                }
                Step::Action(action) => {
                    self.host.act(*action, &self.message, self.run);
                    Flow::On
                }
                Step::Stop => Flow::Stopped,
                Step::Call(at) => self.call(*at),
                other => self.rare(other),
            };
            if flow == Flow::Stopped {
                return flow;
            }
        }
        Flow::On
    }

    /// Statements that most configurations do not have.
    fn rare(&mut self, step: &Step) -> Flow {
        let (vars, globals) = (self.message.vars, &self.message.around.globals);
        match step {
            Step::Set { path, value, reset } => {
                let value = value.value(&self.message, self.run).into_json();
                vars::set(path, vars, globals, value, *reset);
            }
            Step::Unset(path) => vars::unset(path, vars, globals),
            Step::Modify(action) => {
                if let Some(changed) = self.host.modify(*action, &self.message, self.run) {
                    self.message = changed;
                }
            }
            Step::ReloadTable(table, stub) => table.reload(stub.as_deref()),
            Step::Foreach { path, list, body } => return self.foreach(path, list, body),
            Step::CallIndirect(name) => {
                let name = name.value(&self.message, self.run).into_shown();
                // rsyslog: ruleset names are compared without regard to case.
                let known = |r: &Ruleset| r.name.as_bytes().eq_ignore_ascii_case(&name);
                match self.rulesets.iter().position(known) {
                    Some(at) => return self.call(at),
                    None => self.host.unknown_ruleset(&name),
                }
            }
            _ => {}
        }
        Flow::On
    }

    fn call(&mut self, at: usize) -> Flow {
        // rsyslog: calls nested deeper than this are skipped.
        let Some(called) = self.rulesets.get(at).filter(|_| self.depth < MAX_DEPTH) else { return Flow::On };
        if self.host.hand_over(at, &self.message) {
            return Flow::On;
        }
        self.depth += 1;
        let flow = self.block(&called.body);
        self.depth -= 1;
        flow
    }

    /// Runs the body for each element of an array, or each member of an object as `key` and `value`.
    fn foreach(&mut self, path: &Path, list: &Expr, body: &[Step]) -> Flow {
        let (vars, globals) = (self.message.vars, &self.message.around.globals);
        // Work is on a copy: the body may change the list.
        let items = match list.value(&self.message, self.run) {
            Value::Json(Json::Array(items)) => items,
            Value::Json(Json::Object(members)) => members.iter().map(pair).collect(),
            _ => return Flow::On,
        };
        for item in items {
            vars::set(path, vars, globals, item, true);
            if self.block(body) == Flow::Stopped {
                return Flow::Stopped;
            }
        }
        vars::unset(path, vars, globals);
        Flow::On
    }
}

fn pair((key, value): (&[u8], &Json)) -> Json {
    let mut pair = Object::default();
    pair.put(b"key", Json::Text(key.to_vec()), true);
    pair.put(b"value", value.clone(), true);
    Json::Object(pair)
}

/// Calls inside calls.
const MAX_DEPTH: u32 = 1024;

#[cfg(test)]
mod tests;
