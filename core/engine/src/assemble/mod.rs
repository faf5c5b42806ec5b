//! From a configuration's Plan to an engine that can run: modules and instances are made, names become numbers,
//! templates and filters are compiled. Nothing is opened yet.
//!
//! Complaints of plugins come back as diagnostics at the parameter they are about. What fails is left out; everything
//! else still runs, unless the configuration says otherwise.

mod environment;
mod streams;
mod unsupported;

pub use environment::{Modules, World};
pub use streams::Places;
pub use unsupported::WITHOUT_EFFECT;

use crate::action::{Action, Attempt, ErrorFile, Outbox, Policy, ToPlugin, When};
use crate::batch::{Bulk, Pool};
use crate::control::{Time, Times};
use crate::core::{Core, Kind, Settled, id_of};
use crate::engine::Engine;
use crate::filter::Gatherer;
use crate::inflate::Inflation;
use crate::intake::Intake;
use crate::message::{Around, InputFacts};
use crate::netstream::Net;
use crate::objects::Objects;
use crate::oversize::{self, Oversize};
use crate::parsers::{Chain, Parser, Rfc3164};
use crate::peers::Peers;
use crate::plugin::{
    Fault, FunctionModule, Generator, HostValue, InputInstance, InputModule, ModifyModule, OutputInstance,
    OutputModule, ParserInstance, ParserModule,
};
use crate::queue::{Limits, Queue};
use crate::ratelimit::{self, Keys, OutputLimit, RateLimit};
use crate::reduce::Reducer;
use crate::ruleset;
use crate::script::{Compiler, Globals};
use crate::senders::{self, List, Remark, Rules};
use crate::template::{Generated, Generators, Template};
use crate::tracking::Tracking;
use crate::worker::{ActionUse, Program, Reading};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use sysloom_abi::iface_flag;
use sysloom_config::catalogue::{Kinds, Param, Type};
use sysloom_config::plan::{self, Plan, Value, Values};
use sysloom_config::{Diagnostic, Span};
use sysloom_wire::{Options, SanitizeRules};

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

/// `$AllowedSender`, the lists of inputs that bring one, and the rules for both.
fn allowed_senders(plan: &Plan, diagnostics: &mut Vec<Diagnostic>) -> senders::Settled {
    let is_on = |name, default| plan.globals.bool(name).unwrap_or(default);
    let rules = Rules {
        dns: is_on("net.enableDNS", true),
        resolve: is_on("net.aclResolveHostname", true),
        add_on_fail: is_on("net.aclAddHostnameOnFail", false),
    };
    let mut say = |remarks: Vec<Remark>, span: Span| {
        diagnostics.extend(remarks.into_iter().map(|Remark { code, error, text }| match error {
            true => Diagnostic::error(code, "allowed-sender", text, span),
            false => Diagnostic::warning(code, "allowed-sender", text, span),
        }));
    };
    let mut lists: Vec<(String, List)> = Vec::new();
    for sender in &plan.allowed_senders {
        let at = lists.iter().position(|(protocol, _)| *protocol == sender.protocol).unwrap_or_else(|| {
            lists.push((sender.protocol.clone(), List::default()));
            lists.len() - 1
        });
        say(lists[at].1.add(&sender.pattern, rules), sender.span);
    }
    let mut own = Vec::new();
    let modules = plan.modules.iter().map(|module| &module.values);
    for values in modules.chain(plan.inputs.iter().map(|input| &input.values)) {
        let text = values.list("allowedSender").join(",");
        if !text.is_empty() {
            let (list, remarks) = List::parse(&text, rules);
            say(remarks, values.span("allowedSender").unwrap_or(Span::NONE));
            own.push((text, list));
        }
    }
    senders::Settled { rules, lists, own, warn: is_on("net.permitACLWarning", true) }
}

fn new_queue<T: Bulk>(name: &str, limits: Limits, pool: &Arc<Pool<T>>, core: &Core) -> Queue<T> {
    core.log.say(7, 0, &format!("queue '{name}': {}", limits.describe()));
    Queue::new(name, limits, Arc::clone(pool), &core.stats)
}

