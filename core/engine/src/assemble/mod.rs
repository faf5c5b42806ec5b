//! From a configuration's Plan to an engine that can run: modules and instances are made, names become numbers,
//! templates and filters are compiled. Nothing is opened yet.
//!
//! Complaints of plugins come back as diagnostics at the parameter they are about. What fails is left out; everything
//! else still runs, unless the configuration says otherwise.

mod actions;
mod environment;
mod globals;
mod inputs;
mod parsers;
mod queues;
mod streams;
mod unsupported;

pub use environment::{Modules, World};
pub(crate) use globals::hostname;
pub use streams::Places;
pub use unsupported::WITHOUT_EFFECT;

use globals::{allowed_senders, local_address, names_hold, parse_options, sanitize_rules, zone};
use inputs::by_ruleset;
use queues::{POOL, general_limits, new_queue, ruleset_queue};

use crate::batch::Pool;
use crate::core::{Core, Kind, Settled, id_of};
use crate::engine::Engine;
use crate::filter::Gatherer;
use crate::inflate::Inflation;
use crate::intake::Intake;
use crate::message::Around;
use crate::netstream::Net;
use crate::objects::Objects;
use crate::oversize::{self, Oversize};
use crate::peers::Peers;
use crate::plugin::{Fault, FunctionModule, Generator, HostValue, InputModule, ModifyModule, OutputModule};
use crate::queue::Limits;
use crate::ratelimit::{self, Keys, RateLimit};
use crate::reduce::Reducer;
use crate::ruleset;
use crate::script::{Compiler, Globals};
use crate::template::{Generated, Generators, Template};
use crate::tracking::Tracking;
use crate::worker::{Program, Reading};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use sysloom_config::catalogue::Kinds;
use sysloom_config::plan::{self, Plan, Values};
use sysloom_config::{Diagnostic, Span};

