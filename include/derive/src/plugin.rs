//! `plugin!`: the manifest in its ELF section, the interfaces, and the entry, under names that hold the plugin's own.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitStr, Path, Result, Token, Type, bracketed};

/// What stands inside `plugin! { .. }`.
pub struct Declaration {
    name: LitStr,
    inputs: Vec<Type>,
    outputs: Vec<Type>,
    transports: Vec<Type>,
    layers: Vec<Type>,
    parsers: Vec<Type>,
    modifiers: Vec<Type>,
    generators: Vec<Type>,
    functions: Vec<Type>,
    shutdown: Option<Path>,
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut name = None;
        let mut declaration = Declaration {
            name: LitStr::new("", input.span()),
            inputs: Vec::new(),
            outputs: Vec::new(),
            transports: Vec::new(),
            layers: Vec::new(),
            parsers: Vec::new(),
            modifiers: Vec::new(),
            generators: Vec::new(),
            functions: Vec::new(),
            shutdown: None,
        };
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            match key.to_string().as_str() {
                "name" => name = Some(input.parse::<LitStr>()?),
                "inputs" | "stream_inputs" => declaration.inputs.extend(types(input)?),
                "outputs" => declaration.outputs.extend(types(input)?),
                "transports" => declaration.transports.extend(types(input)?),
                "layers" => declaration.layers.extend(types(input)?),
                "parsers" => declaration.parsers.extend(types(input)?),
                "modifiers" => declaration.modifiers.extend(types(input)?),
                "generators" => declaration.generators.extend(types(input)?),
                "functions" => declaration.functions.extend(types(input)?),
                "shutdown" => declaration.shutdown = Some(input.parse()?),
                other => {
                    return Err(Error::new(key.span(), format!("`{other}` is nothing that a plugin has")));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        declaration.name = name.ok_or_else(|| input.error("a plugin needs a `name: \"...\"`"))?;
        Ok(declaration)
    }
}

fn types(input: ParseStream<'_>) -> Result<Vec<Type>> {
    let inner;
    bracketed!(inner in input);
    Ok(Punctuated::<Type, Token![,]>::parse_terminated(&inner)?.into_iter().collect())
}

/// The exported items of a plugin.
pub fn expand(plugin: Declaration) -> Result<TokenStream> {
    let name = plugin.name.value();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 31 || !name.chars().all(fits) {
        let why = "a plugin's name has 1 to 31 letters, digits, `_` or `-`";
        return Err(Error::new(plugin.name.span(), why));
    }
    let symbol = name.replace('-', "_");
    let (manifest_symbol, entry_symbol) =
        (format!("sysloom_manifest__{symbol}"), format!("sysloom_entry__{symbol}"));
    let Declaration {
        inputs, outputs, transports, layers, parsers, modifiers, generators, functions, ..
    } = &plugin;
    // All functions of a plugin stand in one table.
    let (function_table, function_iface) = match functions.first() {
        Some(first) => (
            quote! {
                const FUNCTION_TABLE: &'static glue::FunctionVt =
                    &glue::FunctionGlue::<#first>::table(&[#(glue::FunctionGlue::<#functions>::ROW,)*]);
            },
            quote!(glue::FunctionGlue::<#first>::iface(#name, FUNCTION_TABLE),),
        ),
        None => (quote!(), quote!()),
    };
    let shutdown = match &plugin.shutdown {
        Some(path) => quote!(::core::option::Option::Some({
            extern "C" fn shutdown() {
                glue::guard_shutdown(#path)
            }
            shutdown as unsafe extern "C" fn()
        })),
        None => quote!(::core::option::Option::None),
    };
    Ok(quote! {
        const _: () = {
            use ::sysloom_sdk::glue;

            #function_table
            const IFACES: &'static [glue::Iface] = &[
                #(glue::InputGlue::<#inputs>::IFACE,)*
                #(glue::OutputGlue::<#outputs>::IFACE,)*
                #(glue::TransportGlue::<#transports>::IFACE,)*
                #(glue::LayerGlue::<#layers>::IFACE,)*
                #(glue::ParserGlue::<#parsers>::IFACE,)*
                #(glue::ModifyGlue::<#modifiers>::IFACE,)*
                #(glue::GeneratorGlue::<#generators>::IFACE,)*
                #function_iface
            ];
            const FLAGS: u32 = 0
                #(| glue::TransportGlue::<#transports>::MANIFEST_FLAGS)*
                #(| glue::LayerGlue::<#layers>::MANIFEST_FLAGS)*;

            #[used]
            #[unsafe(link_section = ".sysloom_manifest")]
            #[unsafe(export_name = #manifest_symbol)]
            static MANIFEST: glue::Manifest =
                glue::manifest(#name, env!("CARGO_PKG_VERSION"), IFACES, FLAGS);

            static MODULE: glue::Exported<glue::Module> = glue::module(IFACES, #shutdown);

            #[unsafe(export_name = #entry_symbol)]
            unsafe extern "C" fn entry(host: *const glue::RawHost) -> *const glue::Module {
                unsafe { glue::enter(#name, host, &MODULE) }
            }
        };
    })
}
