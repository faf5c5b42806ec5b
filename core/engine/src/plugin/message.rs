//! Parsers, message modifications and string generators as safe objects.

use super::fault::listening;
use super::link::Link;
use super::load::Table;
use super::raw::bytes;
use super::subject::{self, Subject};
use super::values::RawValues;
use super::watch::Callback;
use super::{Fault, HostValue, Param, Plugin};
use std::sync::Arc;
use sysloom_abi::{self as abi, Bytes, ModifyVt, Opaque, ParserVt, StrgenVt, status};

type ModuleNew =
    unsafe extern "C" fn(*const abi::Host, u64, *const abi::Value, usize, *mut abi::Complaint) -> Opaque;
type Free = unsafe extern "C" fn(Opaque);

/// A module object of any of these kinds, freed with its last instance.
pub(super) struct ModuleObject {
    pub(super) raw: Opaque,
    free: Option<Free>,
    pub(super) link: Arc<Link>,
}

// SAFETY: the ABI has instances of one module made on any thread.
unsafe impl Send for ModuleObject {}
// SAFETY: as above.
unsafe impl Sync for ModuleObject {}

impl ModuleObject {
    /// Calls `module_new`, if there is one, with values in the order of `table`.
    pub(super) fn new(
        plugin: &Arc<Plugin>,
        me: u64,
        (table, values): (&[Param], &[HostValue]),
        (new, free): (Option<ModuleNew>, Option<Free>),
    ) -> Result<Self, Fault> {
        let link = Link::new(plugin, me);
        let Some(new) = new else { return Ok(Self { raw: std::ptr::null_mut(), free: None, link }) };
        let values = RawValues::new(table, values);
        let running = link.enter(Callback::Module)?;
        // SAFETY: the host's table is static, the values outlive the call.
        let (raw, said) =
            listening(|why| unsafe { new(plugin.host().table(), me, values.as_ptr(), values.len(), why) });
        drop(running);
        if raw.is_null() {
            return Err(said.fault("the module refuses its parameters"));
        }
        Ok(Self { raw, free, link })
    }
}

impl Drop for ModuleObject {
    fn drop(&mut self) {
        if let Some(free) = self.free
            && !self.raw.is_null()
            && let Ok(_running) = self.link.enter(Callback::Free)
        {
            // SAFETY: `module_new` made it; all instances hold a reference and so are gone.
            unsafe { free(self.raw) }
        }
    }
}

/// The interface of a plugin with this name whose table `wanted` knows.
pub(super) fn find<'a, T>(
    plugin: &'a Arc<Plugin>,
    name: &str,
    what: &str,
    wanted: impl Fn(&Table) -> Option<T>,
) -> Result<(&'a super::Iface, T), Fault> {
    let found = plugin.ifaces().iter().find_map(|iface| {
        Some((iface, wanted(&iface.vt).filter(|_| iface.name.eq_ignore_ascii_case(name))?))
    });
    found.ok_or_else(|| Fault::new(format!("plugin {} has no {what} '{name}'", plugin.name())))
}

/// One instance: what the plugin made, and what it belongs to.
struct Instance<V> {
    raw: Opaque,
    vt: V,
    free: Free,
    link: Arc<Link>,
    _module: Arc<ModuleObject>,
}

// SAFETY: the ABI lets an instance be used from any thread, by several at once; a table is functions and texts that live
// as long as the process.
unsafe impl<V> Send for Instance<V> {}
// SAFETY: as above.
unsafe impl<V> Sync for Instance<V> {}

impl<V> Drop for Instance<V> {
    fn drop(&mut self) {
        if let Ok(_running) = self.link.enter(Callback::Free) {
            // SAFETY: made by this plugin and freed once; whoever uses it holds a reference.
            unsafe { (self.free)(self.raw) }
        }
    }
}

type InstanceNew = unsafe extern "C" fn(
    Opaque,
    *const abi::Host,
    u64,
    *const abi::Value,
    usize,
    *mut abi::Complaint,
) -> Opaque;

