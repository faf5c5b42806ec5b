//! What works on one message at a time: parsers, message modification and string generators, and the message that
//! they are given.

use crate::host::borrow;
use crate::values::slice;
use crate::{Complaint, Host, Params};
use std::marker::PhantomData;
use sysloom_abi::{self as abi, Bytes, Opaque, form, status};

/// A parser module (pm...). One value of the type is one `parser()` of the configuration, or the one that
/// [`Parser::PARSER_NAME`] stands for.
pub trait Parser: Sized + Send + Sync + 'static {
    /// The word in `parser(type=)`.
    const NAME: &'static str;
    /// The name by which a ruleset knows it without a `parser()` object, such as `rsyslog.lastline`.
    const PARSER_NAME: &'static str = "";
    /// Options of `module()`.
    type Module: Params + Send + Sync + 'static;
    /// Options of `parser()`.
    type Settings: Params;

    /// Makes an instance.
    fn new(module: &Self::Module, settings: Self::Settings, host: Host) -> Result<Self, Complaint>;
    /// Parses one message, or leaves it to the next parser: then nothing of what was set counts. Called by several
    /// workers at once.
    fn parse(&self, message: &mut Message<'_>) -> Parse;
    /// The daemon got a HUP.
    fn hup(&self) {}
}

/// Whether a parser took a message for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parse {
    Accept,
    Decline,
}

/// A message modification module (mm...). One value of the type is one `action()` of the configuration; it runs at
/// its place in the ruleset, so that what follows sees the changed message.
pub trait Modify: Sized + Send + Sync + 'static {
    /// The word in `action(type=)`.
    const NAME: &'static str;
    /// Options of `module()`.
    type Module: Params + Send + Sync + 'static;
    /// Options of `action()`.
    type Settings: Params;
    /// What one thread needs of its own: buffers.
    type Worker: Send + 'static;

    /// Makes an instance.
    fn new(module: &Self::Module, settings: Self::Settings, host: Host) -> Result<Self, Complaint>;
    /// Called on the thread that will modify.
    fn worker(&self) -> Result<Self::Worker, Complaint>;
    /// Modifies one message. A complaint is logged, and the message goes on.
    fn modify(&self, worker: &mut Self::Worker, message: &mut Message<'_>) -> Result<(), Complaint>;
    /// The daemon got a HUP. Workers may be in `modify`.
    fn hup(&self) {}
}

/// A string generator: what `template(type="plugin" plugin="NAME")` and `$template x,=NAME` stand for.
pub trait Generator: Sized + Send + Sync + 'static {
    /// The word in `template(plugin=)`.
    const NAME: &'static str;
    /// Options of `module()`.
    type Settings: Params;

    /// Makes the generator.
    fn new(settings: Self::Settings, host: Host) -> Result<Self, Complaint>;
    /// Writes the text for one message. Called by several workers at once.
    fn generate(&self, message: &mut Message<'_>, out: &mut Sink<'_>);
}

/// The number of a property or variable: found once, from [`Host::property`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property(pub(crate) i64);

impl Host {
    /// The property (`msg`, `hostname`) or variable (`$!a!b`) of this name. Ask once, in `new`.
    pub fn property(&self, name: &str) -> Result<Property, Complaint> {
        // SAFETY: the name is borrowed for the call.
        match unsafe { (self.raw.property)(self.raw.h, borrow(name.as_bytes())) } {
            found if found >= 0 => Ok(Property(found)),
            _ => Err(Complaint::new(format!("there is no property or variable '{name}'"))),
        }
    }
}

/// A message that a plugin was called with.
pub struct Message<'a> {
    raw: Opaque,
    host: Host,
    lent: PhantomData<&'a mut ()>,
}

impl Message<'_> {
    /// # Safety
    /// `raw` is a message that `host` lends to this thread for longer than the result lives.
    pub(crate) unsafe fn from_raw(raw: Opaque, host: Host) -> Self {
        Self { raw, host, lent: PhantomData }
    }

    /// A property; `None` for a variable that is not set. JSON values are their text.
    pub fn get(&mut self, property: Property) -> Option<&[u8]> {
        let mut out = Bytes { ptr: std::ptr::null(), len: 0 };
        // SAFETY: the message is lent to us, and there is room for the answer.
        let found =
            unsafe { (self.host.raw.message_get)(self.host.raw.h, self.raw, property.0, &raw mut out) };
        // SAFETY: the host lends the bytes until the next call with this message, for which `self` is needed.
        (found == status::OK).then(|| unsafe { slice(out.ptr, out.len) })
    }

    /// Sets a property, or a variable to a text; `false` if it cannot be set. Bytes that lie in `rawmsg` are not
    /// copied: parsers pass parts of it.
    pub fn set(&mut self, property: Property, value: &[u8]) -> bool {
        self.put(property, form::TEXT, borrow(value)).is_some()
    }

    /// As [`Message::set`], to the part `range` of the property `of`, and without copying where that is `rawmsg`.
    pub fn set_part(&mut self, property: Property, of: Property, range: std::ops::Range<usize>) -> bool {
        let Some(part) = self.get(of).and_then(|text| text.get(range)) else { return false };
        let part = borrow(part);
        self.put(property, form::TEXT, part).is_some()
    }

    /// Sets `timereported` to the time stamp at the head of `text` (RFC 3339, or RFC 3164 with the name of a zone
    /// that a `timezone()` defines behind it): how many bytes that was. An empty text is the time of reception.
    pub fn set_time(&mut self, property: Property, text: &[u8]) -> Option<usize> {
        self.put(property, form::TEXT, borrow(text))
    }

    /// Sets a variable to a JSON value as `set` does: objects are merged. `false` if the text is no JSON value.
    pub fn set_json(&mut self, variable: Property, text: &[u8]) -> bool {
        self.put(variable, form::JSON, borrow(text)).is_some()
    }

    /// Takes a variable away.
    pub fn unset(&mut self, variable: Property) -> bool {
        // SAFETY: the message is lent to us.
        unsafe { (self.host.raw.message_unset)(self.host.raw.h, self.raw, variable.0) == status::OK }
    }

    fn put(&mut self, property: Property, form: u32, value: Bytes) -> Option<usize> {
        // SAFETY: the message is lent to us. The value is borrowed from the caller for the call, or it is what the
        // host lends of this very message, which the host allows.
        let used = unsafe { (self.host.raw.message_set)(self.host.raw.h, self.raw, property.0, form, value) };
        usize::try_from(used).ok()
    }
}

/// Where text goes; each write appends.
pub struct Sink<'a>(pub(crate) &'a abi::Sink);

impl Sink<'_> {
    pub fn write(&mut self, text: &[u8]) {
        // SAFETY: the host lends the sink for the call and the text is borrowed for this one.
        unsafe { (self.0.write)(self.0.ctx, borrow(text)) }
    }
}
