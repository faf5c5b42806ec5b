//! Which `$` directive sets what, and the values that wait for the next action or input.

use crate::catalogue::{self, Kinds, LegacyKind, ModuleSpec, Param};
use crate::plan::{Setting, Value, Values};
use std::collections::HashMap;

/// The table that a directive's parameter stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Global,
    MainQueue,
    ActionCommon,
    ActionQueue,
    /// Module-level values.
    Module(usize),
    /// Module-level stream values.
    ModuleStreams(usize),
    Instance(usize),
    InstanceStreams(usize),
}

/// One parameter that a directive sets.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub place: Place,
    pub index: usize,
    pub kind: LegacyKind,
    pub inverted: bool,
    pub list: bool,
    pub param: Param,
}

/// All directives known so far, and the values set by them that no instance has taken yet.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    /// By name in lower case.
    targets: HashMap<String, Vec<Target>>,
    /// Names as they were declared, for suggestions.
    names: Vec<String>,
    pending: HashMap<(Place, usize), Setting>,
    sticky: HashMap<(Place, usize), Setting>,
}

impl Legacy {
    pub(super) fn new() -> Legacy {
        let mut legacy = Legacy::default();
        legacy.add_table(Place::Global, &catalogue::globals(), |_| Some(LegacyKind::Module));
        legacy.add_table(Place::ActionCommon, &catalogue::action_common(), Some);
        for (place, prefix) in [(Place::ActionQueue, "Action"), (Place::MainQueue, "MainMsg")] {
            for (index, param) in catalogue::action_queue().iter().enumerate() {
                for entry in param.legacy.iter().filter(|l| l.name.starts_with(prefix)) {
                    let kind = match place {
                        Place::ActionQueue => LegacyKind::Pending,
                        _ => LegacyKind::Module,
                    };
                    legacy.add(&entry.name, place, index, kind, entry.inverted, entry.list, param);
                }
            }
        }
        legacy
    }

    /// Makes a module's directives known.
    pub(super) fn add_module(&mut self, at: usize, spec: &ModuleSpec) {
        self.add_table(Place::Module(at), &spec.module_params, |_| Some(LegacyKind::Module));
        self.add_table(Place::Instance(at), &spec.instance_params, |kind| {
            // A module-level directive on an instance's parameter can only mean all instances.
            Some(if kind == LegacyKind::Module { LegacyKind::Sticky } else { kind })
        });
        let Some(prefix) = spec.stream_legacy.as_deref().filter(|_| spec.uses_streams) else { return };
        let streams = catalogue::streams();
        let (place, kind) = match spec.kinds.contains(Kinds::INPUT) {
            true => (Place::ModuleStreams(at), LegacyKind::Module),
            false => (Place::InstanceStreams(at), LegacyKind::Sticky),
        };
        for (suffix, name, list) in catalogue::STREAM_DIRECTIVES {
            let found = streams.iter().enumerate().find(|(_, p)| p.name == *name);
            if let Some((index, param)) = found {
                self.add(&format!("{prefix}{suffix}"), place, index, kind, false, *list, param);
            }
        }
    }

    fn add_table(&mut self, place: Place, table: &[Param], kind: impl Fn(LegacyKind) -> Option<LegacyKind>) {
        for (index, param) in table.iter().enumerate() {
            for entry in &param.legacy {
                if let Some(kind) = kind(entry.kind) {
                    self.add(&entry.name, place, index, kind, entry.inverted, entry.list, param);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call per field of Target, and nowhere else")]
    fn add(
        &mut self,
        name: &str,
        place: Place,
        index: usize,
        kind: LegacyKind,
        inverted: bool,
        list: bool,
        param: &Param,
    ) {
        let target = Target { place, index, kind, inverted, list, param: param.clone() };
        self.names.push(name.to_string());
        self.targets.entry(name.to_ascii_lowercase()).or_default().push(target);
    }

    /// What a directive sets.
    pub(super) fn targets(&self, name: &str) -> Vec<Target> {
        self.targets.get(&name.to_ascii_lowercase()).cloned().unwrap_or_default()
    }

    /// All names of directives.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Keeps a value for the instances to come.
    pub(super) fn keep(&mut self, target: &Target, setting: Setting) {
        let store = match target.kind {
            LegacyKind::Pending | LegacyKind::Trigger | LegacyKind::Run => &mut self.pending,
            LegacyKind::Sticky | LegacyKind::Module => &mut self.sticky,
        };
        let key = (target.place, target.index);
        if let (true, Some(Setting { value: Value::List(before), .. }), Value::List(more)) =
            (target.list, store.get_mut(&key), &setting.value)
        {
            before.extend(more.iter().cloned());
            return;
        }
        store.insert(key, setting);
    }

    /// Puts the waiting values of a place into an instance's values.
    pub(super) fn take(&mut self, place: Place, values: &mut Values) {
        for ((at, index), setting) in &self.sticky {
            if *at == place {
                values.set(*index, setting.clone());
            }
        }
        self.pending.retain(|(at, index), setting| {
            if *at == place {
                values.set(*index, setting.clone());
            }
            *at != place
        });
    }

    /// The value that holds for all instances of a place until changed.
    pub(super) fn held(&self, place: Place, index: usize) -> Option<&Setting> {
        self.sticky.get(&(place, index))
    }

    /// `$ResetConfigVariables`
    pub(super) fn reset(&mut self) {
        self.pending.clear();
        self.sticky.clear();
    }
}