/// A zone's name and its minutes east of UTC. The configuration has seen that the offset is `+hh:mm`.
fn zone(object: &plan::Object) -> Option<(String, i16)> {
    Some((object.name.clone(), offset(object.values.str("offset")?)?))
}

/// The minutes of `+hh:mm` or `-hh:mm`.
fn offset(text: &str) -> Option<i16> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (i16::from(hours) * 60 + i16::from(minutes)))
}

/// The queue that a ruleset has of its own.
fn ruleset_queue(ruleset: &plan::Ruleset, core: &Core) -> Option<Arc<Queue>> {
    let values = ruleset.queue.as_ref()?;
    let kind = values.str("queue.type").unwrap_or("fixedarray");
    if kind.eq_ignore_ascii_case("direct") {
        return None;
    }
    let mut limits = Limits::from_values(values);
    if let Some((globals, _)) = core.globals.get() {
        general_limits(globals, "ruleset", Some(values), &mut limits);
    }
    let queue = Arc::new(new_queue(&ruleset.name, limits, &Arc::new(Pool::new(POOL)), core));
    let filled = Arc::clone(&queue);
    core.control.count_queue(Box::new(move || filled.fill()));
    Some(queue)
}

/// What `global()` sets for all queues of a kind: times that the queue says nothing of itself, and its size at the end.
fn general_limits(globals: &Values, kind: &str, own: Option<&Values>, limits: &mut Limits) {
    limits.doubles = globals.bool("shutdown.queue.doubleSize").unwrap_or(false);
    for (name, time) in [
        ("queue.timeoutShutdown", &mut limits.timeout_shutdown),
        ("queue.timeoutActionCompletion", &mut limits.timeout_action_completion),
        ("queue.timeoutEnqueue", &mut limits.timeout_enqueue),
        ("queue.timeoutWorkerThreadShutdown", &mut limits.timeout_worker),
    ] {
        let general = format!("default.{kind}.{name}");
        let given = globals.written(&general).and(globals.int(&general)).and_then(|n| u64::try_from(n).ok());
        if let Some(given) = given.filter(|_| own.is_none_or(|own| own.written(name).is_none())) {
            *time = Duration::from_millis(given);
        }
    }
}

/// One input for each port whose number shall stand in its messages' input name.
fn by_port(input: &plan::Input) -> Vec<plan::Input> {
    let ports = input.values.list("port");
    let (Some(true), Some(at)) = (input.values.bool(APPEND_PORT), input.values.index("port")) else {
        return vec![input.clone()];
    };
    let Some(setting) = input.values.settings().get(at).cloned().flatten() else {
        return vec![input.clone()];
    };
    let one = |port: &String| {
        let mut input = input.clone();
        input.values.set(at, plan::Setting { value: Value::List(vec![port.clone()]), ..setting.clone() });
        input
    };
    ports.iter().map(one).collect()
}

