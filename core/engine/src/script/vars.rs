//! Variables: the trees of a message and the process-wide one, and paths into them.
//!
//! A message's trees come to be with its first `set`; messages without variables cost nothing. `$/` stands behind one
//! lock that is held for one read or one change at a time.

use super::json::{Json, Object};
use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use sysloom_config::plan::{JsonPath, JsonRoot, Step};

/// What travels with a message besides its text.
#[derive(Clone, Debug, Default)]
pub struct Vars {
    /// `$!`
    pub message: Option<Json>,
    /// `$.`
    pub local: Option<Json>,
    /// The property `uuid`, once somebody has asked for it.
    pub uuid: Option<[u8; 16]>,
    /// The property `parsesuccess`: the last modification that reads something of the message could.
    pub parsed: bool,
}

/// The place of a message's variables; empty until one is set.
#[derive(Debug, Default)]
pub struct Slot(RefCell<Option<Box<Vars>>>);

/// `$/`, one for the process.
#[derive(Debug, Default)]
pub struct Globals(Mutex<Option<Json>>);

/// A compiled path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub root: JsonRoot,
    levels: Box<[Level]>,
    /// Names match only in the same case.
    exact: bool,
}

/// One level: a name, and the elements taken of the array found there.
#[derive(Clone, Debug, PartialEq)]
struct Level {
    name: Box<[u8]>,
    indexes: Box<[usize]>,
    /// Name and indexes as written: what a new member is called.
    written: Box<[u8]>,
}

impl Path {
    pub fn new(path: &JsonPath, exact: bool) -> Self {
        let mut levels: Vec<Level> = Vec::new();
        for step in &path.steps {
            match step {
                Step::Key(key) => levels.push(Level {
                    name: key.as_bytes().into(),
                    indexes: Box::default(),
                    written: key.as_bytes().into(),
                }),
                Step::Index(index) => {
                    let mut level = levels.pop().unwrap_or(Level {
                        name: Box::default(),
                        indexes: Box::default(),
                        written: Box::default(),
                    });
                    level.indexes = level.indexes.iter().copied().chain([*index]).collect();
                    level.written = [&*level.written, format!("[{index}]").as_bytes()].concat().into();
                    levels.push(level);
                }
            }
        }
        Self { root: path.root, levels: levels.into(), exact }
    }

    /// Whether it names a whole tree.
    pub fn is_root(&self) -> bool {
        self.levels.is_empty()
    }

    /// The value that the path leads to.
    pub fn find<'a>(&self, tree: Option<&'a Json>) -> Option<&'a Json> {
        let mut at = tree?;
        for level in &self.levels {
            at = level.find(at, self.exact)?;
        }
        Some(at)
    }

    /// Sets the value. What `set` cannot do (a way through something that is no object, a scalar onto an object) is
    /// silently left undone, as in rsyslog; `reset` replaces.
    pub fn set(&self, tree: &mut Option<Json>, value: Json, reset: bool) {
        let Some((leaf, way)) = self.levels.split_last() else { return set_root(tree, value, self.exact) };
        let mut at = tree.get_or_insert_with(Json::object);
        for level in way {
            match level.step(at, self.exact) {
                Some(next) => at = next,
                None => return,
            }
        }
        let Json::Object(parent) = at else { return };
        // rsyslog: an element of an array is looked at, but the value becomes a member with the brackets in its name.
        let there = if leaf.indexes.is_empty() { parent.find_mut(&leaf.name, self.exact) } else { None };
        match (there, value) {
            (Some(Json::Object(there)), Json::Object(new)) if !reset => there.merge(new, self.exact),
            (Some(Json::Object(_)), _) | (Some(_), Json::Object(_)) if !reset => {}
            (_, value) => parent.put(&leaf.written, value, self.exact),
        }
    }

    /// Takes the value away.
    pub fn unset(&self, tree: &mut Option<Json>) {
        let Some((leaf, way)) = self.levels.split_last() else {
            *tree = None;
            return;
        };
        let Some(mut at) = tree.as_mut() else { return };
        for level in way {
            match level.find_mut(at, self.exact) {
                Some(next) => at = next,
                None => return,
            }
        }
        if let Json::Object(parent) = at {
            parent.remove(&leaf.written, self.exact);
        }
    }
}

