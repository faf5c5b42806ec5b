//! Functions of RainerScript that a plugin brings.

use crate::values::slice;
use crate::{Complaint, Host, Params, Sink};
use std::borrow::Cow;
use sysloom_abi::{self as abi, argument};

/// A function. One value of the type is one place of the configuration where it is called.
pub trait Function: Sized + Send + Sync + 'static {
    /// The name; case counts.
    const NAME: &'static str;
    /// Least and greatest number of arguments; the host sees to it.
    const ARGUMENTS: (u32, u32);
    /// Options of `module()`; the same for all functions of a plugin.
    type Module: Params + Send + Sync + 'static;

    /// Compiles a call. Arguments that are constants are there, others are [`Argument::Unknown`]. A complaint refuses
    /// the call: it is shown at its place, and its value is 0.
    fn new(module: &Self::Module, constants: &Arguments<'_>, host: Host) -> Result<Self, Complaint>;
    /// Evaluates a call; without an answer the value is the number 0. Called by several workers at once.
    fn call(&self, arguments: &Arguments<'_>, answer: &mut Answer<'_>);
}

/// The arguments of a call, in order.
#[derive(Clone, Copy)]
pub struct Arguments<'a>(pub(crate) &'a [abi::Argument]);

/// One argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// Not constant, so not known when the call is compiled; or there is no such argument.
    Unknown,
    Number(i64),
    Text(&'a [u8]),
    /// The text of a JSON object, array, number with a fraction, or boolean.
    Json(&'a [u8]),
}

impl<'a> Arguments<'a> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The argument at this place.
    pub fn at(&self, index: usize) -> Argument<'a> {
        let Some(raw) = self.0.get(index) else { return Argument::Unknown };
        // SAFETY: the host lends the text for as long as the arguments.
        let text = unsafe { slice(raw.text.ptr, raw.text.len) };
        match raw.ty {
            argument::NUMBER => Argument::Number(raw.number),
            argument::TEXT => Argument::Text(text),
            argument::JSON => Argument::Json(text),
            _ => Argument::Unknown,
        }
    }

    /// The text that the argument shows; a number's digits, nothing for an unknown one.
    pub fn text(&self, index: usize) -> Cow<'a, [u8]> {
        match self.at(index) {
            Argument::Unknown => Cow::Borrowed(&[]),
            Argument::Number(number) => Cow::Owned(number.to_string().into_bytes()),
            Argument::Text(text) | Argument::Json(text) => Cow::Borrowed(text),
        }
    }

    /// The whole argument as a number: digits with an optional minus. `None` if it is something else.
    pub fn number(&self, index: usize) -> Option<i64> {
        match self.at(index) {
            Argument::Number(number) => Some(number),
            Argument::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }
}

/// Where the value of a call goes; the last answer counts.
pub struct Answer<'a>(pub(crate) &'a mut abi::Answer);

impl Answer<'_> {
    pub fn number(&mut self, number: i64) {
        (self.0.ty, self.0.number) = (argument::NUMBER, number);
    }

    /// A text; once a call.
    pub fn text(&mut self, text: &[u8]) {
        self.0.ty = argument::TEXT;
        Sink(&self.0.out).write(text);
    }

    /// What `script_error()` says afterwards; 0 unless set.
    pub fn script_error(&mut self, code: i64) {
        self.0.script_error = code;
    }
}
