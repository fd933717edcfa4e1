//! A live instance of a canister's module, kept between messages.

use crate::compiled::Compiled;
use crate::execution::{Closure, Execution, Violation};
use crate::heap::Heap;
use crate::image::{Globals, Image};
use crate::live_heap::LiveHeap;
use crate::metering::{DIRTY_PAGE, Metering};
use crate::module::{MEMORY, TABLE, global_export};
use crate::reject::Reject;
use candid::Principal;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::{Func, Global, Instance, Memory, Ref, Store, Table, TypedFunc};

/// Data of a store: the running execution and where the System API finds the heap.
pub(crate) struct Host {
    pub(crate) memory: Option<Memory>,
    pub(crate) execution: Option<Box<Execution>>,
    /// Fuel the running execution was given.
    pub(crate) fuel: u64,
    /// Instructions of the running execution that its fuel does not show.
    pub(crate) owed: u64,
    /// Whether system calls are paid for in instructions.
    pub(crate) system_calls_cost: bool,
    /// Whether pointers into the heap have 64 bits.
    pub(crate) memory64: bool,
}

impl Host {
    fn new(compiled: &Compiled) -> Self {
        let system_calls_cost = compiled.metering == Metering::Network;
        let memory64 = compiled.info.memory64;
        Self { memory: None, execution: None, fuel: 0, owed: 0, system_calls_cost, memory64 }
    }

    /// Instructions of the running execution, with so much fuel left.
    pub(crate) fn executed(&self, fuel_left: u64) -> u64 {
        self.fuel.saturating_sub(fuel_left).saturating_add(self.owed)
    }
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Function<'a> {
    Export(&'a str),
    Callback(Closure),
}

/// A live instance. Between executions its heap and globals are those of a committed state.
pub(crate) struct Sandbox {
    compiled: Arc<Compiled>,
    /// The canister that used it last: likely to be near its state.
    pub(crate) canister: Principal,
    store: Store<Host>,
    instance: Instance,
    heap: Option<LiveHeap>,
    table: Option<Table>,
    globals: Vec<Global>,
    exports: BTreeMap<String, TypedFunc<(), ()>>,
    /// The committed state that heap and globals are in.
    state: Image,
    /// Pages of the heap that the last committed execution changed.
    changed_pages: u64,
}

/// An execution that has ended.
pub(crate) struct Ended {
    pub(crate) execution: Box<Execution>,
    pub(crate) result: Result<(), Failure>,
    pub(crate) instructions: u64,
}

/// Why an execution did not finish.
#[derive(Debug)]
pub(crate) enum Failure {
    Trap(Reject),
    CertificateWanted,
}

impl Sandbox {
    /// An instance in the state of its module before anything has run; its start function is not run
    /// either.
    pub(crate) fn new(compiled: &Arc<Compiled>, canister: Principal) -> wasmtime::Result<Self> {
        let mut store = Store::new(compiled.pre.module().engine(), Host::new(compiled));
        // To write the data segments takes fuel; it is not counted.
        store.set_fuel(u64::MAX)?;
        store.limiter(|host| host);
        let instance = compiled.pre.instantiate(&mut store)?;
        let memory = instance.get_memory(&mut store, MEMORY);
        let table = instance.get_table(&mut store, TABLE);
        store.data_mut().memory = memory;
        let globals = (0..compiled.info.mutable_globals)
            .filter_map(|number| instance.get_global(&mut store, &global_export(number)))
            .collect();
        let heap = memory.map(|memory| LiveHeap::just_created(memory, &store));
        let mut sandbox = Self {
            compiled: Arc::clone(compiled),
            canister,
            store,
            instance,
            heap,
            table,
            globals,
            exports: BTreeMap::new(),
            state: Image::default(),
            changed_pages: 0,
        };
        sandbox.begin();
        Ok(sandbox)
    }

    /// Brings a new instance into the state that all instances of the module begin with, and share.
    fn begin(&mut self) {
        let initial = self.compiled.initial.get_or_init(|| {
            let (mut heap, mut globals) = (Heap::default(), Globals::default());
            if let Some(live) = &mut self.heap {
                live.capture(&self.store, &mut heap);
                heap = if live.is_mapped() { heap.based() } else { heap };
            }
            globals.capture(&mut self.store, &self.globals);
            Image { heap, globals }
        });
        let initial = initial.clone();
        if let Some(live) = self.heap.as_mut().filter(|live| live.is_mapped()) {
            // The instantiation has written what the base holds.
            live.load(&mut self.store, &Heap::zeros(initial.heap.bytes()), &initial.heap);
        }
        self.state = initial;
    }

    /// Whether it is an instance of this module.
    pub(crate) fn runs(&self, compiled: &Arc<Compiled>) -> bool {
        Arc::ptr_eq(&self.compiled, compiled)
    }

    /// Whether the next execution may use it too.
    pub(crate) fn is_reusable(&self) -> bool {
        self.compiled.info.keeps_instance
    }

    /// The committed state it is in.
    pub(crate) fn state(&self) -> &Image {
        &self.state
    }

    /// Whether it is in this state.
    pub(crate) fn is_in(&self, state: &Image) -> bool {
        self.state.is(state)
    }

    /// Brings it into a state; false if it must not be used any more.
    pub(crate) fn enter(&mut self, state: &Image) -> bool {
        if self.is_in(state) {
            return true;
        }
        let loaded = self.heap.as_mut().is_none_or(|heap| heap.load(&mut self.store, &self.state.heap, &state.heap));
        let restored = state.globals.restore(&mut self.store, &self.globals);
        self.state = state.clone();
        loaded && restored
    }

