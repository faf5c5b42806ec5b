//! Values of parameters on their way to a plugin.

use super::Param;
use super::raw::borrow;
use std::ptr;
use sysloom_abi::{self as abi, Bytes, origin};
use sysloom_config::plan;

/// One value, at the same index as its parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostValue {
    pub origin: Origin,
    pub content: Content,
}

/// Who set a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody, and there is no default.
    #[default]
    Unset,
    Default,
    Configured,
}

/// What a value holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    #[default]
    None,
    /// Numbers, modes, ids, characters; 0 or 1 for off and on.
    Number(i64),
    Text(String),
    List(Vec<String>),
}

impl HostValue {
    /// A value that the configuration set.
    pub fn configured(content: Content) -> Self {
        Self { origin: Origin::Configured, content }
    }
}

impl From<Option<&plan::Setting>> for HostValue {
    fn from(setting: Option<&plan::Setting>) -> Self {
        let Some(setting) = setting else { return Self::default() };
        let origin = match setting.origin {
            plan::Origin::Default => Origin::Default,
            plan::Origin::Explicit | plan::Origin::Legacy => Origin::Configured,
        };
        let content = match &setting.value {
            plan::Value::Bool(on) => Content::Number((*on).into()),
            plan::Value::Int(n) => Content::Number(*n),
            plan::Value::Str(text) => Content::Text(text.clone()),
            plan::Value::List(list) => Content::List(list.clone()),
        };
        Self { origin, content }
    }
}

/// Values in the ABI's form, borrowed from safe ones.
pub(super) struct RawValues<'a> {
    values: Vec<abi::Value>,
    /// What the values of arrays point into; each inner list stays where it is.
    lists: Vec<Vec<Bytes>>,
    from: std::marker::PhantomData<&'a [HostValue]>,
}

impl<'a> RawValues<'a> {
    /// One for each parameter: missing values count as unset, and values beyond the table are left out.
    pub(super) fn new(table: &[Param], values: &'a [HostValue]) -> Self {
        let from = std::marker::PhantomData;
        let mut raw = Self { values: Vec::with_capacity(table.len()), lists: Vec::new(), from };
        for (index, param) in table.iter().enumerate() {
            let value = raw.one(param.ty, values.get(index));
            raw.values.push(value);
        }
        raw
    }

    pub(super) fn as_ptr(&self) -> *const abi::Value {
        self.values.as_ptr()
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    fn one(&mut self, ty: u32, value: Option<&'a HostValue>) -> abi::Value {
        let nothing = Bytes { ptr: ptr::null(), len: 0 };
        let mut raw =
            abi::Value { origin: origin::UNSET, ty, i: 0, s: nothing, list: ptr::null(), n_list: 0 };
        let Some(value) = value else { return raw };
        raw.origin = match value.origin {
            Origin::Unset => origin::UNSET,
            Origin::Default => origin::DEFAULT,
            Origin::Configured => origin::CONFIGURED,
        };
        match &value.content {
            Content::None => {}
            Content::Number(n) => raw.i = *n,
            Content::Text(text) => raw.s = borrow(text.as_bytes()),
            Content::List(list) => {
                let list: Vec<Bytes> = list.iter().map(|t| borrow(t.as_bytes())).collect();
                (raw.list, raw.n_list) = (list.as_ptr(), list.len());
                self.lists.push(list);
            }
        }
        raw
    }
}
