//! The two macros of the sdk: `#[derive(Params)]` turns a struct into a table of options, `plugin!` exports a crate's
//! inputs, outputs and drivers as a loadable library. Both are proc macros so that a plugin's own crate can forbid
//! unsafe code. They name the sdk as `::sysloom_sdk`; the sdk re-exports them and nobody else calls them.
#![forbid(unsafe_code)]

mod params;
mod plugin;

use proc_macro::TokenStream;

/// Makes a struct with one named field per option implement the sdk's `Params`; see there.
#[proc_macro_derive(Params, attributes(param))]
pub fn params(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    params::expand(item).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Exports a plugin: `plugin! { name: "imtcp", inputs: [Imtcp] }`, with the lists `inputs`, `stream_inputs`,
/// `outputs`, `transports` and `layers`, and an optional `shutdown: function` called before the process ends.
#[proc_macro]
pub fn plugin(body: TokenStream) -> TokenStream {
    let body = syn::parse_macro_input!(body as plugin::Declaration);
    plugin::expand(body).unwrap_or_else(syn::Error::into_compile_error).into()
}