impl Level {
    fn find<'a>(&self, at: &'a Json, exact: bool) -> Option<&'a Json> {
        let mut at = match at {
            Json::Object(object) => match object.find(&self.written, exact) {
                Some(found) => return Some(found),
                None if self.indexes.is_empty() => return None,
                None => object.find(&self.name, exact)?,
            },
            array if self.name.is_empty() => array,
            _ => return None,
        };
        for index in &self.indexes {
            let Json::Array(items) = at else { return None };
            at = items.get(*index)?;
        }
        Some(at)
    }

    fn find_mut<'a>(&self, at: &'a mut Json, exact: bool) -> Option<&'a mut Json> {
        let mut at = match at {
            Json::Object(object) => {
                let written = object.find(&self.written, exact).is_some();
                if written || self.indexes.is_empty() {
                    return object.find_mut(&self.written, exact);
                }
                object.find_mut(&self.name, exact)?
            }
            array if self.name.is_empty() => array,
            _ => return None,
        };
        for index in &self.indexes {
            let Json::Array(items) = at else { return None };
            at = items.get_mut(*index)?;
        }
        Some(at)
    }

    /// The next level, made if it is missing.
    fn step<'a>(&self, at: &'a mut Json, exact: bool) -> Option<&'a mut Json> {
        if self.find(at, exact).is_none() {
            let Json::Object(object) = at else { return None };
            object.put(&self.written, Json::object(), exact);
        }
        self.find_mut(at, exact)
    }
}

impl Slot {
    /// The slot of a message that comes with this tree `$!`.
    pub fn with(message: Json) -> Self {
        Self(RefCell::new(Some(Box::new(Vars { message: Some(message), ..Vars::default() }))))
    }

    /// Whether the message has variables.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_none()
    }

    /// A copy of the variables, for a message that goes on elsewhere.
    pub fn copy(&self) -> Self {
        Self(RefCell::new(self.0.borrow().clone()))
    }

    /// Makes the variables what they were when `before` was copied.
    pub fn restore(&self, before: Self) {
        self.0.swap(&before.0);
    }

    /// Whether `parsesuccess` is OK.
    pub fn parsed(&self) -> bool {
        self.0.borrow().as_ref().is_some_and(|vars| vars.parsed)
    }

    /// Sets `parsesuccess`.
    pub fn set_parsed(&self, parsed: bool) {
        if parsed || !self.is_empty() {
            self.0.borrow_mut().get_or_insert_default().parsed = parsed;
        }
    }

    /// Reads `$!` or `$.`.
    fn read<R>(&self, root: JsonRoot, read: impl FnOnce(Option<&Json>) -> R) -> R {
        let vars = self.0.borrow();
        read(vars.as_ref().and_then(|vars| match root {
            JsonRoot::Local => vars.local.as_ref(),
            _ => vars.message.as_ref(),
        }))
    }

    /// Changes `$!` or `$.`.
    fn change(&self, root: JsonRoot, change: impl FnOnce(&mut Option<Json>)) {
        let mut vars = self.0.borrow_mut();
        let vars = vars.get_or_insert_default();
        change(match root {
            JsonRoot::Local => &mut vars.local,
            _ => &mut vars.message,
        });
    }

    /// The message's uuid, made when it is asked for the first time.
    pub fn uuid(&self) -> [u8; 16] {
        let mut vars = self.0.borrow_mut();
        *vars.get_or_insert_default().uuid.get_or_insert_with(super::random::uuid)
    }

    /// The uuid if somebody has asked for it already.
    pub fn known_uuid(&self) -> Option<[u8; 16]> {
        self.0.borrow().as_ref().and_then(|vars| vars.uuid)
    }
}

