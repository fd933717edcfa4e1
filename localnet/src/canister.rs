//! A canister: its state, and the execution of one of its functions with commit or rollback.

use crate::call_context::{CallContext, Callback, StopRequest};
use crate::compiled::Compiled;
use crate::entry::Entry;
use crate::execution::{Effects, Execution, Facts};
use crate::image::Image;
use crate::log::{Log, Printed};
use crate::net::Blow;
use crate::reject::Reject;
use crate::sandbox::{Ended, Failure, Function, Sandbox};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::stable::StableMemory;
use crate::subnet::Subnet;
use candid::Principal;
use ic_management_canister_types::Change;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Life cycle of a canister ("Canister status").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Running,
    /// Open call contexts are waited for; those who asked for the stop wait too.
    Stopping(Vec<StopRequest>),
    Stopped,
}

/// The low-memory hook of a canister ("On low wasm memory").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HookStatus {
    ConditionNotSatisfied,
    Ready,
    Executed,
}

/// Installed code with its heap.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) image: Image,
}

/// Entry points that trap when memory exceeds the canister's own limit, or what its balance covers;
/// callbacks and hooks must be able to finish.
const GROWTH_BOUND: Entry = Entry::START.or(Entry::INIT).or(Entry::UPDATE).or(Entry::TASK);

/// A canister. Cloning shares heap, stable memory and module; saved states hold them apart.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Canister {
    pub(crate) id: Principal,
    #[serde(with = "crate::state::shared")]
    pub(crate) controllers: Arc<[Principal]>,
    pub(crate) settings: Settings,
    pub(crate) status: Status,
    pub(crate) cycles: u128,
    #[serde(skip)]
    pub(crate) code: Option<Code>,
    #[serde(skip)]
    pub(crate) stable: StableMemory,
    pub(crate) certified_data: Vec<u8>,
    /// Deadline of the global timer; 0 if it is not set.
    pub(crate) timer: u64,
    pub(crate) hook: HookStatus,
    pub(crate) version: u64,
    pub(crate) contexts: BTreeMap<u64, CallContext>,
    pub(crate) callbacks: BTreeMap<u64, Callback>,
    /// Numbers given to call contexts and callbacks so far.
    pub(crate) issued: u64,
    /// Calls outstanding, by callee.
    pub(crate) outstanding: BTreeMap<Principal, usize>,
    pub(crate) history: Vec<Change>,
    pub(crate) changes: u64,
    #[serde(with = "crate::state::shared::chunks")]
    pub(crate) chunks: BTreeMap<[u8; 32], Arc<[u8]>>,
    pub(crate) snapshots: BTreeMap<Vec<u8>, Snapshot>,
    /// Snapshots so far, of which each has its number.
    pub(crate) snapshots_made: u64,
    pub(crate) log: Log,
    /// Cycles it has burned so far.
    pub(crate) burned: u128,
    /// Up to when it has paid for memory and allocations, in nanoseconds since 1970.
    pub(crate) charged_until: u64,
    /// For how many executions to come a fault refuses it memory.
    pub(crate) growth_refused: u64,
}

/// What to execute, and what the canister is told about it.
pub(crate) struct Invocation<'a> {
    pub(crate) entry: Entry,
    pub(crate) function: Function<'a>,
    pub(crate) caller: Principal,
    pub(crate) method: &'a str,
    pub(crate) arg: Arc<[u8]>,
    pub(crate) reject: Option<Reject>,
    pub(crate) cycles_available: u128,
    pub(crate) cycles_refunded: u128,
    pub(crate) deadline: u64,
    pub(crate) answered: bool,
    pub(crate) earlier_instructions: u64,
    pub(crate) instruction_limit: u64,
    pub(crate) certificate: Option<Arc<[u8]>>,
    /// A query called by a query, which gets no certificate.
    pub(crate) nested: bool,
    /// What a fault does to the execution.
    pub(crate) blow: Blow,
}

impl<'a> Invocation<'a> {
    pub(crate) fn new(entry: Entry, function: Function<'a>, caller: Principal, limit: u64) -> Self {
        Self {
            entry,
            function,
            caller,
            method: "",
            arg: Arc::default(),
            reject: None,
            cycles_available: 0,
            cycles_refunded: 0,
            deadline: 0,
            answered: false,
            earlier_instructions: 0,
            instruction_limit: limit,
            certificate: None,
            nested: false,
            blow: Blow::default(),
        }
    }
}

/// An execution whose changes are committed or rolled back.
pub(crate) struct Executed {
    /// The effects that are left for the network to apply: calls, answer, cycles of the call.
    pub(crate) effects: Effects,
    pub(crate) result: Result<(), Failure>,
    pub(crate) instructions: u64,
}

