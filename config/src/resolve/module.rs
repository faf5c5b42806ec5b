//! Loading modules: `$ModLoad` and module() are the same here.

use super::Loader;
use crate::ast::Object;
use crate::catalogue::Kinds;
use crate::plan::{Module, Values};
use crate::source::Span;
use crate::{catalogue, diagnostic::Diagnostic};
use std::sync::Arc;

/// Outputs that rsyslog has without loading anything. They are loaded here when they are first named.
const BUILTINS: &[&str] = &["omfile", "omfwd", "ompipe", "omusrmsg", "omdiscard", "omshell"];

/// Those of them that have directives: loaded at once, so that `$FileOwner` and its like are known from the first line on.
const WITH_DIRECTIVES: &[&str] = &["omfile", "omfwd"];

/// Modules that rsyslog links in, but that come into being here only when they are named.
const ON_DEMAND: &[&str] = &["pmrfc3164", "pmrfc5424", "smfile", "smfwd", "smtradfile", "smtradfwd", "lmnet"];

impl Loader<'_> {
    /// Loads the outputs that are always there and have directives.
    pub(super) fn load_builtin_modules(&mut self) {
        for name in WITH_DIRECTIVES {
            self.load_builtin(name);
        }
    }

    /// Loads an output that is always there. That it cannot be is reported where it is used.
    fn load_builtin(&mut self, name: &str) -> Option<usize> {
        if self.missing_builtins.contains_key(name) {
            return None;
        }
        match self.env.load_builtin(name) {
            Ok(spec) => Some(self.add_module(spec, format!("builtin:{name}"), Span::NONE)),
            Err(reason) => {
                self.missing_builtins.insert(name.to_string(), reason);
                None
            }
        }
    }

    fn add_module(&mut self, spec: Arc<crate::catalogue::ModuleSpec>, written: String, span: Span) -> usize {
        let at = self.plan.modules.len();
        self.legacy.add_module(at, &spec);
        let values = Values::unset(spec.module_params.as_slice().into());
        let table = if spec.uses_streams { catalogue::streams() } else { [].into() };
        self.plan.modules.push(Module {
            spec,
            values,
            streams: Values::unset(table),
            written,
            asked: false,
            span,
        });
        self.explicit_modules.push(false);
        at
    }

    /// The module that a load by this name would give, if it is loaded.
    fn loaded(&self, written: &str) -> Option<usize> {
        let bare = bare(written);
        self.plan.modules.iter().position(|m| m.written == written || m.spec.name.eq_ignore_ascii_case(&bare))
    }

    /// Loads a module under the name that was written; none when it cannot be (which is reported once).
    pub(super) fn load_module(&mut self, written: &str, at: Span) -> Option<usize> {
        if BUILTINS.contains(&written) {
            return self.built_in(written, at);
        }
        if let Some(module) = self.loaded(written) {
            return Some(module);
        }
        let name = written.strip_prefix("builtin:").unwrap_or(written);
        let bare = bare(written);
        if self.failed_modules.contains(&bare) {
            return None;
        }
        if written.starts_with("builtin:")
            && BUILTINS.contains(&bare.as_str())
            && let Some(module) = self.load_builtin(&bare)
        {
            return Some(module);
        }
        match self.env.load_module(name, at) {
            Ok(spec) => {
                // A path may lead to a module that was loaded under another name.
                if let Some(known) =
                    self.plan.modules.iter().position(|m| m.spec.name.eq_ignore_ascii_case(&spec.name))
                {
                    return Some(known);
                }
                Some(self.add_module(spec, written.to_string(), at))
            }
            Err(reason) => {
                self.failed_modules.insert(bare.clone());
                let message = format!("could not load module '{written}', errors: {reason}");
                let mut d = Diagnostic::error(2066, "module-load", message, at);
                let known = self.env.known_modules();
                let near = crate::suggest::nearest(&bare, known.iter().map(String::as_str));
                if let Some(near) = near.filter(|near| *near != bare) {
                    d = d.help(format!("did you mean `{near}`?"));
                }
                d = d.help("everything that depends on this module is skipped without further errors");
                self.diagnostics.push(d);
                None
            }
        }
    }

    /// A load of what is there anyway.
    fn built_in(&mut self, name: &str, at: Span) -> Option<usize> {
        // rsyslog: no library has this name, which is an error; the output works all the same.
        let message =
            format!("module '{name}' is built in and cannot be loaded, but can be used all the same");
        let d = self.error(2207, "module-load", message, at);
        d.help.push(format!("leave this out, or name it `builtin:{name}` to set its parameters"));
        None
    }

    /// A module() object.
    pub(super) fn module_object(&mut self, object: &Object) {
        let Some(load) = object.params.iter().find(|p| p.name.text.eq_ignore_ascii_case("load")) else {
            self.error(
                2207,
                "missing-parameter",
                "parameter 'load' required but not specified - fix config",
                object.span,
            );
            return;
        };
        let written = match self.raw(&load.value, load.span) {
            super::Raw::Text(text) => text,
            super::Raw::List(list) => list.into_iter().next().unwrap_or_default(),
        };
        let Some(module) = self.load_module(written.trim(), load.span) else { return };
        let Some((mut values, mut streams)) = self
            .plan
            .modules
            .get_mut(module)
            .map(|m| (std::mem::take(&mut m.values), std::mem::take(&mut m.streams)))
        else {
            return;
        };
        let rest = Object {
            params: object
                .params
                .iter()
                .filter(|p| !p.name.text.eq_ignore_ascii_case("load"))
                .cloned()
                .collect(),
            ..object.clone()
        };
        self.fill(&rest, &mut [&mut streams, &mut values]);
        if let Some(m) = self.plan.modules.get_mut(module) {
            m.values = values;
            m.streams = streams;
            if m.span.is_none() {
                m.span = object.span;
            }
        }
        if let Some(explicit) = self.explicit_modules.get_mut(module) {
            *explicit |= !rest.params.is_empty();
        }
    }

    /// The loaded module of this name and one of these kinds, for `type=` (where `what` names the object). None is
    /// reported, unless it follows from a module that could not be loaded.
    pub(super) fn typed_module(
        &mut self,
        name: &str,
        kinds: &[Kinds],
        what: &str,
        at: Span,
    ) -> Option<usize> {
        let mut found = self.loaded(name);
        let bare = bare(name);
        if found.is_none() && BUILTINS.contains(&bare.as_str()) {
            found = self.load_builtin(&bare);
        } else if found.is_none() && ON_DEMAND.contains(&bare.as_str()) {
            found = self.load_module(name, at);
        }
        let fits = |m: &Module| kinds.iter().any(|k| m.spec.kinds.contains(*k));
        if let Some(module) = found.filter(|i| self.plan.modules.get(*i).is_some_and(fits)) {
            return Some(module);
        }
        if let Some(reason) = self.missing_builtins.get(&bare) {
            let message = format!("could not load module '{bare}', errors: {reason}");
            self.error(2066, "module-load", message, at).help.push(
                "rsyslog has this module built in; here it is a library like any other, and it is missing"
                    .into(),
            );
            return None;
        }
        if self.failed_modules.contains(&bare) {
            return None;
        }
        let known = self.env.known_modules();
        let candidates: Vec<String> = self.plan.modules.iter().map(|m| m.spec.name.clone()).collect();
        let loaded = candidates.iter().map(String::as_str);
        let near = crate::suggest::nearest(&bare, loaded.chain(known.iter().map(String::as_str)));
        let near = near.map(String::from);
        let message = format!("{what}module name '{name}' is unknown");
        let d = self.error(2209, "unknown-module", message, at);
        if found.is_some() {
            d.help.push(format!("`{bare}` is loaded, but is a module of another kind"));
        } else if known.iter().any(|k| k.eq_ignore_ascii_case(&bare)) {
            d.help.push(format!("load it first: `module(load=\"{bare}\")`"));
        } else if let Some(near) = near {
            d.help.push(format!("did you mean `{near}`?"));
        }
        None
    }
}

/// A module's name without `builtin:`, directory and `.so`, in lower case.
fn bare(written: &str) -> String {
    let name = written.strip_prefix("builtin:").unwrap_or(written);
    let name = name.rsplit('/').next().unwrap_or(name);
    name.strip_suffix(".so").unwrap_or(name).to_ascii_lowercase()
}