    /// Takes over into `state`, which it was in, what the execution has changed; false if it must not
    /// be used any more.
    pub(crate) fn commit(&mut self, state: &mut Image) -> bool {
        // The last to share it may change it in place.
        self.state = Image::default();
        let mut usable = true;
        if let Some(heap) = &mut self.heap {
            self.changed_pages = heap.capture(&self.store, &mut state.heap);
            if heap.is_mapped() && state.heap.settle() {
                let nothing = Heap::zeros(state.heap.bytes());
                usable = heap.load(&mut self.store, &nothing, &state.heap);
            }
        }
        state.globals.capture(&mut self.store, &self.globals);
        self.state = state.clone();
        usable
    }

    /// What the changes that were taken over last cost, in instructions.
    pub(crate) fn changes_cost(&self) -> u64 {
        if self.store.data().system_calls_cost { self.changed_pages.saturating_mul(DIRTY_PAGE) } else { 0 }
    }

    /// Back to the state it was in before the execution; false if it must not be used any more.
    pub(crate) fn roll_back(&mut self) -> bool {
        let heap = self.heap.as_mut().is_none_or(|heap| heap.put_back(&mut self.store, &self.state.heap));
        self.state.globals.restore(&mut self.store, &self.globals) && heap
    }

    /// Runs a function to its end, under the execution's instruction limit.
    pub(crate) fn run(&mut self, function: Function<'_>, execution: Box<Execution>) -> Ended {
        let canister = execution.facts.canister;
        let limit = execution.facts.instruction_limit;
        let host = self.store.data_mut();
        host.execution = Some(execution);
        host.fuel = limit;
        host.owed = 0;
        let result = self.store.set_fuel(limit).and_then(|()| self.call(function));
        let left = self.store.get_fuel().unwrap_or(0);
        let instructions = self.store.data().executed(left).min(limit);
        let execution = self.store.data_mut().execution.take();
        // `call` never takes the execution out, so it is still here.
        let mut execution = execution.unwrap_or_else(|| unreachable!("the execution left its store"));
        let result = result.map_err(|error| {
            execution.effects.log.print_trap(&trap_reason(&error));
            failure(canister, limit, &error)
        });
        Ended { execution, result, instructions }
    }

    fn call(&mut self, function: Function<'_>) -> wasmtime::Result<()> {
        match function {
            Function::Export(name) => {
                let func = match self.exports.get(name) {
                    Some(func) => func.clone(),
                    None => {
                        let func = self.instance.get_typed_func::<(), ()>(&mut self.store, name)?;
                        self.exports.insert(name.to_owned(), func.clone());
                        func
                    }
                };
                func.call(&mut self.store, ())
            }
            Function::Callback(closure) => {
                let func = self.callback(closure.fun)?;
                if self.store.data().memory64 {
                    return func.typed::<u64, ()>(&self.store)?.call(&mut self.store, closure.env);
                }
                func.typed::<u32, ()>(&self.store)?.call(&mut self.store, closure.env as u32)
            }
        }
    }

    fn callback(&mut self, index: u32) -> wasmtime::Result<Func> {
        let entry = self.table.and_then(|table| table.get(&mut self.store, u64::from(index)));
        match entry {
            Some(Ref::Func(Some(func))) => Ok(func),
            _ => Err(wasmtime::Error::new(Violation::contract(format!(
                "function index {index} out of bounds of the table"
            )))),
        }
    }
}

fn failure(canister: Principal, limit: u64, error: &wasmtime::Error) -> Failure {
    let reject = match (error.downcast_ref::<Violation>(), error.downcast_ref::<wasmtime::Trap>()) {
        (Some(Violation::CertificateWanted), _) => return Failure::CertificateWanted,
        (Some(violation), _) => Reject::error_from(canister, violation.number(), violation),
        (None, Some(wasmtime::Trap::OutOfFuel)) => Reject::error_from(
            canister,
            522,
            format_args!("Canister exceeded the limit of {limit} instructions for single message execution."),
        ),
        (None, _) => Reject::error_from(canister, 502, format_args!("Canister trapped: {}", trap_reason(error))),
    };
    Failure::Trap(reject)
}

/// Why an execution trapped, as the canister's log has it.
fn trap_reason(error: &wasmtime::Error) -> String {
    match (error.downcast_ref::<Violation>(), error.downcast_ref::<wasmtime::Trap>()) {
        (Some(Violation::Trap(message)), _) if message.is_empty() => "(no message)".to_owned(),
        (Some(Violation::Trap(message)), _) => message.clone(),
        (Some(Violation::Memory(reason)), _) => (*reason).to_owned(),
        (Some(violation), _) => violation.to_string(),
        (None, Some(trap)) => trap_text(trap),
        (None, None) => error.to_string(),
    }
}

fn trap_text(trap: &wasmtime::Trap) -> String {
    match trap {
        wasmtime::Trap::UnreachableCodeReached => "unreachable".to_owned(),
        wasmtime::Trap::MemoryOutOfBounds => "heap out of bounds".to_owned(),
        wasmtime::Trap::TableOutOfBounds => "table out of bounds".to_owned(),
        wasmtime::Trap::IntegerDivisionByZero => "integer divide by 0".to_owned(),
        wasmtime::Trap::StackOverflow => "stack overflow".to_owned(),
        other => other.to_string(),
    }
}