fn instance<V>(
    module: &Arc<ModuleObject>,
    me: u64,
    (table, values): (&[Param], &[HostValue]),
    (vt, new, free): (V, InstanceNew, Free),
) -> Result<Instance<V>, Fault> {
    let values = RawValues::new(table, values);
    let plugin = &module.link.plugin;
    let (host, link) = (plugin.host().table(), Link::new(plugin, me));
    let running = link.enter(Callback::Instance)?;
    // SAFETY: the module object is alive, the values outlive the call.
    let (raw, said) =
        listening(|why| unsafe { new(module.raw, host, me, values.as_ptr(), values.len(), why) });
    drop(running);
    if raw.is_null() {
        return Err(said.fault("it refuses its parameters"));
    }
    Ok(Instance { raw, vt, free, link, _module: Arc::clone(module) })
}

/// A module object of a parser plugin. Cheap to clone.
#[derive(Clone)]
pub struct ParserModule {
    object: Arc<ModuleObject>,
    vt: ParserVt,
    params: Arc<[Param]>,
}

impl ParserModule {
    /// Makes the module object of the parser called `name`. `values` are in the order of its module parameters.
    pub fn new(plugin: &Arc<Plugin>, name: &str, me: u64, values: &[HostValue]) -> Result<Self, Fault> {
        let wanted = |table: &Table| if let Table::Parser(vt) = table { Some(*vt) } else { None };
        let (iface, vt) = find(plugin, name, "parser", wanted)?;
        let functions = (vt.module_new, vt.module_free);
        let object = ModuleObject::new(plugin, me, (&iface.module_params, values), functions)?;
        Ok(Self { object: Arc::new(object), vt, params: iface.instance_params.as_slice().into() })
    }

    /// Makes an instance. `values` are in the order of the instance parameters.
    pub fn instance(&self, me: u64, values: &[HostValue]) -> Result<ParserInstance, Fault> {
        let made = (self.vt, self.vt.instance_new, self.vt.instance_free);
        Ok(ParserInstance(instance(&self.object, me, (&self.params, values), made)?))
    }
}

/// One parser of a chain.
pub struct ParserInstance(Instance<ParserVt>);

impl ParserInstance {
    /// Whether the parser took the message for its own. One that has panicked takes none.
    pub fn parse(&self, message: &mut dyn Subject) -> bool {
        let Ok(_running) = self.0.link.enter(Callback::Parse) else { return false };
        // SAFETY: the instance is alive, the handle outlives the call.
        let result = subject::lend(message, |message| unsafe { (self.0.vt.parse)(self.0.raw, message) });
        self.0.link.check(result, Callback::Parse);
        result == status::OK
    }

    /// The daemon got a HUP.
    pub fn hup(&self) {
        if let Some(hup) = self.0.vt.hup
            && let Ok(_running) = self.0.link.enter(Callback::Hup)
        {
            // SAFETY: the instance is alive.
            unsafe { hup(self.0.raw) }
        }
    }
}

/// A module object of a message modification. Cheap to clone.
#[derive(Clone)]
pub struct ModifyModule {
    object: Arc<ModuleObject>,
    vt: ModifyVt,
    params: Arc<[Param]>,
}

impl ModifyModule {
    /// Makes the module object of the modification called `name`; see [`ParserModule::new`].
    pub fn new(plugin: &Arc<Plugin>, name: &str, me: u64, values: &[HostValue]) -> Result<Self, Fault> {
        let wanted = |table: &Table| if let Table::Modify(vt) = table { Some(*vt) } else { None };
        let (iface, vt) = find(plugin, name, "message modification", wanted)?;
        let functions = (vt.module_new, vt.module_free);
        let object = ModuleObject::new(plugin, me, (&iface.module_params, values), functions)?;
        Ok(Self { object: Arc::new(object), vt, params: iface.instance_params.as_slice().into() })
    }

    /// Makes an instance. `values` are in the order of the instance parameters.
    pub fn instance(&self, me: u64, values: &[HostValue]) -> Result<ModifyInstance, Fault> {
        let made = (self.vt, self.vt.instance_new, self.vt.instance_free);
        Ok(ModifyInstance(Arc::new(instance(&self.object, me, (&self.params, values), made)?)))
    }
}

/// One `action()` that modifies messages. Cheap to clone; freed after the last clone and the last worker.
#[derive(Clone)]
pub struct ModifyInstance(Arc<Instance<ModifyVt>>);

