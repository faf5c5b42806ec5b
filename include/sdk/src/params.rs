//! Options as data: the table that a plugin declares and the values that it gets back, in the same order.

use crate::Complaint;

/// A plugin's options: usually made by `#[derive(Params)]` on a struct with one field per option.
///
/// ```ignore
/// #[derive(Params)]
/// struct Settings {
///     /// Listen port.
///     #[param(name = "port", required, legacy = "InputTCPServerRun:trigger")]
///     port: String,
///     /// Sessions at once.
///     #[param(name = "maxSessions", positive, default = "200", legacy = "InputTCPMaxSessions:module")]
///     max_sessions: u32,
///     #[param(name = "permittedPeer", alias = "peer")]
///     peers: Vec<String>,
///     #[param(name = "keepAlive", default = "off")]
///     keep_alive: bool,
///     #[param(name = "listenPortFileName", path)]
///     port_file: Option<String>,
/// }
/// ```
///
/// Types follow from the field (bool: binary, integers: int, String: string, Vec<String>: array, `Option<..>`: not
/// required, no default) and can be narrowed: `word path size positive non_negative char file_mode user group severity
/// facility template ruleset`, `choices = "a|b"`, `min = 1`, `max = 9`, `secret`, `deprecated`, `selector_text`.
/// `legacy` lists directives as sysloom_abi::Param::legacy does. The field's doc comment is the help text.
pub trait Params: Sized {
    /// The table, in the order of the values.
    const TABLE: &'static [ParamSpec];
    /// Reads the values; only called with values that the host has checked against the table.
    fn read(values: &Values<'_>) -> Result<Self, Complaint>;
}

/// No options.
impl Params for () {
    const TABLE: &'static [ParamSpec] = &[];
    fn read(_: &Values<'_>) -> Result<Self, Complaint> {
        Ok(())
    }
}
