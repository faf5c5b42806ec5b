//! Loading: dlopen, entry, and checks of what the entry hands over. A library is never unloaded, since threads and
//! destructors may still hold on to its code.

use super::error::{Attempt, LoadError, LoadFailure};
use super::least;
use super::raw::{sized, slice, text};
use super::watch::{self, Callback, Number};
use super::{Driver, Facts, FunctionFacts, Host, Search, message};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use sysloom_abi::{
    self as abi, DriverVt, FunctionVt, InputVt, ModifyVt, OutputVt, ParserVt, StrgenVt, iface_flag, kind,
    log_level, manifest_flag,
};
use sysloom_config::suggest;

/// Loads plugins by name, and keeps them.
pub struct Loader {
    host: &'static Host,
    search: Search,
    /// By real path.
    loaded: Mutex<Vec<(PathBuf, Arc<Plugin>)>>,
}

impl Loader {
    pub fn new(host: &'static Host, search: Search) -> Self {
        Self { host, search, loaded: Mutex::new(Vec::new()) }
    }

    pub fn search(&self) -> &Search {
        &self.search
    }

    /// The plugin that `module(load="NAME")` means. Loading twice gives the same one.
    pub fn module(&self, name: &str) -> Result<Arc<Plugin>, LoadFailure> {
        self.first(name, self.search.module(name))
    }

    /// As [`Loader::module`], for what rsyslog has without loading anything.
    pub fn builtin(&self, name: &str) -> Result<Arc<Plugin>, LoadFailure> {
        self.first(name, self.search.builtin(name))
    }

    /// The driver NAME: of a plugin that is loaded already, or else from a file of that name.
    pub fn driver(&self, name: &str) -> Result<Arc<Driver>, LoadFailure> {
        for plugin in self.plugins() {
            if let Some(driver) = plugin.driver(name) {
                return Ok(driver);
            }
        }
        let plugin = self.first(name, self.search.any_driver(name))?;
        // The file's name may differ from the driver's own.
        plugin.driver(name).or_else(|| plugin.drivers.first().cloned()).ok_or_else(|| {
            let error = LoadError::Table("it holds no netstream driver".to_owned());
            let attempts = vec![Attempt { path: plugin.path.clone(), error }];
            LoadFailure { name: name.to_owned(), attempts }
        })
    }

    /// The driver whose word is most like this one.
    pub fn nearest_driver(&self, name: &str) -> Option<String> {
        let drivers = self.search.drivers();
        suggest::nearest(name, drivers.iter().map(String::as_str)).map(str::to_owned)
    }

    /// Loads one file.
    pub fn load(&self, path: &Path) -> Result<Arc<Plugin>, LoadError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        // What is loaded stays what it is, even if another file has taken its place.
        let real = path.canonicalize();
        if let Some((_, plugin)) = loaded.iter().find(|(p, _)| real.as_ref().is_ok_and(|r| r == p)) {
            return Ok(Arc::clone(plugin));
        }
        let facts = Facts::of(path)?;
        let real = real.map_err(|e| LoadError::Unreadable(super::words(&e)))?;
        let plugin = Arc::new(Plugin::open(self.host, &real, facts)?);
        loaded.push((real, Arc::clone(&plugin)));
        Ok(plugin)
    }

    /// All plugins so far, in the order of loading.
    pub fn plugins(&self) -> Vec<Arc<Plugin>> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.iter().map(|(_, plugin)| Arc::clone(plugin)).collect()
    }

    /// Tells all plugins that the process ends.
    pub fn shutdown(&self) {
        for plugin in self.plugins().iter().rev() {
            plugin.shutdown();
        }
    }

    /// Loads the first file that exists; a file that is there but faulty ends the search.
    fn first(&self, name: &str, files: Vec<PathBuf>) -> Result<Arc<Plugin>, LoadFailure> {
        let mut attempts = Vec::new();
        for path in files {
            match self.load(&path) {
                Ok(plugin) => return Ok(plugin),
                Err(error @ LoadError::Missing) => attempts.push(Attempt { path, error }),
                Err(error) => {
                    attempts = vec![Attempt { path, error }];
                    break;
                }
            }
        }
        Err(LoadFailure { name: name.to_owned(), attempts })
    }
}

/// A loaded library.
pub struct Plugin {
    path: PathBuf,
    facts: Facts,
    ifaces: Vec<Iface>,
    drivers: Vec<Arc<Driver>>,
    host: &'static Host,
    number: Number,
    shutdown: Option<unsafe extern "C" fn()>,
}

