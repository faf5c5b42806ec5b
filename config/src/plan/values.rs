//! Values of one object, in the order of its parameter table, so that they can be handed to a plugin as they are.

use crate::catalogue::Param;
use crate::resolve::{Raw, convert};
use crate::source::Span;
use std::sync::Arc;

/// A parameter's value in its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Bool(bool),
    /// Also file modes, user and group numbers, severities and facilities.
    Int(i64),
    Str(String),
    List(Vec<String>),
}

/// Who set a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A parameter in an object.
    Explicit,
    /// A `$` directive, or the text of a legacy action.
    Legacy,
    /// Nobody: it is the table's default.
    Default,
}

/// A value, its place and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub value: Value,
    /// `Span::NONE` for defaults.
    pub span: Span,
    pub origin: Origin,
}

/// The values of one object over its table.
#[derive(Clone, Debug, Default)]
pub struct Values {
    table: Arc<[Param]>,
    settings: Vec<Option<Setting>>,
}

impl Values {
    /// No value at all over this table.
    pub fn unset(table: Arc<[Param]>) -> Values {
        let settings = vec![None; table.len()];
        Values { table, settings }
    }

    /// All defaults of this table.
    pub fn defaults(table: Arc<[Param]>) -> Values {
        let mut values = Values::unset(table);
        values.fill_defaults();
        values
    }

    /// Gives every parameter without a value its default.
    pub fn fill_defaults(&mut self) {
        for (param, slot) in self.table.iter().zip(&mut self.settings) {
            let Some(text) = param.default.as_ref().filter(|_| slot.is_none()) else { continue };
            // A default that is no value of its own type (a user this machine lacks) counts as unset.
            let value = convert(param, &Raw::Text(text.clone()), &mut |_, _| None);
            *slot = value.ok().map(|value| Setting { value, span: Span::NONE, origin: Origin::Default });
        }
    }

    /// The table in whose order the values stand.
    pub fn table(&self) -> &Arc<[Param]> {
        &self.table
    }

    /// The values in table order.
    pub fn settings(&self) -> &[Option<Setting>] {
        &self.settings
    }

    /// Parameters with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Param, Option<&Setting>)> {
        self.table.iter().zip(self.settings.iter().map(Option::as_ref))
    }

    /// The place of a parameter in the table, by name or alias.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.table.iter().position(|p| p.answers_to(name))
    }

    /// The setting of a parameter, defaults included.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.get(self.index(name)?)?.as_ref()
    }

    /// The setting of a parameter if somebody wrote it.
    pub fn written(&self, name: &str) -> Option<&Setting> {
        self.setting(name).filter(|s| s.origin != Origin::Default)
    }

    /// The value of a parameter, defaults included.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.setting(name).map(|s| &s.value)
    }

    /// A binary value.
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// A number of any kind.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Value::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// A text.
    pub fn str(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Str(s) => Some(s),
            _ => None,
        }
    }

    /// A list; empty when unset.
    pub fn list(&self, name: &str) -> &[String] {
        match self.value(name) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// The span of a parameter's value, if it was written.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.written(name).map(|s| s.span)
    }

    /// Sets the value at a place of the table; a place outside is ignored.
    pub fn set(&mut self, index: usize, setting: Setting) {
        if let Some(slot) = self.settings.get_mut(index) {
            *slot = Some(setting);
        }
    }

    /// Takes the value at a place of the table away.
    pub fn clear(&mut self, index: usize) {
        if let Some(slot) = self.settings.get_mut(index) {
            *slot = None;
        }
    }

    /// Whether nobody wrote any value.
    pub fn is_untouched(&self) -> bool {
        self.settings.iter().flatten().all(|s| s.origin == Origin::Default)
    }
}