impl Globals {
    fn lock(&self) -> MutexGuard<'_, Option<Json>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the value that a path leads to, in the message's trees or the global one.
pub fn read<R>(path: &Path, slot: &Slot, globals: &Globals, read: impl FnOnce(Option<&Json>) -> R) -> R {
    match path.root {
        JsonRoot::Global => read(path.find(globals.lock().as_ref())),
        root => slot.read(root, |tree| read(path.find(tree))),
    }
}

/// `set` (or `reset`) of a path.
pub fn set(path: &Path, slot: &Slot, globals: &Globals, value: Json, reset: bool) {
    match path.root {
        JsonRoot::Global => path.set(&mut globals.lock(), value, reset),
        root => slot.change(root, |tree| path.set(tree, value, reset)),
    }
}

/// `unset` of a path.
pub fn unset(path: &Path, slot: &Slot, globals: &Globals) {
    match path.root {
        JsonRoot::Global => path.unset(&mut globals.lock()),
        _ if slot.is_empty() => {}
        root => slot.change(root, |tree| path.unset(tree)),
    }
}

fn set_root(tree: &mut Option<Json>, value: Json, exact: bool) {
    match (tree, value) {
        (Some(Json::Object(there)), Json::Object(new)) => there.merge(new, exact),
        (Some(_), _) => {}
        (tree @ None, value) => *tree = Some(value),
    }
}

/// A tree of one object, for tests and for whoever builds one.
pub fn tree(members: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    let mut object = Object::default();
    for (key, value) in members {
        object.put(key.as_bytes(), value, true);
    }
    Json::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::parse;

    fn path(text: &str) -> Path {
        Path::new(&JsonPath::parse(text, true).unwrap(), false)
    }

    fn run(steps: &[(&str, &str, &str)]) -> String {
        let mut tree = None;
        for (how, name, value) in steps {
            let path = path(name);
            match *how {
                "unset" => path.unset(&mut tree),
                how => path.set(&mut tree, parse(value.as_bytes()).unwrap(), how == "reset"),
            }
        }
        let mut out = Vec::new();
        tree.as_ref().unwrap_or(&Json::Null).write(false, &mut out);
        String::from_utf8(out).unwrap()
    }

    // Seen with rsyslog 8.2302.
    #[test]
    fn set_reset_and_unset() {
        for (steps, want) in [
            (&[("set", "$!a!b", "1"), ("set", "$!a!c", "2")][..], r#"{"a":{"b":1,"c":2}}"#),
            (&[("set", "$!a!b", "1"), ("set", "$!a", "3")], r#"{"a":{"b":1}}"#),
            (&[("set", "$!a!b", "1"), ("reset", "$!a", "3")], r#"{"a":3}"#),
            (&[("set", "$!a", "1"), ("set", "$!a!b", "3")], r#"{"a":1}"#),
            (
                &[("set", "$!a", r#"{"x":1,"y":1}"#), ("set", "$!a", r#"{"y":2,"z":2}"#)],
                r#"{"a":{"x":1,"y":2,"z":2}}"#,
            ),
            (&[("set", "$!a", "1"), ("set", "$!a", r#"{"y":2}"#)], r#"{"a":1}"#),
            (&[("set", "$!a!b", "1"), ("unset", "$!a!b", "")], r#"{"a":{}}"#),
            (&[("set", "$!a!b", "1"), ("unset", "$!", "")], "null"),
            (&[("set", "$!a", "[1,2]"), ("set", "$!a[0]", "5")], r#"{"a":[1,2],"a[0]":5}"#),
            (&[("set", "$!nn[0]!q", "5")], r#"{"nn[0]":{"q":5}}"#),
            (&[("set", "$!Foo", "1"), ("set", "$!FOO!z", "5")], r#"{"Foo":1}"#),
            (&[("set", "$!", r#"{"a":1}"#), ("set", "$!", r#"{"b":2}"#)], r#"{"a":1,"b":2}"#),
            (&[("set", "$!", "\"text\""), ("set", "$!q", "1")], "\"text\""),
        ] {
            assert_eq!(run(steps), want, "{steps:?}");
        }
    }

    #[test]
    fn paths_lead_through_arrays() {
        let tree = parse(br#"{"a":[1,{"b":[[7]]}],"c":{"d":2}}"#).unwrap();
        let found = |text: &str| path(text).find(Some(&tree)).cloned();
        assert_eq!(found("$!a[0]"), Some(Json::Int(1)));
        assert_eq!(found("$!a[1]!b[0][0]"), Some(Json::Int(7)));
        assert_eq!(found("$!C!D"), Some(Json::Int(2)));
        assert_eq!(found("$!a[2]"), None);
        assert_eq!(found("$!a!b"), None);
        assert_eq!(found("$!c[0]"), None);
    }
}