/// For messages that are handed to a ruleset by its name: they belong to no input.
fn by_ruleset(plan: &Plan) -> impl Iterator<Item = InputFacts> {
    (0..plan.rulesets.len()).map(|ruleset| InputFacts { name: "rsyslogd".into(), zone: None, ruleset })
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

    /// The parsers of rulesets that name their own; nothing if none does.
    fn chains(&mut self) -> Vec<Option<Chain>> {
        let plan = self.plan;
        if plan.rulesets.iter().all(|ruleset| ruleset.parsers.is_empty()) {
            return Vec::new();
        }
        let mut modules: HashMap<usize, Option<ParserModule>> = HashMap::new();
        let mut instances: HashMap<String, Option<Arc<ParserInstance>>> = HashMap::new();
        let mut chains = Vec::new();
        for ruleset in &plan.rulesets {
            let mut chain = Vec::new();
            for (name, span) in &ruleset.parsers {
                let (module, values) = match plan.parsers.iter().find(|p| p.name.eq_ignore_ascii_case(name)) {
                    Some(parser) => (parser.module, parser.values.clone()),
                    None => {
                        match name.to_ascii_lowercase().as_str() {
                            "rsyslog.rfc5424" => chain.push(Parser::Rfc5424),
                            "rsyslog.rfc3164" => chain.push(Parser::Rfc3164(Box::default())),
                            _ => {}
                        }
                        let is_its = |module: &plan::Module| {
                            module
                                .spec
                                .parser_name
                                .as_deref()
                                .is_some_and(|own| own.eq_ignore_ascii_case(name))
                        };
                        let Some(at) = plan.modules.iter().position(is_its) else { continue };
                        (at, Values::defaults(plan.modules[at].spec.instance_params.clone().into()))
                    }
                };
                let spec = &plan.modules[module].spec;
                match spec.name.as_str() {
                    "pmrfc5424" => chain.push(Parser::Rfc5424),
                    "pmrfc3164" => {
                        let find = |name: &str| plan.ruleset(name).map(|id| id.0);
                        self.known_ruleset(&values, "headerless.ruleset", *span);
                        chain.push(Parser::Rfc3164(Box::new(Rfc3164::new(
                            &values,
                            find,
                            &self.core.log.logger(),
                        ))));
                    }
                    word => {
                        let made = match instances.get(&name.to_ascii_lowercase()) {
                            Some(made) => made.clone(),
                            None => {
                                let object =
                                    modules.entry(module).or_insert_with(|| self.parser_module(module));
                                let me = id_of(Kind::Parser, instances.len());
                                self.core.name(me, word, name);
                                let made = object.as_ref().and_then(|object| {
                                    let made = object.instance(me, &host_values(&values));
                                    self.check(made, word, &values, *span).map(Arc::new)
                                });
                                instances.insert(name.to_ascii_lowercase(), made.clone());
                                made
                            }
                        };
                        chain.extend(made.map(Parser::Plugin));
                    }
                }
            }
            chains.push((!ruleset.parsers.is_empty()).then_some(Chain(chain)));
        }
        chains
    }

    fn parser_module(&mut self, index: usize) -> Option<ParserModule> {
        let module = &self.plan.modules[index];
        let name = &module.spec.name;
        let plugin = self.modules.plugin(name)?;
        let made = ParserModule::new(plugin, name, id_of(Kind::Module, index), &host_values(&module.values));
        self.check(made, name, &module.values, module.span)
    }

    /// Reports a ruleset that a parameter names and nobody defines.
    fn known_ruleset(&mut self, values: &Values, param: &str, at: Span) {
        let Some(name) = values.str(param).filter(|name| !name.is_empty()) else { return };
        if self.plan.ruleset(name).is_none() {
            let text = format!("ruleset '{name}' cannot be found");
            let span = values.span(param).unwrap_or(at);
            self.diagnostics.push(Diagnostic::error(2207, "unknown-ruleset", text, span));
        }
    }

    fn inputs(&mut self, modules: &InputModules) -> Vec<(Arc<InputInstance>, InputFacts)> {
        let mut made = Vec::new();
        let automatic: Vec<plan::Input> = self.automatic_inputs();
        let written: Vec<plan::Input> = self.plan.inputs.iter().flat_map(by_port).collect();
        for (at, input) in automatic.iter().chain(&written).enumerate() {
            let Some(Some(module)) = modules.get(input.module) else { continue };
            let spec = &self.plan.modules[input.module].spec;
            let mut name = input.values.str("name").unwrap_or(&spec.name).to_owned();
            if let (Some(true), Some(port)) =
                (input.values.bool(APPEND_PORT), input.values.list("port").first())
            {
                name = format!("{name}:{port}");
            }
            let zone = self.default_zone(&spec.name, &input.values, input.span);
            // Numbers of inputs are given to those that come to be, so that they are without gaps.
            let me = id_of(Kind::Input, made.len());
            let object = match input.values.str("port") {
                Some(port) => format!("{name}({port})"),
                None => name.clone(),
            };
            self.core.name(me, &spec.name, &object);
            if spec.uses_streams {
                let params = streams::params(&input.streams, &self.plan.globals);
                self.core.stream(me, params, streams::places(&input.streams, input.span));
            }
            let instance = module.instance(me, &host_values(&input.values));
            let Some(instance) = self.check(instance, &spec.name, &input.values, input.span) else {
                continue;
            };
            let ruleset = input.ruleset.or(self.plan.default_ruleset).map_or(0, |id| id.0);
            // What a module has by itself is described by the module's own parameters.
            let values =
                if at < automatic.len() { &self.plan.modules[input.module].values } else { &input.values };
            self.input_limits.push(ratelimit::named(values, &self.limits, self.diagnostics));
            made.push((Arc::new(instance), InputFacts { name, zone, ruleset }));
        }
        self.idle_inputs();
        made
    }

    /// What an input's defaultTZ says, in minutes east of UTC.
    fn default_zone(&mut self, who: &str, values: &Values, at: Span) -> Option<i16> {
        let text = values.str("defaultTZ").filter(|text| !text.is_empty())?;
        let zone = offset(text);
        if zone.is_none() {
            let text = format!("{who}: defaultTZ '{text}' is no offset: it must be +hh:mm or -hh:mm");
            let span = values.span("defaultTZ").unwrap_or(at);
            self.diagnostics.push(Diagnostic::error(2207, "refused-by-module", text, span));
        }
        zone
    }

    /// rsyslog: an input that nothing can come through is an error.
    fn idle_inputs(&mut self) {
        for (index, module) in self.plan.modules.iter().enumerate() {
            let is_input = module.spec.kinds.contains(Kinds::INPUT) && !module.spec.kinds.is_action();
            let loaded = self.modules.plugin(&module.spec.name).is_some();
            if is_input && loaded && !module.asked && !self.is_automatic(index) {
                let name = &module.spec.name;
                let text =
                    format!("{name}: module loaded, but no listeners defined - no input will be gathered");
                self.diagnostics.push(Diagnostic::error(2212, "no-listener", text, module.span));
            }
        }
    }

    /// The instances that modules have without an input() of the configuration, like the system's log socket.
    fn automatic_inputs(&self) -> Vec<plan::Input> {
        let modules = self.plan.modules.iter().enumerate();
        let automatic = modules.filter(|(index, _)| self.is_automatic(*index));
        automatic
            .map(|(index, module)| plan::Input {
                module: index,
                values: Values::defaults(module.spec.instance_params.clone().into()),
                streams: module.streams.clone(),
                ruleset: module.values.str("ruleset").and_then(|name| self.plan.ruleset(name)),
                span: module.span,
            })
            .collect()
    }

    fn is_automatic(&self, module: usize) -> bool {
        let name = &self.plan.modules[module].spec.name;
        let ifaces = self.modules.plugin(name).map_or(&[][..], |plugin| plugin.ifaces());
        ifaces.iter().any(|i| i.name == *name && i.flags & iface_flag::AUTO != 0)
    }

    /// One for each action of the Plan, so that their numbers hold; what cannot be made delivers nothing.
    fn actions(
        &mut self,
        modules: &OutputModules,
        modifications: &[Option<ModifyModule>],
    ) -> Vec<(Arc<ActionUse>, Option<Arc<OutputInstance>>)> {
        let mut made = Vec::new();
        let mark_interval = mark_interval(self.plan).unwrap_or(MARK_INTERVAL);
        for (index, action) in self.plan.actions.iter().enumerate() {
            let me = id_of(Kind::Action, index);
            let spec = &self.plan.modules[action.module].spec;
            let name = self.plan.action_name(plan::ActionId(index));
            self.core.name(me, "core.action", &name);
            if spec.uses_streams {
                let params = streams::params(&action.streams, &self.plan.globals);
                self.core.stream(me, params, streams::places(&action.streams, action.span));
            }
            let instance = modules.get(action.module).and_then(Option::as_ref).and_then(|module| {
                let instance = module.instance(me, &host_values(&action.values));
                self.check(instance, &spec.name, &action.values, action.span).map(Arc::new)
            });
            let modify = modifications.get(action.module).and_then(Option::as_ref).and_then(|module| {
                let instance = module.instance(me, &host_values(&action.values));
                self.check(instance, &spec.name, &action.values, action.span)
            });
            let mut queue =
                action.queue.as_ref().and_then(|values| self.action_queue(&name, values, action.span));
            if spec.kinds.contains(Kinds::MODIFY) && queue.take().is_some() {
                // rsyslog: takes the queue, and the changes come too late or in the middle of other actions.
                let text =
                    format!("action '{name}' changes messages at its place: it gets no queue of its own");
                self.diagnostics.push(Diagnostic::warning(2357, "no-queue", text, action.span));
            }
            let module = format!("{}{}", if spec.builtin { "builtin:" } else { "" }, spec.name);
            let policy = Policy::new(&action.common, &self.plan.globals);
            let open = opener(instance.clone());
            let log = self.core.log.logger();
            let mut act = Action::new(name, module, policy, log.clone(), &self.core.stats);
            let most = action.common.int("action.errorFile.maxSize").unwrap_or(0);
            act.error_file =
                action.common.str("action.errorFile").map(|path| ErrorFile::new(path, most, log));
            act.external_state = action.common.str("action.externalState.file").map(Into::into);
            let limit = self.output_limit(action, &act.name, queue.is_some());
            let used = ActionUse {
                action: act,
                when: When::new(&action.common, mark_interval),
                columns: columns(self.plan, action),
                open,
                modify,
                queue,
                limit,
            };
            made.push((Arc::new(used), instance));
        }
        made
    }

    /// The limit that an action names: as every action can, or as its module does.
    fn output_limit(&mut self, action: &plan::Action, name: &str, queued: bool) -> Option<OutputLimit> {
        let own = ratelimit::named(&action.values, &self.limits, self.diagnostics);
        let limit = ratelimit::named(&action.common, &self.limits, self.diagnostics).or(own)?;
        let (made, complaint) = OutputLimit::new(limit, name, queued, action.span, &self.core.stats);
        self.diagnostics.extend(complaint);
        Some(made)
    }

    /// The queue of an action that has one of its own; a direct one is none.
    fn action_queue(&mut self, action: &str, values: &Values, at: Span) -> Option<Arc<Queue<Outbox>>> {
        let kind = values.str("queue.type").unwrap_or("direct").to_ascii_lowercase();
        if kind == "direct" {
            return None;
        }
        let mut lacks = |what: &str, parameter: &str| {
            let text = format!("{what} is not supported yet: the queue is kept in memory");
            let span = values.span(parameter).unwrap_or(at);
            self.diagnostics.push(Diagnostic::warning(2357, "unsupported", text, span));
        };
        match (kind.as_str(), values.written("queue.filename")) {
            ("disk", _) => lacks("a queue on disk", "queue.type"),
            (_, Some(_)) => lacks("spilling to disk", "queue.filename"),
            _ => {}
        }
        let mut limits = Limits::of_action(values);
        general_limits(&self.plan.globals, "action", Some(values), &mut limits);
        let instrumented = &self.core.control.action_default;
        if let Some(time) =
            instrumented.shutdown.is().filter(|_| values.written("queue.timeoutShutdown").is_none())
        {
            limits.timeout_shutdown = time;
        }
        if let Some(time) =
            instrumented.enqueue.is().filter(|_| values.written("queue.timeoutEnqueue").is_none())
        {
            limits.timeout_enqueue = time;
        }
        // What is ordered later holds for the same queues as what is set before.
        let unsaid = |name: &str, time: &Time| match values.written(name) {
            None => time.clone(),
            Some(_) => Time::default(),
        };
        let ordered = Times {
            shutdown: unsaid("queue.timeoutShutdown", &instrumented.shutdown),
            enqueue: unsaid("queue.timeoutEnqueue", &instrumented.enqueue),
        };
        let queue = new_queue(&format!("{action} queue"), limits, &Arc::new(Pool::new(POOL)), self.core);
        let queue = Arc::new(queue.ordered(ordered));
        let filled = Arc::clone(&queue);
        self.core.control.count_queue(Box::new(move || filled.fill()));
        Some(queue)
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

/// The seconds between marks: of whichever module answers to rsyslog's directive for them.
fn mark_interval(plan: &Plan) -> Option<i64> {
    let mut settings = plan.modules.iter().flat_map(|module| module.values.iter());
    let is_marks =
        |param: &Param| param.legacy.iter().any(|l| l.name.eq_ignore_ascii_case("MarkMessagePeriod"));
    let (_, setting) = settings.find(|(param, _)| is_marks(param))?;
    match setting?.value {
        Value::Int(seconds) => Some(seconds),
        _ => None,
    }
}

/// How a worker thread gets its worker object of an action's output.
fn opener(instance: Option<Arc<OutputInstance>>) -> Box<dyn Fn() -> Result<Attempt, String> + Send + Sync> {
    Box::new(move || match &instance {
        Some(instance) => match instance.worker() {
            Ok(worker) => Ok(Attempt::new(Box::new(ToPlugin::new(worker)))),
            Err(fault) => Err(fault.text),
        },
        None => Err("its output was refused, see above; its messages are lost".into()),
    })
}

/// The templates of an action's columns: its own, then each parameter that names one.
fn columns(plan: &Plan, action: &plan::Action) -> Vec<usize> {
    let own = action.template.map(|id| id.0);
    let further = action.values.iter().filter_map(|(param, setting)| {
        if param.ty != Type::Template || param.answers_to("template") {
            return None;
        }
        match &setting?.value {
            Value::Str(name) => plan.template(name).map(|id| id.0),
            _ => None,
        }
    });
    own.into_iter().chain(further).collect()
}

fn host_values(values: &Values) -> Vec<HostValue> {
    values.settings().iter().map(|setting| HostValue::from(setting.as_ref())).collect()
}

/// This host's name for messages: as configured, or the system's, without its domain unless asked for.
pub(crate) fn hostname(globals: &Values) -> String {
    if let Some(name) = globals.str("localHostname") {
        return name.into();
    }
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".into());
    match name.split_once('.') {
        Some((short, _)) if !globals.bool("preserveFQDN").unwrap_or(false) => short.into(),
        _ => name,
    }
}

fn sanitize_rules(globals: &Values) -> SanitizeRules {
    let usual = SanitizeRules::default();
    let on = |name: &str, usual: bool| globals.bool(name).unwrap_or(usual);
    SanitizeRules {
        escape_control: on("parser.escapeControlCharactersOnReceive", usual.escape_control),
        escape_tab: on("parser.escapeControlCharacterTab", usual.escape_tab),
        escape_8bit: on("parser.escape8BitCharactersOnReceive", usual.escape_8bit),
        space_lf: on("parser.spaceLFOnReceive", usual.space_lf),
        drop_trailing_lf: on("parser.dropTrailingLFOnReception", usual.drop_trailing_lf),
        drop_trailing_cr: on("parser.dropTrailingCROnReception", usual.drop_trailing_cr),
        c_style: on("parser.escapeControlCharactersCStyle", usual.c_style),
        prefix: match globals.value("parser.controlCharacterEscapePrefix") {
            Some(Value::Str(text)) => text.bytes().next().unwrap_or(usual.prefix),
            Some(Value::Int(byte)) => u8::try_from(*byte).unwrap_or(usual.prefix),
            _ => usual.prefix,
        },
        max_message: globals
            .int("maxMessageSize")
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(usual.max_message),
    }
}

fn parse_options(globals: &Values) -> Options {
    let usual = Options::default();
    Options {
        parse_hostname_and_tag: globals
            .bool("parser.parseHostnameAndTag")
            .unwrap_or(usual.parse_hostname_and_tag),
        permit_slash_in_programname: globals
            .bool("parser.permitSlashInProgramname")
            .unwrap_or(usual.permit_slash_in_programname),
        ..usual
    }
}

const APPEND_PORT: &str = "name.appendPort";
/// How long names from DNS hold. None = for ever.
fn names_hold(globals: &Values) -> Option<Duration> {
    if globals.bool("reverseLookup.cache.ttl.enable") != Some(true) {
        return None;
    }
    let seconds = globals.int("reverseLookup.cache.ttl.default").and_then(|n| u64::try_from(n).ok());
    Some(Duration::from_secs(seconds.unwrap_or(86_400)))
}

/// Seconds between marks when nothing is said.
const MARK_INTERVAL: i64 = 1200;
/// Batches kept for reuse.
const POOL: usize = 16;