/// One interface of a plugin, as owned data.
pub struct Iface {
    /// One of [`kind`].
    pub kind: u32,
    /// Bits of [`iface_flag`].
    pub flags: u32,
    /// The word in `input(type=)`, `action(type=)`, or the driver's name.
    pub name: String,
    pub module_params: Vec<Param>,
    pub instance_params: Vec<Param>,
    /// Prefix of the legacy directives for stream parameters.
    pub stream_legacy: Option<String>,
    pub default_template: Option<String>,
    /// The name of a parser without a parser() object.
    pub parser_name: Option<String>,
    pub functions: Vec<FunctionFacts>,
    /// In the same order.
    pub(super) function_rows: Vec<abi::Function>,
    pub(super) vt: Table,
}

/// An interface's functions.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Input(InputVt),
    Output(OutputVt),
    Driver(*const DriverVt),
    Parser(ParserVt),
    Modify(ModifyVt),
    Strgen(StrgenVt),
    Function(FunctionVt),
    /// A kind that this host does not know yet.
    Unknown,
}

/// One parameter of a plugin; see [`abi::Param`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    pub name: String,
    pub aliases: Vec<String>,
    /// One of [`abi::param_type`].
    pub ty: u32,
    /// Bits of [`abi::param_flag`].
    pub flags: u32,
    pub default: Option<String>,
    pub choices: Vec<String>,
    pub legacy: Vec<String>,
    pub help: String,
    pub min: i64,
    pub max: i64,
}

// SAFETY: the tables are functions that the ABI lets be called from any thread, and the driver's table is static.
unsafe impl Send for Plugin {}
// SAFETY: as above.
unsafe impl Sync for Plugin {}

impl Plugin {
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// The real path of its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its manifest says.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    pub fn ifaces(&self) -> &[Iface] {
        &self.ifaces
    }

    pub fn drivers(&self) -> &[Arc<Driver>] {
        &self.drivers
    }

    /// Its driver of that name.
    pub fn driver(&self, name: &str) -> Option<Arc<Driver>> {
        self.drivers.iter().find(|d| d.name().eq_ignore_ascii_case(name)).cloned()
    }

    /// Tells it that the process ends.
    pub fn shutdown(&self) {
        if let Some(shutdown) = self.shutdown {
            let _running = watch::enter(self.number, Callback::Shutdown);
            // SAFETY: the plugin handed the function over for this.
            unsafe { shutdown() }
        }
    }

    pub(super) fn host(&self) -> &'static Host {
        self.host
    }

    pub(super) fn number(&self) -> Number {
        self.number
    }

    fn open(host: &'static Host, path: &Path, facts: Facts) -> Result<Self, LoadError> {
        let number = Number::of(&facts.name);
        let running = watch::enter(number, Callback::Entry);
        // SAFETY: the code of a plugin is trusted, as the manual says; the file was judged to be a whole library.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
        let library = ManuallyDrop::new(library.map_err(|e| LoadError::Linker(linker_words(&e, path)))?);
        let symbol = facts.entry();
        // SAFETY: the symbol's name is reserved for functions of this type.
        let entry = unsafe { library.get::<abi::Entry>(symbol.as_bytes()) };
        let entry = entry.map_err(|_| LoadError::NoEntry(symbol))?;
        // SAFETY: the host's table lives as long as the process.
        let module = unsafe { entry(host.table()) };
        drop(running);
        if module.is_null() {
            return Err(LoadError::Refused);
        }
        // SAFETY: what an entry hands over starts with its size and lives as long as the process.
        let module = unsafe { Handed::read(module) }?;
        if module.abi_major != facts.abi_major || module.abi_minor != facts.abi_minor {
            return Err(table("its versions are not those of the manifest"));
        }
        same_layout(host, &module, &facts)?;
        if module.n_ifaces == 0 || module.n_ifaces > MOST_IFACES {
            return Err(table(format!("it has {} interfaces", module.n_ifaces)));
        }
        // SAFETY: the plugin's promise.
        let ifaces = unsafe { rows(module.ifaces, module.n_ifaces, least::IFACE) }
            .ok_or_else(|| table("its interfaces have a wrong size"))?;
        // SAFETY: the plugin's promise.
        let ifaces: Vec<Iface> =
            ifaces.iter().map(|i| unsafe { Iface::read(i) }).collect::<Result<_, _>>()?;
        let kinds = ifaces.iter().fold(0, |kinds, i| kinds | 1_u16.checked_shl(i.kind).unwrap_or(0));
        if kinds != facts.kinds {
            return Err(table("its interfaces are not those that the manifest announces"));
        }
        let mut drivers = Vec::new();
        for iface in &ifaces {
            if let Table::Driver(vt) = iface.vt {
                // SAFETY: not null, as checked above, and never unloaded.
                let driver = unsafe { Driver::new(host.table(), &iface.name, facts.flags, vt) };
                drivers.push(Arc::new(driver.map_err(|fault| table(fault.text))?));
            }
        }
        same_kinds(&facts, &drivers)?;
        let (path, shutdown) = (path.to_owned(), module.shutdown);
        Ok(Self { path, facts, ifaces, drivers, host, number, shutdown })
    }
}

