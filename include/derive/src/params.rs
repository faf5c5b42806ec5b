//! `#[derive(Params)]`: field attributes to a const table, and the reader of the values in the same order.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Expr, Field, Fields, Lit, LitStr, Meta, Result};

/// The implementation of `Params` for a struct with named fields.
pub fn expand(item: DeriveInput) -> Result<TokenStream> {
    let Data::Struct(body) = &item.data else {
        return Err(Error::new_spanned(&item.ident, "Params is for structs"));
    };
    let Fields::Named(fields) = &body.fields else {
        return Err(Error::new_spanned(&item.ident, "Params is for structs with named fields"));
    };
    let mut specs = Vec::new();
    let mut readers = Vec::new();
    for (index, field) in fields.named.iter().enumerate() {
        let option = read_field(field)?;
        let (ident, ty, name) = (&field.ident, &field.ty, &option.name);
        specs.push(option.spec);
        readers.push(quote! {
            #ident: <#ty as ::sysloom_sdk::Field>::read(values, #index)
                .map_err(|complaint| complaint.param(#name))?
        });
    }
    let (ident, (generics, arguments, bounds)) = (&item.ident, item.generics.split_for_impl());
    Ok(quote! {
        impl #generics ::sysloom_sdk::Params for #ident #arguments #bounds {
            const TABLE: &'static [::sysloom_sdk::ParamSpec] = &[#(#specs),*];
            fn read(
                values: &::sysloom_sdk::Values<'_>,
            ) -> ::core::result::Result<Self, ::sysloom_sdk::Complaint> {
                let _ = values;
                ::core::result::Result::Ok(Self { #(#readers),* })
            }
        }
    })
}

struct Opt {
    name: String,
    spec: TokenStream,
}

fn read_field(field: &Field) -> Result<Opt> {
    let ty = &field.ty;
    let ident = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut name = camel_case(ident.trim_start_matches("r#"));
    let mut kind = quote!(<#ty as ::sysloom_sdk::Field>::TYPE);
    let mut range = (None, None);
    let mut calls = Vec::new();
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("param")) {
        attribute.parse_nested_meta(|meta| {
            let Some(key) = meta.path.get_ident().map(ToString::to_string) else {
                return Err(meta.error("expected a plain word"));
            };
            match key.as_str() {
                "name" => name = meta.value()?.parse::<LitStr>()?.value(),
                "alias" | "default" | "choices" | "legacy" => {
                    let text: LitStr = meta.value()?.parse()?;
                    let method = format_ident!("{key}");
                    calls.push(quote!(.#method(#text)));
                }
                "min" => range.0 = Some(meta.value()?.parse::<Expr>()?),
                "max" => range.1 = Some(meta.value()?.parse::<Expr>()?),
                "required" | "secret" | "deprecated" | "selector_text" => {
                    let method = format_ident!("{key}");
                    calls.push(quote!(.#method()));
                }
                _ => {
                    let Some(narrowed) = narrowed(&key) else {
                        return Err(meta.error(format!("`{key}` is not an attribute of an option")));
                    };
                    let narrowed = format_ident!("{narrowed}");
                    kind = quote!(::sysloom_sdk::ParamType::#narrowed);
                }
            }
            Ok(())
        })?;
    }
    let min = range.0.map_or_else(|| quote!(<#ty as ::sysloom_sdk::Field>::MIN), |e| quote!(#e));
    let max = range.1.map_or_else(|| quote!(<#ty as ::sysloom_sdk::Field>::MAX), |e| quote!(#e));
    let help = doc(field);
    let spec = quote! {
        ::sysloom_sdk::ParamSpec::new(#name, #kind).range(#min, #max).help(#help) #(#calls)*
    };
    Ok(Opt { name, spec })
}

/// The variant of `ParamType` that an attribute's word stands for.
fn narrowed(word: &str) -> Option<&'static str> {
    Some(match word {
        "word" => "Word",
        "path" => "Path",
        "size" => "Size",
        "positive" => "Positive",
        "non_negative" => "NonNegative",
        "char" => "Char",
        "file_mode" => "FileMode",
        "user" => "User",
        "group" => "Group",
        "severity" => "Severity",
        "facility" => "Facility",
        "template" => "Template",
        "ruleset" => "Ruleset",
        _ => return None,
    })
}

/// `max_sessions` is `maxSessions` unless a name is given.
fn camel_case(ident: &str) -> String {
    let mut words = ident.split('_').filter(|w| !w.is_empty());
    let mut name = words.next().unwrap_or_default().to_string();
    for word in words {
        let mut chars = word.chars();
        name.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    name
}

/// The field's doc comment in one line.
fn doc(field: &Field) -> String {
    let lines = field.attrs.iter().filter_map(|a| match &a.meta {
        Meta::NameValue(pair) if a.path().is_ident("doc") => match &pair.value {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Str(text) => Some(text.value().trim().to_string()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    lines.filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ")
}
