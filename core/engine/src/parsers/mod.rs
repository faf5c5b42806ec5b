//! Parser chains: the parsers of a ruleset that has its own list of them, in order, each asked until one takes the
//! message. Messages of all other rulesets go the short way, `sysloom_wire::parse_chain`, and never come here.
//!
//! `builtin` has the two parsers that are part of the engine and their parameters, `draft` the message that a plugin's
//! parser works on. Chains are made by `assemble` and run by workers.

mod builtin;
mod draft;

pub use builtin::{Headerless, Rfc3164, module};
pub use draft::{Draft, Scratch, View};

use crate::plugin::ParserInstance;
use std::sync::Arc;
use sysloom_wire::{Options, Verdict, rfc5424};

/// The parsers of one ruleset.
pub struct Chain(pub Vec<Parser>);

/// One of them.
pub enum Parser {
    Rfc5424,
    Rfc3164(Box<Rfc3164>),
    Plugin(Arc<ParserInstance>),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Parsed,
    /// It goes to another ruleset than its input's.
    Rerouted(usize),
    /// A parser is told to drop its kind.
    Dropped,
    /// No parser took it.
    Unknown,
}

impl Chain {
    /// Asks one parser after the other. `options` are the message's own.
    pub fn parse(&self, draft: &mut Draft<'_>, options: &Options) -> Outcome {
        for parser in &self.0 {
            let outcome = match parser {
                Parser::Rfc5424 => draft.spans(|text, parsed| rfc5424::parse(text, options, parsed)).into(),
                Parser::Rfc3164(parser) => parser.parse(draft, options),
                Parser::Plugin(instance) => draft.offer(|draft| instance.parse(draft)).into(),
            };
            if outcome != Outcome::Unknown {
                return outcome;
            }
        }
        Outcome::Unknown
    }

    /// Files of parsers are opened anew, and plugins are told.
    pub fn hup(&self) {
        for parser in &self.0 {
            match parser {
                Parser::Rfc5424 => {}
                Parser::Rfc3164(parser) => parser.hup(),
                Parser::Plugin(instance) => instance.hup(),
            }
        }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accept => Self::Parsed,
            Verdict::Decline => Self::Unknown,
        }
    }
}
