//! Outputs as safe objects: module, instances, and one worker for each thread that commits.

use super::fault::listening;
use super::link::Link;
use super::load::Table;
use super::raw::borrow;
use super::values::RawValues;
use super::watch::Callback;
use super::{Fault, HostValue, Param, Plugin};
use std::sync::Arc;
use sysloom_abi::{Opaque, OutputVt, Records, Span, result, status};

/// A module object of an output plugin, made of the values of `module()`. Cheap to clone.
#[derive(Clone)]
pub struct OutputModule {
    inner: Arc<Module>,
}

struct Module {
    raw: Opaque,
    vt: OutputVt,
    params: Vec<Param>,
    link: Arc<Link>,
}

// SAFETY: the ABI has instances of one module made on any thread.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

impl OutputModule {
    /// Makes the module object of the output called `name`. `values` are in the order of its module parameters.
    pub fn new(plugin: &Arc<Plugin>, name: &str, me: u64, values: &[HostValue]) -> Result<Self, Fault> {
        let found = plugin.ifaces().iter().find_map(|iface| match iface.vt {
            Table::Output(vt) if iface.name.eq_ignore_ascii_case(name) => Some((iface, vt)),
            _ => None,
        });
        let Some((iface, vt)) = found else {
            return Err(Fault::new(format!("plugin {} has no output '{name}'", plugin.name())));
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
    pub fn instance(&self, me: u64, values: &[HostValue]) -> Result<OutputInstance, Fault> {
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
            return Err(said.fault("the output refuses its parameters"));
        }
        Ok(OutputInstance { inner: Arc::new(Instance { raw, link, module: self.clone() }) })
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

/// One `action()`. Cheap to clone; freed after the last clone and the last worker.
#[derive(Clone)]
pub struct OutputInstance {
    inner: Arc<Instance>,
}

struct Instance {
    raw: Opaque,
    link: Arc<Link>,
    module: OutputModule,
}

// SAFETY: the ABI lets an instance be used from any thread, `hup` while workers commit.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl OutputInstance {
    /// Prepares what needs privileges; before the first worker.
    pub fn activate(&self) -> Result<(), Fault> {
        let Some(activate) = self.inner.vt().activate else { return Ok(()) };
        let _running = self.inner.link.enter(Callback::Activate)?;
        // SAFETY: the instance is alive.
        let (result, said) = listening(|why| unsafe { activate(self.inner.raw, why) });
        self.inner.link.check(result, Callback::Activate);
        if result < 0 { Err(said.fault("the output cannot be activated")) } else { Ok(()) }
    }

    /// A worker for the calling thread.
    pub fn worker(&self) -> Result<OutputWorker, Fault> {
        let _running = self.inner.link.enter(Callback::WorkerNew)?;
        // SAFETY: the instance is alive.
        let (raw, said) = listening(|why| unsafe { (self.inner.vt().worker_new)(self.inner.raw, why) });
        if raw.is_null() {
            return Err(said.fault("the output makes no worker"));
        }
        Ok(OutputWorker { raw, instance: Arc::clone(&self.inner) })
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

    /// Whether it has panicked and is not called any more.
    pub fn is_broken(&self) -> bool {
        self.inner.link.is_broken()
    }
}

impl Instance {
    fn vt(&self) -> &OutputVt {
        &self.module.inner.vt
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Ok(_running) = self.link.enter(Callback::Free) {
            // SAFETY: made by this plugin and freed once; its workers hold a reference and so are gone.
            unsafe { (self.vt().instance_free)(self.raw) }
        }
    }
}

/// What one thread commits with.
pub struct OutputWorker {
    raw: Opaque,
    instance: Arc<Instance>,
}

// SAFETY: the ABI has a worker used by one thread at a time; `&mut` sees to that.
unsafe impl Send for OutputWorker {}

/// The records of one transaction: row `i`, column `c` is `block[cells[i * columns + c]]`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub columns: usize,
    pub block: &'a [u8],
    /// `columns` for each row.
    pub cells: &'a [Span],
    /// One handle for each row, for [`super::Services::property`].
    pub messages: &'a [u64],
}

/// What became of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub enum Committed {
    Done,
    /// Nothing is delivered: try all of it again later.
    Suspended(Fault),
    /// Nothing will ever be delivered; also when the plugin has panicked.
    Disabled(Fault),
    /// `results` says for each row.
    Partly(Fault),
}

impl OutputWorker {
    /// Delivers one transaction. After [`Committed::Partly`] there is one of [`result`] in `results` for each row.
    pub fn commit(&mut self, rows: Rows<'_>, results: &mut Vec<i32>) -> Committed {
        let link = &self.instance.link;
        let _running = match link.enter(Callback::Commit) {
            Ok(running) => running,
            Err(fault) => return Committed::Disabled(fault),
        };
        let n_rows = rows.messages.len();
        if n_rows.checked_mul(rows.columns) != Some(rows.cells.len()) {
            return Committed::Disabled(Fault::new("the records have not as many cells as they should"));
        }
        results.clear();
        results.resize(n_rows, result::RETRY);
        let raw = Records {
            size: size_of::<Records>() as u32,
            n_cols: rows.columns as u32,
            n_rows,
            block: borrow(rows.block),
            cells: rows.cells.as_ptr(),
            messages: rows.messages.as_ptr(),
        };
        // SAFETY: worker and instance are alive, the records outlive the call, `results` has a place for each row.
        let (status, said) = listening(|why| unsafe {
            (self.instance.vt().commit)(self.raw, &raw, results.as_mut_ptr(), why)
        });
        match status {
            status::OK => Committed::Done,
            status::PARTLY => Committed::Partly(said.fault("not all records were delivered")),
            status::DISABLED => Committed::Disabled(said.fault("the output gives up")),
            status::PANICKED => {
                link.check(status, Callback::Commit);
                Committed::Disabled(said.fault("the plugin panicked"))
            }
            _ => Committed::Suspended(said.fault("the output is suspended")),
        }
    }

    /// Asks whether a suspended destination is back.
    pub fn resume(&mut self) -> Result<(), Fault> {
        let link = &self.instance.link;
        let _running = link.enter(Callback::Resume)?;
        // SAFETY: worker and instance are alive.
        let (status, said) = listening(|why| unsafe { (self.instance.vt().resume)(self.raw, why) });
        link.check(status, Callback::Resume);
        if status < 0 { Err(said.fault("the output is still suspended")) } else { Ok(()) }
    }

    /// Whether its instance has panicked and is not called any more.
    pub fn is_broken(&self) -> bool {
        self.instance.link.is_broken()
    }
}

impl Drop for OutputWorker {
    fn drop(&mut self) {
        if let Ok(_running) = self.instance.link.enter(Callback::Free) {
            // SAFETY: made by this plugin and freed once, before its instance.
            unsafe { (self.instance.vt().worker_free)(self.raw) }
        }
    }
}