impl ModifyInstance {
    /// A worker for the calling thread.
    pub fn worker(&self) -> Result<ModifyWorker, Fault> {
        let _running = self.0.link.enter(Callback::WorkerNew)?;
        // SAFETY: the instance is alive.
        let (raw, said) = listening(|why| unsafe { (self.0.vt.worker_new)(self.0.raw, why) });
        if raw.is_null() {
            return Err(said.fault("the modification makes no worker"));
        }
        Ok(ModifyWorker { raw, instance: Arc::clone(&self.0) })
    }

    /// The daemon got a HUP.
    pub fn hup(&self) {
        if let Some(hup) = self.0.vt.hup
            && let Ok(_running) = self.0.link.enter(Callback::Hup)
        {
            // SAFETY: the instance is alive.
            unsafe { hup(self.0.raw) }
        }
    }
}

/// What one thread modifies with.
pub struct ModifyWorker {
    raw: Opaque,
    instance: Arc<Instance<ModifyVt>>,
}

// SAFETY: the ABI has a worker used by one thread at a time; `&mut` sees to that.
unsafe impl Send for ModifyWorker {}

impl ModifyWorker {
    /// Modifies a message.
    pub fn modify(&mut self, message: &mut dyn Subject) -> Result<(), Fault> {
        let link = &self.instance.link;
        let _running = link.enter(Callback::Modify)?;
        let (result, said) = subject::lend(message, |message| {
            // SAFETY: worker and instance are alive, the handle outlives the call.
            listening(|why| unsafe { (self.instance.vt.modify)(self.raw, message, why) })
        });
        link.check(result, Callback::Modify);
        if result < 0 { Err(said.fault("the message could not be modified")) } else { Ok(()) }
    }
}

impl Drop for ModifyWorker {
    fn drop(&mut self) {
        if let Ok(_running) = self.instance.link.enter(Callback::Free) {
            // SAFETY: made by this plugin and freed once, before its instance.
            unsafe { (self.instance.vt.worker_free)(self.raw) }
        }
    }
}

/// A string generator.
pub struct Generator {
    object: ModuleObject,
    vt: StrgenVt,
}

impl Generator {
    /// Makes the generator called `name`; see [`ParserModule::new`].
    pub fn new(plugin: &Arc<Plugin>, name: &str, me: u64, values: &[HostValue]) -> Result<Self, Fault> {
        let wanted = |table: &Table| if let Table::Strgen(vt) = table { Some(*vt) } else { None };
        let (iface, vt) = find(plugin, name, "string generator", wanted)?;
        let functions = (Some(vt.module_new), Some(vt.module_free));
        let object = ModuleObject::new(plugin, me, (&iface.module_params, values), functions)?;
        Ok(Self { object, vt })
    }

    /// Appends the text for a message; nothing if the generator fails.
    pub fn generate(&self, message: &mut dyn Subject, out: &mut Vec<u8>) {
        let link = &self.object.link;
        let Ok(_running) = link.enter(Callback::Generate) else { return };
        let before = out.len();
        let sink = sink(out);
        // SAFETY: the generator is alive; handle and sink outlive the call.
        let result =
            subject::lend(message, |message| unsafe { (self.vt.generate)(self.object.raw, message, &sink) });
        link.check(result, Callback::Generate);
        if result != status::OK {
            out.truncate(before);
        }
    }
}

/// A sink that appends to `out`; not to be used after `out` is.
pub(super) fn sink(out: &mut Vec<u8>) -> abi::Sink {
    let ctx = std::ptr::from_mut(out).cast();
    abi::Sink { size: size_of::<abi::Sink>() as u32, reserved: 0, ctx, write }
}

unsafe extern "C" fn write(ctx: Opaque, text: Bytes) {
    // SAFETY: `sink` put a vector there, and the plugin calls during its own call; the bytes are lent for this one.
    let (out, text) = unsafe { (&mut *ctx.cast::<Vec<u8>>(), bytes(text)) };
    out.extend_from_slice(text);
}

/// A text that a table carries, for the catalogue.
///
/// # Safety
/// The bytes live as long as the process.
pub(super) unsafe fn parser_name(vt: &ParserVt) -> Option<String> {
    // SAFETY: the caller's promise.
    Some(unsafe { super::raw::text(vt.parser_name) }).filter(|name| !name.is_empty())
}