impl Canister {
    pub(crate) fn new(id: Principal, controllers: Arc<[Principal]>, cycles: u128) -> Self {
        Self {
            id,
            controllers,
            settings: Settings::default(),
            status: Status::Running,
            cycles,
            code: None,
            stable: StableMemory::default(),
            certified_data: Vec::new(),
            timer: 0,
            hook: HookStatus::ConditionNotSatisfied,
            version: 0,
            contexts: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            issued: 0,
            outstanding: BTreeMap::new(),
            history: Vec::new(),
            changes: 0,
            chunks: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            snapshots_made: 0,
            log: Log::default(),
            burned: 0,
            charged_until: 0,
            growth_refused: 0,
        }
    }

    /// A number for a call context or a callback.
    pub(crate) fn issue(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    pub(crate) fn exports(&self, function: &str) -> bool {
        self.code.as_ref().is_some_and(|code| code.compiled.info.functions.contains(function))
    }

    /// Whether requests are taken, else why not.
    pub(crate) fn accepts_requests(&self) -> Result<&Code, Reject> {
        match self.status {
            Status::Stopped => return Err(Reject::stopped(self.id)),
            Status::Stopping(_) => return Err(Reject::stopping(self.id)),
            Status::Running => {}
        }
        self.code.as_ref().ok_or_else(|| Reject::no_wasm_module(self.id))
    }

    /// Executes a function. Its changes are kept if it succeeds and its entry point keeps changes,
    /// else heap, globals and stable memory are put back; what it printed is kept anyway.
    pub(crate) fn execute(&mut self, subnet: &Subnet, invocation: Invocation<'_>) -> Executed {
        let injected = invocation.blow.trap;
        let function = invocation.function;
        let entry = invocation.entry;
        let execution = self.prepare(subnet, invocation, self.stable.clone());
        let (sandbox, mut ended) = self.run(subnet, function, execution, None);
        if injected && ended.result.is_ok() {
            ended.execution.effects.log.print_trap("injected fault");
            ended.result = Err(Failure::Trap(Reject::injected_trap(self.id)));
        }
        let mut effects = ended.execution.effects;
        if ended.execution.facts.replicated {
            self.log.append(subnet.time, std::mem::take(&mut effects.log));
        }
        let stable = std::mem::take(&mut effects.stable);
        let keep = (ended.result.is_ok() || subnet.config.keeps_trapped_changes()) && entry.keeps_changes();
        if keep {
            self.stable = stable;
        }
        let image = self.code.as_mut().map(|code| &mut code.image).filter(|_| keep);
        let instructions = ended.instructions.saturating_add(release(subnet, sandbox, image));
        // An execution that finished does not fail for the pages it has changed.
        let instructions = instructions.min(ended.execution.facts.instruction_limit);
        if ended.result.is_ok() && ended.execution.facts.replicated {
            self.cycles = effects.balance;
            self.burned = self.burned.saturating_add(effects.burned);
        }
        if keep {
            self.version += 1;
            self.timer = effects.timer;
            self.outstanding = std::mem::take(&mut effects.outstanding);
        }
        if (keep || subnet.config.keeps_trapped_certified_data())
            && let Some(data) = effects.certified_data.take()
        {
            self.certified_data = data;
        }
        if ended.execution.facts.replicated {
            self.growth_refused = self.growth_refused.saturating_sub(1);
        }
        Executed { effects, result: ended.result, instructions }
    }

    /// Runs in a live instance in the committed state, or in another one; stable memory is in the
    /// effects afterwards. Nothing is committed yet.
    fn run(
        &self,
        subnet: &Subnet,
        function: Function<'_>,
        execution: Box<Execution>,
        image: Option<&Image>,
    ) -> (Option<Box<Sandbox>>, Ended) {
        let sandbox = match &self.code {
            Some(code) => subnet
                .instances
                .take(&code.compiled, self.id, image.unwrap_or(&code.image))
                .map_err(|error| format!("{error:#}")),
            None => Err("there is no Wasm module".to_owned()),
        };
        let (sandbox, mut ended) = match sandbox {
            Ok(mut sandbox) => {
                let ended = sandbox.run(function, execution);
                (Some(sandbox), ended)
            }
            Err(error) => {
                let result = Err(Failure::Trap(Reject::error_from(self.id, 502, error)));
                (None, Ended { execution, result, instructions: 0 })
            }
        };
        crate::system_api::drop_pending(&mut ended.execution);
        (sandbox, ended)
    }

    /// What the canister is told, and the stable memory it works on.
    fn prepare(&self, subnet: &Subnet, invocation: Invocation<'_>, stable: StableMemory) -> Box<Execution> {
        let entry = invocation.entry;
        let query = entry.is_in(
            Entry::QUERY
                .or(Entry::COMPOSITE_QUERY)
                .or(Entry::COMPOSITE_REPLY)
                .or(Entry::COMPOSITE_REJECT)
                .or(Entry::COMPOSITE_CLEANUP),
        );
        let limits = &subnet.config.limits;
        let facts = Facts {
            entry,
            canister: self.id,
            caller: invocation.caller,
            time: subnet.time,
            arg: invocation.arg,
            method: invocation.method.to_owned(),
            reject: invocation.reject,
            cycles_refunded: invocation.cycles_refunded,
            deadline: invocation.deadline,
            status: self.status_number(),
            version: self.version,
            controllers: Arc::clone(&self.controllers),
            environment: Arc::clone(&self.settings.environment),
            root_key: Arc::clone(&subnet.root_key),
            subnet: subnet.id,
            answered: invocation.answered,
            earlier_instructions: invocation.earlier_instructions,
            instruction_limit: invocation.instruction_limit,
            wasm_memory_limit: entry.is_in(GROWTH_BOUND).then(|| self.settings.wasm_memory_limit()).flatten(),
            reply_limit: if query { limits.query_reply_bytes } else { limits.reply_bytes },
            memory64: self.memory64(),
            growth_must_be_covered: entry.is_in(GROWTH_BOUND),
            costs: subnet.config.costs.clone(),
            limits: limits.clone(),
            certificate: invocation.certificate,
            nested: invocation.nested,
            replicated: !query && entry != Entry::INSPECT,
            growth_refused: self.growth_refused > 0,
            refused_call: invocation.blow.refused_call,
        };
        let effects = Effects {
            stable,
            balance: self.cycles,
            upkeep: self.upkeep(&subnet.config.costs),
            cycles_available: invocation.cycles_available,
            timer: self.timer,
            outstanding: self.outstanding.clone(),
            log: Printed::within(self.settings.log_capacity()),
            ..Effects::default()
        };
        Box::new(Execution { facts, effects })
    }

    fn status_number(&self) -> u32 {
        match self.status {
            Status::Running => 1,
            Status::Stopping(_) => 2,
            Status::Stopped => 3,
        }
    }
}

/// Heap and stable memory of a query while it is evaluated.
#[derive(Clone)]
pub(crate) struct Working {
    image: Image,
    stable: StableMemory,
}

impl Canister {
    /// A working copy of the committed state.
    pub(crate) fn working(&self) -> Working {
        Working {
            image: self.code.as_ref().map(|code| code.image.clone()).unwrap_or_default(),
            stable: self.stable.clone(),
        }
    }

