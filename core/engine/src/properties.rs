//! Properties and variables by number, as plugins ask for them: found by name once, read for each message without a lock.

use crate::script::vars::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use sysloom_config::plan::{Property, PropertyRef};

/// All that plugins have asked for.
pub struct Properties {
    known: Box<[OnceLock<Known>]>,
    used: AtomicUsize,
    adding: Mutex<()>,
}

/// What a number stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    Property(Property),
    Variable(Path),
}

impl Default for Properties {
    fn default() -> Self {
        let known = (0..MOST).map(|_| OnceLock::new()).collect();
        Self { known, used: AtomicUsize::new(0), adding: Mutex::new(()) }
    }
}

impl Properties {
    /// The number of this name; the same name has one number. None = there is nothing of the name, or no room.
    pub fn find(&self, name: &str, exact_names: bool) -> Option<i64> {
        let wanted = match PropertyRef::find(name, exact_names)? {
            PropertyRef::Named(property) => Known::Property(property),
            PropertyRef::Json(path) => Known::Variable(Path::new(&path, exact_names)),
        };
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let used = self.used.load(Ordering::Relaxed);
        let there = self.known.iter().take(used).position(|slot| slot.get() == Some(&wanted));
        let at = match there {
            Some(at) => at,
            None => {
                self.known.get(used)?.set(wanted).ok()?;
                self.used.store(used + 1, Ordering::Release);
                used
            }
        };
        i64::try_from(at).ok()
    }

    /// What a number stands for.
    pub fn at(&self, number: i64) -> Option<&Known> {
        self.known.get(usize::try_from(number).ok()?)?.get()
    }
}

/// Plugins ask for a handful each; a configuration with very many variables in plugins' parameters needs more.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number() {
        let properties = Properties::default();
        let msg = properties.find("msg", false).unwrap();
        assert_eq!(properties.find("MSG", false), Some(msg));
        assert_eq!(properties.at(msg), Some(&Known::Property(Property::Msg)));
        let variable = properties.find("$!a!b", false).unwrap();
        assert_ne!(variable, msg);
        assert!(matches!(properties.at(variable), Some(Known::Variable(_))));
        assert_eq!(properties.find("nonsense", false), None);
        assert_eq!((properties.at(-1), properties.at(7)), (None, None));
        let numbers: Vec<_> = (0..MOST).filter_map(|n| properties.find(&format!("$!v{n}"), false)).collect();
        assert_eq!(numbers.len(), MOST - 2);
        assert_eq!(properties.find("msg", false), Some(msg));
    }
}
