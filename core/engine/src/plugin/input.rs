//! Inputs as safe objects: the module's options, and instances that free themselves.

use super::fault::listening;
use super::link::{Keep, Link};
use super::load::Table;
use super::values::RawValues;
use super::watch::Callback;
use super::{Fault, HostValue, Param, Plugin};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use sysloom_abi::{InputVt, Opaque, status};

/// A module object of an input plugin, made of the values of `module()`. Cheap to clone.
#[derive(Clone)]
pub struct InputModule {
    inner: Arc<Module>,
}

struct Module {
    raw: Opaque,
    vt: InputVt,
    params: Vec<Param>,
    link: Arc<Link>,
}

// SAFETY: the ABI has instances of one module made on any thread.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

impl InputModule {
    /// Makes the module object of the input called `name`. `values` are in the order of its module parameters.
    pub fn new(plugin: &Arc<Plugin>, name: &str, me: u64, values: &[HostValue]) -> Result<Self, Fault> {
        let found = plugin.ifaces().iter().find_map(|iface| match iface.vt {
            Table::Input(vt) if iface.name.eq_ignore_ascii_case(name) => Some((iface, vt)),
            _ => None,
        });
        let Some((iface, vt)) = found else {
            return Err(Fault::new(format!("plugin {} has no input '{name}'", plugin.name())));
        };
        let link = Link::new(plugin, me);
        let raw = match vt.module_new {
            None => std::ptr::null_mut(),
            Some(new) => {
                let values = RawValues::new(&iface.module_params, values);
                let _running = link.enter(Callback::Module)?;
                // SAFETY: the host's table is static, the values outlive the call.
                let (raw, said) = listening(|why| unsafe {
                    new(plugin.host().table(), me, values.as_ptr(), values.len(), why)
                });
                if raw.is_null() {
                    return Err(said.fault("the module refuses its parameters"));
                }
                raw
            }
        };
        let params = iface.instance_params.clone();
        Ok(Self { inner: Arc::new(Module { raw, vt, params, link }) })
    }

    /// Makes an instance: nothing is opened yet. `values` are in the order of the instance parameters.
    pub fn instance(&self, me: u64, values: &[HostValue]) -> Result<InputInstance, Fault> {
        let Module { raw, vt, params, link } = &*self.inner;
        let values = RawValues::new(params, values);
        let host = link.plugin.host().table();
        let link = Link::new(&link.plugin, me);
        let running = link.enter(Callback::Instance)?;
        // SAFETY: the module object is alive, the values outlive the call.
        let (raw, said) =
            listening(|why| unsafe { (vt.instance_new)(*raw, host, me, values.as_ptr(), values.len(), why) });
        drop(running);
        if raw.is_null() {
            return Err(said.fault("the input refuses its parameters"));
        }
        let instance = Arc::new(Instance { raw, link, module: self.clone() });
        instance.link.owned_by(&(Arc::clone(&instance) as Keep));
        Ok(InputInstance { inner: instance })
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if let Some(free) = self.vt.module_free
            && let Ok(_running) = self.link.enter(Callback::Free)
            && !self.raw.is_null()
        {
            // SAFETY: `module_new` made it; all instances hold a reference and so are gone.
            unsafe { free(self.raw) }
        }
    }
}

/// One `input()`. What listens for it keeps it alive: it is freed after the last of its streams.
pub struct InputInstance {
    inner: Arc<Instance>,
}

struct Instance {
    raw: Opaque,
    link: Arc<Link>,
    module: InputModule,
}

// SAFETY: the ABI lets an instance be used from any thread, and `run`, `hup` and streams at the same time.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl InputInstance {
    /// Binds, opens, listens: before privileges are dropped.
    pub fn activate(&self) -> Result<(), Fault> {
        let _running = self.inner.link.enter(Callback::Activate)?;
        // SAFETY: the instance is alive.
        let (result, said) = listening(|why| unsafe { (self.inner.vt().activate)(self.inner.raw, why) });
        self.inner.link.check(result, Callback::Activate);
        if result < 0 { Err(said.fault("the input cannot be activated")) } else { Ok(()) }
    }

    /// Whether [`InputInstance::run`] is to be called on a thread.
    pub fn wants_thread(&self) -> bool {
        self.inner.vt().run.is_some()
    }

    /// Runs until `stop` becomes readable. Why it ended otherwise stands in the log.
    pub fn run(&self, stop: BorrowedFd<'_>) -> Result<(), Fault> {
        let Some(run) = self.inner.vt().run else { return Ok(()) };
        // It may take for ever, so the watch does not look at it.
        drop(self.inner.link.enter(Callback::Instance)?);
        // SAFETY: the instance is alive, and the descriptor is open until the call returns.
        let result = unsafe { run(self.inner.raw, stop.as_raw_fd()) };
        if result == status::PANICKED {
            let text = format!("plugin {} panicked in run: this input has ended", self.inner.link.name());
            self.inner.link.check(result, Callback::Run);
            return Err(Fault::new(text));
        }
        if result < 0 {
            return Err(Fault::new(format!("input {} has ended", self.inner.link.name())));
        }
        Ok(())
    }

    /// The daemon got a HUP.
    pub fn hup(&self) {
        if let Some(hup) = self.inner.vt().hup
            && let Ok(_running) = self.inner.link.enter(Callback::Hup)
        {
            // SAFETY: the instance is alive.
            unsafe { hup(self.inner.raw) }
        }
    }

    /// Whether it wants to hear of readers of the statistics.
    pub fn wants_stats(&self) -> bool {
        self.inner.vt().stats.is_some()
    }

    /// Somebody is about to read the statistics, or has read them. It may hold the reader back for as long as it likes.
    pub fn stats(&self, read: bool) {
        if let Some(stats) = self.inner.vt().stats
            && !self.is_broken()
        {
            // SAFETY: the instance is alive.
            unsafe { stats(self.inner.raw, read.into()) }
        }
    }

    /// Whether it has panicked and is not called any more.
    pub fn is_broken(&self) -> bool {
        self.inner.link.is_broken()
    }
}

impl Instance {
    fn vt(&self) -> &InputVt {
        &self.module.inner.vt
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Ok(_running) = self.link.enter(Callback::Free) {
            // SAFETY: made by this plugin and freed once; `run` borrows it, and its streams hold a reference.
            unsafe { (self.vt().instance_free)(self.raw) }
        }
    }
}