    /// Executes on a working copy: success changes that, nothing changes the canister.
    pub(crate) fn execute_in(&self, subnet: &Subnet, invocation: Invocation<'_>, working: &mut Working) -> Executed {
        let function = invocation.function;
        let execution = self.prepare(subnet, invocation, working.stable.clone());
        let (sandbox, ended) = self.run(subnet, function, execution, Some(&working.image));
        let mut effects = ended.execution.effects;
        let stable = std::mem::take(&mut effects.stable);
        let keep = ended.result.is_ok();
        if keep {
            working.stable = stable;
        }
        release(subnet, sandbox, keep.then_some(&mut working.image));
        Executed { effects, result: ended.result, instructions: ended.instructions }
    }

    /// Executes on the committed state, and keeps nothing.
    pub(crate) fn evaluate(&self, subnet: &Subnet, invocation: Invocation<'_>) -> Executed {
        let function = invocation.function;
        let execution = self.prepare(subnet, invocation, self.stable.clone());
        let (sandbox, ended) = self.run(subnet, function, execution, None);
        release(subnet, sandbox, None);
        Executed { effects: ended.execution.effects, result: ended.result, instructions: ended.instructions }
    }
}

/// Takes over into `state` what was executed, or undoes it, and lets others use the instance; what the
/// changes cost, in instructions.
fn release(subnet: &Subnet, sandbox: Option<Box<Sandbox>>, state: Option<&mut Image>) -> u64 {
    let Some(mut sandbox) = sandbox else {
        return 0;
    };
    let (usable, cost) = match state {
        Some(state) => (sandbox.commit(state), sandbox.changes_cost()),
        None => (sandbox.is_reusable() && sandbox.roll_back(), 0),
    };
    if usable && sandbox.is_reusable() {
        subnet.instances.put(sandbox);
    }
    cost
}