/// The part of [`abi::Module`] that is read; the layout stays a raw pointer until it is known to be comparable.
struct Handed {
    abi_major: u16,
    abi_minor: u16,
    ifaces: *const abi::Iface,
    n_ifaces: usize,
    layout: *const c_void,
    layout_tag: [u8; 16],
    shutdown: Option<unsafe extern "C" fn()>,
}

impl Handed {
    /// # Safety
    /// `module` leads to a module of as many bytes as its size says.
    unsafe fn read(module: *const abi::Module) -> Result<Self, LoadError> {
        if !module.is_aligned() {
            return Err(table("the module's address is odd"));
        }
        // SAFETY: the caller's promise; the size stands first.
        let size = unsafe { module.cast::<u32>().read() } as usize;
        if size < least::MODULE {
            return Err(table(format!("the module has {size} bytes, not {}", least::MODULE)));
        }
        // SAFETY: the size covers all fields. No reference is made, and the layout is read as what it is in memory.
        unsafe {
            Ok(Self {
                abi_major: (*module).abi_major,
                abi_minor: (*module).abi_minor,
                ifaces: (*module).ifaces,
                n_ifaces: (*module).n_ifaces,
                layout: (&raw const (*module).layout).cast::<*const c_void>().read(),
                layout_tag: (*module).layout_tag,
                shutdown: (*module).shutdown,
            })
        }
    }
}

/// Whether the drivers' tables are what the manifest says of them: others go by the manifest alone.
fn same_kinds(facts: &Facts, drivers: &[Arc<Driver>]) -> Result<(), LoadError> {
    let has = |flag, found: bool| (facts.flags & flag != 0) == found;
    if !has(manifest_flag::TRANSPORT, drivers.iter().any(|d| d.is_transport())) {
        return Err(table(
            "its manifest and its tables do not agree whether it is a transport (listen, accept, connect)",
        ));
    }
    if !has(manifest_flag::LAYER, drivers.iter().any(|d| d.is_layer())) {
        return Err(table(
            "its manifest and its tables do not agree whether it is a layer (session, handshake)",
        ));
    }
    Ok(())
}

/// Compares layouts where both sides have one of the same making. The report is long and goes to the debug log.
fn same_layout(host: &'static Host, module: &Handed, facts: &Facts) -> Result<(), LoadError> {
    let comparable = module.layout_tag == abi::LAYOUT_TAG && module.abi_minor == abi::ABI_MINOR;
    if module.layout.is_null() || !comparable {
        return Ok(());
    }
    // SAFETY: the same version of abi_stable made it, so it is a layout; it lives as long as the process.
    let theirs = unsafe { &*module.layout.cast() };
    let Err(report) = abi::check_layout(theirs) else { return Ok(()) };
    host.shared().services.log(0, log_level::DEBUG, 0, &report, &[]);
    Err(LoadError::Layout { major: facts.abi_major, minor: facts.abi_minor })
}

impl Iface {
    /// Whether it takes the host's stream parameters.
    pub fn uses_streams(&self) -> bool {
        self.flags & iface_flag::STREAMS != 0
    }