/// Builds the engine. Returns it with everything that is wrong with the Plan beyond what the loader found.
pub fn assemble(plan: &Plan, core: &Arc<Core>, modules: &Modules) -> (Engine, Vec<Diagnostic>) {
    // Reads the zone's file now, so that the first message does not wait for it.
    crate::clock::offset_minutes(0);
    let mut diagnostics = Vec::new();
    let limits_of = ratelimit::all(plan, &core.stats, &core.log.logger(), &mut diagnostics);
    let mut made = Making {
        plan,
        core,
        modules,
        limits: limits_of.clone(),
        input_limits: Vec::new(),
        diagnostics: &mut diagnostics,
    };
    let hostname = hostname(&plan.globals);
    let _ = core.globals.set((plan.globals.clone(), hostname.clone()));
    let pieced = plan.templates.iter().filter(|t| matches!(t.kind, plan::TemplateKind::Pieces(_)));
    let _ = core.pieced.set(pieced.map(|template| template.name.clone()).collect());
    let (inputs_of, outputs_of) = made.module_objects();
    // Netstream must be there before an action can read its keys.
    let house: Arc<dyn crate::netstream::House> = Arc::clone(core) as _;
    core.net.get_or_init(|| Net::new(house));
    // Inputs first: an instrumentation module sets defaults for the queues of actions.
    let inputs = made.inputs(&inputs_of);
    let input_limits = std::mem::take(&mut made.input_limits);
    let modifications = made.modifications();
    let actions = made.actions(&outputs_of, &modifications);
    let generators = made.generators();
    let templates = Template::compile_all(plan, &generators, made.diagnostics);
    let functions = made.functions();
    let chains = made.chains();
    let mut objects = Objects::new(plan, &core.stats, &core.log.logger(), made.diagnostics);
    objects.functions = functions;
    let exact_names = plan.globals.bool("variables.caseSensitive").unwrap_or(false);
    let mut compiler = Compiler {
        objects: &objects,
        templates: &templates,
        exact_names,
        gatherer: Gatherer::default(),
        diagnostics: made.diagnostics,
    };
    let rulesets = ruleset::compile(plan, &mut compiler);
    compiler.gatherer.build();

    let pool = Arc::new(Pool::new(POOL));
    let mut limits = plan.main_queue.as_ref().map_or_else(Limits::main_default, Limits::from_values);
    general_limits(&plan.globals, "ruleset", plan.main_queue.as_ref(), &mut limits);
    let unsaid = |name| plan.main_queue.as_ref().is_none_or(|values| values.written(name).is_none());
    let instrumented = &core.control.main_default;
    if let Some(time) = instrumented.shutdown.is().filter(|_| unsaid("queue.timeoutShutdown")) {
        limits.timeout_shutdown = time;
    }
    if let Some(time) = instrumented.enqueue.is().filter(|_| unsaid("queue.timeoutEnqueue")) {
        limits.timeout_enqueue = time;
    }
    let queue = new_queue("main Q", limits, &pool, core);
    let queue = Arc::new(queue.ordered(core.control.main_ordered.clone()));
    let filled = Arc::clone(&queue);
    core.control.count_queue(Box::new(move || filled.fill()));
    let intake = Intake::new(Arc::clone(&queue), pool);
    let around = Arc::new(Around {
        peers: Peers::new(&hostname, plan.globals.bool("net.enableDNS").unwrap_or(true))
            .at(local_address(&plan.globals, &mut diagnostics))
            .expiring(names_hold(&plan.globals))
            .judging(
                plan.globals.bool("dropMsgsWithMaliciousDnsPTRRecords").unwrap_or(false),
                core.log.logger(),
            ),
        hostname,
        globals: Globals::default(),
        zones: plan.timezones.iter().filter_map(zone).collect(),
        exact_names,
        inputs: inputs.iter().map(|(_, facts)| facts.clone()).chain(by_ruleset(plan)).collect(),
    });
    let queues: Vec<_> = plan.rulesets.iter().map(|ruleset| ruleset_queue(ruleset, core)).collect();
    // Whoever delivers to a ruleset with a queue of its own delivers there.
    let ways: Vec<_> = queues
        .iter()
        .map(|queue| match queue {
            Some(queue) => Intake::new(Arc::clone(queue), Arc::new(Pool::new(POOL))),
            None => Arc::clone(&intake),
        })
        .collect();
    let way = |ruleset: usize| Arc::clone(ways.get(ruleset).unwrap_or(&intake));
    let intakes = inputs.iter().map(|(_, facts)| way(facts.ruleset)).collect();
    let entrance =
        |(at, ruleset): (usize, &plan::Ruleset)| (ruleset.name.clone(), (inputs.len() + at) as u32, way(at));
    let entrances = plan.rulesets.iter().enumerate().map(entrance).collect();
    let mut reading =
        Reading { sanitize: sanitize_rules(&plan.globals), options: parse_options(&plan.globals) };
    let compressed = plan.globals.bool("parser.supportCompressionExtension").unwrap_or(true);
    let inflation = compressed.then(|| Inflation::new(reading.sanitize.max_message, core.log.logger()));
    let tracking = Tracking::new(&plan.globals, &core.stats, core.log.logger());
    let oversize = Oversize::new(&plan.globals, reading.sanitize.max_message, core.log.logger());
    if oversize::Mode::new(&plan.globals) == oversize::Mode::Accept {
        reading.sanitize.max_message = u32::MAX as usize;
    }
    for (object, limit) in plan.ratelimits.iter().zip(&limits_of) {
        let named = object.values.str("perSourceKeyTpl").unwrap_or("RSYSLOG_PerSourceKey");
        if let Some(template) = plan.template(named).and_then(|id| templates.get(id.0)) {
            limit.tell_sources_by(Keys::new(template, &reading, &around, &object.name, &core.stats));
        }
    }
    let reducers = match plan.globals.bool("$RepeatedMsgReduction") {
        // The last one is for the daemon's own messages.
        Some(true) => (0..=inputs.len()).map(|_| Reducer::new(reading.clone(), &around)).collect(),
        _ => Vec::new(),
    };
    let _ = core.settled.set(Settled {
        intakes,
        limits: input_limits,
        oversize,
        tracking,
        rulesets: entrances,
        reducers,
        around: Arc::clone(&around),
    });
    let listening = inputs.iter().filter(|(instance, _)| instance.wants_stats());
    core.read_stats(listening.map(|(instance, _)| Arc::downgrade(instance)).collect());
    let program = Arc::new(Program {
        around,
        rulesets,
        queues,
        templates,
        reading,
        inflation,
        chains,
        unparsed: AtomicU64::new(0),
        properties: Arc::clone(&core.properties),
        log: core.log.logger(),
        actions: actions.iter().map(|(used, _)| Arc::clone(used)).collect(),
    });
    let engine = Engine {
        core: Arc::clone(core),
        program,
        objects,
        queue,
        intake,
        limits: limits_of,
        inputs: inputs.into_iter().map(|(instance, _)| instance).collect(),
        outputs: actions.into_iter().map(|(_, output)| output).collect(),
        running: None,
    };
    core.senders.settle(allowed_senders(plan, &mut diagnostics));
    unsupported::report(plan, &mut diagnostics);
    (engine, diagnostics)
}

