//! imdiag's options: those of `module()`, with what its instances share, and those of `input()`.

use crate::gate::Gate;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use sysloom_sdk::{Complaint, ParamSpec, Params, Submit, Values};

/// `module(load="imdiag")`.
#[derive(Params)]
pub struct ModuleParams {
    /// A file that gets the bound port, when port 0 was asked for.
    #[param(name = "listenPortFileName", path, legacy = "IMDiagListenPortFileName:module")]
    pub port_file: Option<String>,
    /// TCP port to take commands on; 0 = any free one.
    #[param(name = "serverRun", legacy = "IMDiagServerRun:module")]
    pub server_run: Option<String>,
    /// Flow control of injected messages: at which mark of the queue they wait.
    #[param(
        name = "injectDelayMode",
        choices = "no|light|full",
        default = "no",
        legacy = "IMDiagInjectDelayMode:module"
    )]
    pub delay_mode: String,
    /// Seconds after which the process is aborted.
    #[param(name = "abortTimeout", legacy = "IMDiagAbortTimeout:module")]
    pub abort_timeout: Option<i64>,
    /// A file that is written when the process has ended in order, and says how it ended otherwise.
    #[param(name = "properTerminationFile", path)]
    pub termination_file: Option<String>,
    /// The main queue's queue.timeoutShutdown, in ms, unless the configuration has one.
    #[param(name = "mainMsgQueueTimeoutShutdown", non_negative)]
    pub main_shutdown: Option<u32>,
    /// The main queue's queue.timeoutEnqueue, in ms, unless the configuration has one.
    #[param(name = "mainMsgQueueTimeoutEnqueue", non_negative)]
    pub main_enqueue: Option<u32>,
    /// global(inputs.timeout.shutdown), in ms.
    #[param(name = "inputShutdownTimeout", non_negative)]
    pub inputs_shutdown: Option<u32>,
    /// global(default.action.queue.timeoutShutdown), in ms.
    #[param(name = "defaultActionQueueTimeoutShutdown", non_negative)]
    pub action_shutdown: Option<u32>,
    /// global(default.action.queue.timeoutEnqueue), in ms.
    #[param(name = "defaultActionQueueTimeoutEnqueue", non_negative)]
    pub action_enqueue: Option<u32>,
    /// Sessions at once.
    #[param(name = "maxSessions", positive, default = "20", legacy = "IMDiagMaxSessions:module")]
    pub max_sessions: u32,
    /// Accepted; the listener is always plain TCP.
    #[param(name = "serverStreamDriverMode", default = "0", legacy = "IMDiagServerStreamDriverMode:module")]
    pub driver_mode: i64,
    /// Accepted, as above.
    #[param(name = "serverStreamDriverAuthMode", legacy = "IMDiagServerStreamDriverAuthMode:module")]
    pub auth_mode: Option<String>,
    /// Accepted, as above.
    #[param(
        name = "serverStreamDriverPermittedPeer",
        legacy = "IMDiagServerStreamDriverPermittedPeer:module:list"
    )]
    pub permitted_peers: Vec<String>,
    /// The listener's name in messages about it.
    #[param(name = "serverInputName", default = "imdiag", legacy = "IMDiagServerInputName:module")]
    pub name: String,
}

/// The module's options, and what its instances share.
pub struct Module {
    pub params: ModuleParams,
    /// There is a listener already.
    pub taken: AtomicBool,
    pub gate: Arc<Gate>,
}

impl Params for Module {
    const TABLE: &'static [ParamSpec] = ModuleParams::TABLE;

    fn read(values: &Values<'_>) -> Result<Self, Complaint> {
        let params = ModuleParams::read(values)?;
        Ok(Self { params, taken: AtomicBool::new(false), gate: Arc::default() })
    }
}

/// `input(type="imdiag")`.
#[derive(Params)]
pub struct InputParams {
    /// TCP port to take commands on; 0 = any free one.
    pub port: Option<String>,
}

impl ModuleParams {
    /// How injected messages are handed over.
    pub fn delay(&self) -> Submit {
        match self.delay_mode.to_ascii_lowercase().as_str() {
            "light" => Submit::LIGHT_DELAY,
            "full" => Submit::FULL_DELAY,
            _ => Submit::NONE,
        }
    }
}
