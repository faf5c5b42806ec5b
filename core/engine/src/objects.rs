//! The objects that scripts use by name: lookup tables, dynamic counters, percentiles. Made from the Plan when the
//! engine is assembled.

use crate::dynstats::Bucket;
use crate::lookup::Table;
use crate::percentile::Percentiles;
use crate::plugin::FunctionModule;
use crate::stats::Stats;
use slog::Logger;
use std::sync::Arc;
use sysloom_config::Diagnostic;
use sysloom_config::plan::Plan;

/// All of them, by their places in the Plan.
#[derive(Clone, Default)]
pub struct Objects {
    pub tables: Vec<Arc<Table>>,
    pub buckets: Vec<Arc<Bucket>>,
    pub percentiles: Vec<Arc<Percentiles>>,
    /// Of each module that brings functions.
    pub functions: Vec<Option<FunctionModule>>,
}

impl Objects {
    /// Makes the objects; a table that cannot be loaded is reported and stays empty.
    pub fn new(plan: &Plan, stats: &Arc<Stats>, log: &Logger, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let tables = plan.lookup_tables.iter().map(|object| {
            let values = &object.values;
            let on_hup = values.bool("reloadOnHUP").unwrap_or(true);
            let file = values.str("file").unwrap_or_default();
            let (table, loaded) = Table::new(&object.name, file, on_hup, log.clone());
            if let Err(bad) = loaded {
                let span = values.span("file").unwrap_or(object.span);
                diagnostics.push(Diagnostic::error(bad.code(), "lookup-table", bad.to_string(), span));
            }
            table
        });
        let tables = tables.collect();
        let directory = plan.globals.str("workDirectory");
        let buckets = plan.dyn_stats.iter();
        let buckets = buckets.map(|o| Bucket::new(&o.name, &o.values, directory, stats, log)).collect();
        let percentiles = plan.percentile_stats.iter().map(|o| Percentiles::new(&o.name, &o.values, stats));
        Self { tables, buckets, percentiles: percentiles.collect(), functions: Vec::new() }
    }
}
