//! Functions of plugins as safe objects: a module, and one object for each place where a function is called.

use super::fault::listening;
use super::link::Link;
use super::load::Table;
use super::message::{ModuleObject, find, sink};
use super::raw::borrow;
use super::watch::Callback;
use super::{Fault, HostValue, Plugin};
use std::sync::Arc;
use sysloom_abi::{self as abi, Answer, Argument, Bytes, Opaque, argument, status};

/// A function of a plugin, by name; see [`abi::Function`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionFacts {
    pub name: String,
    pub min_args: u32,
    pub max_args: u32,
}

/// A module object of a plugin with functions. Cheap to clone.
#[derive(Clone)]
pub struct FunctionModule {
    object: Arc<ModuleObject>,
    rows: Arc<[(FunctionFacts, abi::Function)]>,
}

/// A value on its way into a function, or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand<'a> {
    /// Not constant, when a call is compiled.
    Unknown,
    Number(i64),
    Text(&'a [u8]),
    /// The text of a JSON value.
    Json(&'a [u8]),
}

/// What a function answered; texts stand in the buffer that the call was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    Number(i64),
    Text,
    Json,
}

impl FunctionModule {
    /// Makes the module object of the functions that are loaded by `name`. `values` are in the order of its module
    /// parameters.
    pub fn new(plugin: &Arc<Plugin>, name: &str, me: u64, values: &[HostValue]) -> Result<Self, Fault> {
        let wanted = |table: &Table| if let Table::Function(vt) = table { Some(*vt) } else { None };
        let (iface, vt) = find(plugin, name, "functions by the name of", wanted)?;
        let functions = (vt.module_new, vt.module_free);
        let object = ModuleObject::new(plugin, me, (&iface.module_params, values), functions)?;
        let rows = iface.functions.iter().cloned().zip(iface.function_rows.iter().copied()).collect();
        Ok(Self { object: Arc::new(object), rows })
    }

    /// Compiles one call of the function called `name`.
    pub fn call(&self, name: &str, me: u64, constants: &[Operand<'_>]) -> Result<FunctionCall, Fault> {
        let Some((_, row)) = self.rows.iter().find(|(facts, _)| facts.name == name) else {
            return Err(Fault::new(format!("there is no function '{name}'")));
        };
        let plugin = &self.object.link.plugin;
        let link = Link::new(plugin, me);
        let running = link.enter(Callback::Instance)?;
        let args: Vec<Argument> = constants.iter().map(raw).collect();
        // SAFETY: the module object is alive, the arguments outlive the call.
        let (object, said) = listening(|why| unsafe {
            (row.call_new)(self.object.raw, plugin.host().table(), me, args.as_ptr(), args.len(), why)
        });
        drop(running);
        if object.is_null() {
            return Err(said.fault("the function refuses its arguments"));
        }
        Ok(FunctionCall { raw: object, row: *row, link, _module: Arc::clone(&self.object) })
    }
}

/// A compiled call.
pub struct FunctionCall {
    raw: Opaque,
    row: abi::Function,
    link: Arc<Link>,
    _module: Arc<ModuleObject>,
}

// SAFETY: the ABI has calls evaluated by several threads at once.
unsafe impl Send for FunctionCall {}
// SAFETY: as above.
unsafe impl Sync for FunctionCall {}

impl FunctionCall {
    /// Evaluates the call, and gives what `script_error()` shall say; a text is put into `out`, which is cleared.
    pub fn evaluate(&self, args: &[Operand<'_>], out: &mut Vec<u8>) -> (Answered, i64) {
        out.clear();
        let Ok(_running) = self.link.enter(Callback::Call) else { return (Answered::Number(0), 1) };
        let nothing = raw(&Operand::Unknown);
        let mut few = [nothing; FEW];
        let many: Vec<Argument>;
        let args = match few.get_mut(..args.len()) {
            Some(few) => {
                few.iter_mut().zip(args).for_each(|(slot, arg)| *slot = raw(arg));
                &*few
            }
            None => {
                many = args.iter().map(raw).collect();
                &many
            }
        };
        let mut answer = Answer {
            size: size_of::<Answer>() as u32,
            ty: argument::NUMBER,
            number: 0,
            out: sink(out),
            script_error: 0,
        };
        // SAFETY: the call object is alive; arguments and answer outlive the call.
        let result = unsafe { (self.row.call)(self.raw, args.as_ptr(), args.len(), &mut answer) };
        self.link.check(result, Callback::Call);
        if result != status::OK {
            return (Answered::Number(0), 1);
        }
        let answered = match answer.ty {
            argument::TEXT => Answered::Text,
            argument::JSON => Answered::Json,
            _ => Answered::Number(answer.number),
        };
        (answered, answer.script_error)
    }
}

impl Drop for FunctionCall {
    fn drop(&mut self) {
        if let Ok(_running) = self.link.enter(Callback::Free) {
            // SAFETY: made by this plugin and freed once.
            unsafe { (self.row.call_free)(self.raw) }
        }
    }
}

fn raw(operand: &Operand<'_>) -> Argument {
    let (ty, number, text) = match operand {
        Operand::Unknown => (argument::NONE, 0, None),
        Operand::Number(number) => (argument::NUMBER, *number, None),
        Operand::Text(text) => (argument::TEXT, 0, Some(text)),
        Operand::Json(text) => (argument::JSON, 0, Some(text)),
    };
    let text = text.map_or(Bytes { ptr: std::ptr::null(), len: 0 }, |text| borrow(text));
    Argument { ty, reserved: 0, number, text }
}

/// Arguments that need no memory of their own.
const FEW: usize = 8;
