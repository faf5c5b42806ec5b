//! otherlayout: a plugin that hands over the layout of other types than its version of the ABI has, as one built from
//! changed sources would. It stands in for the sdk's glue so that `plugin!` exports what is wrong.
#![forbid(unsafe_code)]

extern crate self as sysloom_sdk;

use sdk::{Complaint, Host, Input, plugin};

/// The sdk's glue, with one function of our own.
pub mod glue {
    pub use sdk::glue::{Exported, Iface, InputGlue, Manifest, Module, RawHost, enter, manifest};
    use sysloom_abi::{Frame, StableAbi};

    /// A module whose layout is that of one small struct.
    pub const fn module(
        ifaces: &'static [Iface],
        shutdown: Option<unsafe extern "C" fn()>,
    ) -> Exported<Module> {
        let Exported(module) = sdk::glue::module(ifaces, shutdown);
        Exported(Module { layout: Some(<Frame as StableAbi>::LAYOUT), ..module })
    }
}

/// An input that never gets to run.
pub struct OtherLayout;

impl Input for OtherLayout {
    const NAME: &'static str = "otherlayout";
    type Module = ();
    type Settings = ();

    fn new(_: &(), _: (), _: Host) -> Result<Self, Complaint> {
        Ok(Self)
    }

    fn activate(&self) -> Result<(), Complaint> {
        Ok(())
    }
}

plugin! { name: "otherlayout", inputs: [OtherLayout] }