    /// # Safety
    /// `raw` comes from a plugin and keeps the ABI's promises.
    unsafe fn read(raw: &abi::Iface) -> Result<Self, LoadError> {
        // SAFETY: the caller's promise.
        let name = unsafe { text(raw.name) };
        if name.is_empty() {
            return Err(table("an interface has no name"));
        }
        let wrong = || table(format!("the functions of {name} are missing or too few"));
        // SAFETY: the caller's promise; `kind` says what `vt` points at.
        let vt = unsafe {
            match raw.kind {
                kind::INPUT => Table::Input(sized(raw.vt.cast(), least::INPUT).ok_or_else(wrong)?),
                kind::OUTPUT => Table::Output(sized(raw.vt.cast(), least::OUTPUT).ok_or_else(wrong)?),
                kind::PARSER => Table::Parser(sized(raw.vt.cast(), size_of::<ParserVt>()).ok_or_else(wrong)?),
                kind::MODIFY => Table::Modify(sized(raw.vt.cast(), size_of::<ModifyVt>()).ok_or_else(wrong)?),
                kind::STRGEN => Table::Strgen(sized(raw.vt.cast(), size_of::<StrgenVt>()).ok_or_else(wrong)?),
                kind::FUNCTION => {
                    Table::Function(sized(raw.vt.cast(), size_of::<FunctionVt>()).ok_or_else(wrong)?)
                }
                kind::DRIVER if raw.vt.is_null() => return Err(wrong()),
                kind::DRIVER => Table::Driver(raw.vt.cast()),
                _ => Table::Unknown,
            }
        };
        // SAFETY: the caller's promise.
        let (module_params, instance_params, stream_legacy, default_template) = unsafe {
            (
                params(raw.module_params, raw.n_module_params, &name)?,
                params(raw.instance_params, raw.n_instance_params, &name)?,
                Some(text(raw.stream_legacy)).filter(|t| !t.is_empty()),
                Some(text(raw.default_template)).filter(|t| !t.is_empty()),
            )
        };
        let (mut parser_name, mut functions, mut function_rows) = (None, Vec::new(), Vec::new());
        match &vt {
            // SAFETY: texts of a table live as long as the process.
            Table::Parser(vt) => parser_name = unsafe { message::parser_name(vt) },
            Table::Function(vt) => {
                // SAFETY: the caller's promise.
                function_rows = unsafe { function_table(vt) }.ok_or_else(wrong)?;
                let facts = |row: &abi::Function| FunctionFacts {
                    // SAFETY: texts of a table live as long as the process.
                    name: unsafe { text(row.name) },
                    min_args: row.min_args,
                    max_args: row.max_args,
                };
                functions = function_rows.iter().map(facts).collect();
            }
            _ => {}
        }
        let (kind, flags) = (raw.kind, raw.flags);
        Ok(Self {
            kind,
            flags,
            name,
            module_params,
            instance_params,
            stream_legacy,
            default_template,
            parser_name,
            functions,
            function_rows,
            vt,
        })
    }
}

/// # Safety
/// As [`rows`].
unsafe fn function_table(vt: &FunctionVt) -> Option<Vec<abi::Function>> {
    if vt.n_functions > MOST_FUNCTIONS {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { rows(vt.functions, vt.n_functions, size_of::<abi::Function>()) }
}

/// # Safety
/// As [`rows`].
unsafe fn params(raw: *const abi::Param, count: usize, of: &str) -> Result<Vec<Param>, LoadError> {
    let wrong = || table(format!("the parameters of {of} have a wrong size or number"));
    if count > MOST_PARAMS {
        return Err(wrong());
    }
    // SAFETY: the caller's promise.
    let rows = unsafe { rows(raw, count, least::PARAM) }.ok_or_else(wrong)?;
    let split = |list: String| list.split('|').filter(|w| !w.is_empty()).map(str::to_owned).collect();
    // SAFETY: texts of a table live as long as the process.
    let read = |p: &abi::Param| unsafe {
        Param {
            name: text(p.name),
            aliases: split(text(p.aliases)),
            ty: p.ty,
            flags: p.flags,
            default: (!p.default.ptr.is_null()).then(|| text(p.default)),
            choices: split(text(p.choices)),
            legacy: split(text(p.legacy)),
            help: text(p.help),
            min: p.min,
            max: p.max,
        }
    };
    Ok(rows.iter().map(read).collect())
}

/// The rows of a table, which may be longer than ours: the first one's size is the distance of all.
///
/// # Safety
/// `first` leads to `count` rows that start with their size.
unsafe fn rows<T: Copy>(first: *const T, count: usize, least: usize) -> Option<Vec<T>> {
    if count == 0 {
        return Some(Vec::new());
    }
    if first.is_null() || !first.is_aligned() {
        return None;
    }
    // SAFETY: there is at least one row.
    let stride = unsafe { first.cast::<u32>().read() } as usize;
    if stride == size_of::<T>() {
        // SAFETY: the caller's promise.
        let all = unsafe { slice(first, count) };
        // SAFETY: as above; each row must say the same.
        let same =
            all.iter().all(|row| unsafe { std::ptr::from_ref(row).cast::<u32>().read() } as usize == stride);
        return same.then(|| all.to_vec());
    }
    // SAFETY: the caller's promise.
    (0..count).map(|i| unsafe { sized(first.byte_add(i * stride), least) }).collect()
}

/// The linker's words without the path, which stands in front anyway.
fn linker_words(error: &libloading::Error, path: &Path) -> String {
    use std::error::Error;
    let words = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let words = words.replace(char::is_control, "?");
    let path = format!("{}: ", path.display());
    words.strip_prefix(&path).map_or(words.clone(), str::to_owned)
}

fn table(words: impl Into<String>) -> LoadError {
    LoadError::Table(words.into())
}

/// No plugin has more; a number above is garbage.
const MOST_IFACES: usize = 64;
const MOST_PARAMS: usize = 1024;
const MOST_FUNCTIONS: usize = 1024;