struct Making<'a> {
    plan: &'a Plan,
    core: &'a Arc<Core>,
    modules: &'a Modules,
    limits: Vec<Arc<RateLimit>>,
    /// Those that inputs name, by number of the input.
    input_limits: Vec<Option<Arc<RateLimit>>>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

type InputModules = Vec<Option<InputModule>>;
type OutputModules = Vec<Option<OutputModule>>;

impl Making<'_> {
    /// Module objects by their place in the Plan.
    fn module_objects(&mut self) -> (InputModules, OutputModules) {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for (index, module) in self.plan.modules.iter().enumerate() {
            let (mut input, mut output) = (None, None);
            let name = &module.spec.name;
            let me = id_of(Kind::Module, index);
            self.core.name(me, name, name);
            if let Some(plugin) = self.modules.plugin(name) {
                let values = host_values(&module.values);
                if module.spec.kinds.contains(Kinds::INPUT) {
                    input = self.check(
                        InputModule::new(plugin, name, me, &values),
                        name,
                        &module.values,
                        module.span,
                    );
                }
                if module.spec.kinds.contains(Kinds::OUTPUT) {
                    output = self.check(
                        OutputModule::new(plugin, name, me, &values),
                        name,
                        &module.values,
                        module.span,
                    );
                }
            }
            inputs.push(input);
            outputs.push(output);
        }
        (inputs, outputs)
    }

    /// Modules with functions, by their place in the Plan.
    fn functions(&mut self) -> Vec<Option<FunctionModule>> {
        let modules = self.plan.modules.iter().enumerate();
        let made = modules.map(|(index, module)| {
            let name = &module.spec.name;
            let plugin = self.modules.plugin(name).filter(|_| module.spec.kinds.contains(Kinds::FUNCTION))?;
            let values = host_values(&module.values);
            let made = FunctionModule::new(plugin, name, id_of(Kind::Module, index), &values);
            self.check(made, name, &module.values, module.span)
        });
        made.collect()
    }

    /// Modules that change messages, by their place in the Plan.
    fn modifications(&mut self) -> Vec<Option<ModifyModule>> {
        let modules = self.plan.modules.iter().enumerate();
        let made = modules.map(|(index, module)| {
            let name = &module.spec.name;
            let plugin = self.modules.plugin(name).filter(|_| module.spec.kinds.contains(Kinds::MODIFY))?;
            let values = host_values(&module.values);
            let made = ModifyModule::new(plugin, name, id_of(Kind::Module, index), &values);
            self.check(made, name, &module.values, module.span)
        });
        made.collect()
    }

    /// Modules that write templates, by name.
    fn generators(&mut self) -> Generators {
        let modules = self.plan.modules.iter().enumerate();
        let made = modules.filter(|(_, module)| module.spec.kinds.contains(Kinds::STRGEN));
        let made = made.filter_map(|(index, module)| {
            let name = &module.spec.name;
            let plugin = self.modules.plugin(name)?;
            let generator =
                Generator::new(plugin, name, id_of(Kind::Module, index), &host_values(&module.values));
            let generator = self.check(generator, name, &module.values, module.span)?;
            let properties = Arc::clone(&self.core.properties);
            Some((name.to_ascii_lowercase(), Arc::new(Generated { generator, properties })))
        });
        made.collect()
    }

    /// Turns a plugin's complaint into a diagnostic at the parameter that it is about.
    fn check<T>(&mut self, made: Result<T, Fault>, who: &str, values: &Values, at: Span) -> Option<T> {
        let fault = match made {
            Ok(made) => return Some(made),
            Err(fault) => fault,
        };
        let setting = fault.param.and_then(|index| values.settings().get(index)).and_then(Option::as_ref);
        let span = setting.map(|setting| setting.span).filter(|span| !span.is_none()).unwrap_or(at);
        let text = format!("{who}: {}", fault.text);
        self.diagnostics.push(Diagnostic::error(fault.code, "refused-by-module", text, span));
        None
    }
}

fn host_values(values: &Values) -> Vec<HostValue> {
    values.settings().iter().map(|setting| HostValue::from(setting.as_ref())).collect()
}
