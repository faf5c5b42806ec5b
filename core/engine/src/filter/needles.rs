//! Literals that are searched together: one automaton for each property, run over its value at most once a message.

use crate::message::Message;
use crate::script::Run;
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use sysloom_config::plan::Property;

/// One literal of a set.
pub struct Needle {
    set: Arc<OnceLock<Set>>,
    bit: usize,
}

/// The literals of one property.
struct Set {
    /// Its place in [`Seen`].
    place: usize,
    /// Finds whether any of them occurs; fast, because it may skip.
    any: AhoCorasick,
    /// Finds all that occur.
    all: AhoCorasick,
}

/// Collects the literals of all filters of a program, and builds the automata when all are known.
#[derive(Default)]
pub struct Gatherer {
    sets: Vec<Gathering>,
}

struct Gathering {
    property: Property,
    literals: Vec<Box<[u8]>>,
    known: HashMap<Box<[u8]>, usize>,
    set: Arc<OnceLock<Set>>,
}

/// What is known of the literals in the message at hand; one a worker.
#[derive(Default)]
pub struct Seen {
    message: u64,
    sets: Vec<Found>,
}

#[derive(Default)]
struct Found {
    /// The message that it was found in.
    message: u64,
    any: bool,
    bits: Vec<u64>,
}

impl Gatherer {
    /// Adds a literal; none if it cannot be searched with others.
    pub fn add(&mut self, property: Property, literal: &[u8]) -> Option<Needle> {
        if literal.is_empty() || !is_of_the_message(property) {
            return None;
        }
        let at = self.sets.iter().position(|g| g.property == property).unwrap_or_else(|| {
            let (literals, known) = (Vec::new(), HashMap::new());
            self.sets.push(Gathering { property, literals, known, set: Arc::default() });
            self.sets.len() - 1
        });
        let gathering = self.sets.get_mut(at)?;
        let bit = *gathering.known.entry(literal.into()).or_insert_with(|| {
            gathering.literals.push(literal.into());
            gathering.literals.len() - 1
        });
        Some(Needle { set: Arc::clone(&gathering.set), bit })
    }

    /// Builds the automata. Sets too small to be worth one are searched literal by literal.
    pub fn build(self) {
        let worthy = self.sets.into_iter().filter(|g| g.literals.len() >= WORTHY);
        for (place, gathering) in worthy.enumerate() {
            let any = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&gathering.literals);
            let all = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&gathering.literals);
            // Without automata (too many literals for them) the tests search by themselves.
            if let (Ok(any), Ok(all)) = (any, all) {
                let _ = gathering.set.set(Set { place, any, all });
            }
        }
    }
}

impl Needle {
    /// Whether the literal is in the message's property; none if that is to be searched for by itself.
    pub fn is_seen(&self, property: Property, message: &Message<'_>, run: &mut Run) -> Option<bool> {
        let set = self.set.get()?;
        let current = run.seen.message;
        if run.seen.sets.get(set.place).is_none_or(|found| found.message != current) {
            run.seen.search(set, property, message, &mut run.scratch);
        }
        let found = run.seen.sets.get(set.place)?;
        Some(found.any && found.bits.get(self.bit / 64)? & (1 << (self.bit % 64)) != 0)
    }
}

impl Seen {
    /// Another message comes, or the properties of this one have been changed.
    pub fn forget(&mut self) {
        self.message += 1;
    }

    fn search(&mut self, set: &Set, property: Property, message: &Message<'_>, scratch: &mut Vec<u8>) {
        let (seen, current) = (&mut self.sets, self.message);
        if seen.len() <= set.place {
            seen.resize_with(set.place + 1, Found::default);
        }
        let Some(found) = seen.get_mut(set.place) else { return };
        let value = match message.plain(property) {
            Some(value) => value,
            None => message.named(property, scratch),
        };
        found.message = current;
        found.any = set.any.is_match(value);
        if !found.any {
            return;
        }
        found.bits.clear();
        found.bits.resize(set.all.patterns_len().div_ceil(64), 0);
        for hit in set.all.find_overlapping_iter(value) {
            let bit = hit.pattern().as_usize();
            if let Some(word) = found.bits.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }
}

/// Whether the property's value belongs to the message and not to the moment.
fn is_of_the_message(property: Property) -> bool {
    use Property::*;
    matches!(
        property,
        Msg | Rawmsg
            | RawmsgAfterPri
            | Hostname
            | Syslogtag
            | Programname
            | AppName
            | Procid
            | Msgid
            | StructuredData
            | Inputname
            | Fromhost
            | FromhostIp
    )
}

/// Literals in one property that make an automaton worth its pass.
const WORTHY: usize = 6;
