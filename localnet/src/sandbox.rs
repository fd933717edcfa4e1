//! A live instance of a canister's module, kept between messages.

use crate::compiled::Compiled;
use crate::execution::{Closure, Execution, Violation};
use crate::image::Image;
use crate::module::{MEMORY, TABLE, global_export};
use crate::reject::Reject;
use candid::Principal;
use wasmtime::{Func, Global, Instance, Memory, Ref, Store, Table};

/// Data of a store: the running execution and where the System API finds the heap.
pub(crate) struct Host {
    pub(crate) memory: Option<Memory>,
    pub(crate) execution: Option<Box<Execution>>,
    /// Fuel the running execution was given.
    pub(crate) fuel: u64,
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Function<'a> {
    Export(&'a str),
    Callback(Closure),
}

/// A live instance.
pub(crate) struct Sandbox {
    store: Store<Host>,
    instance: Instance,
    memory: Option<Memory>,
    table: Option<Table>,
    globals: Vec<Global>,
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
    /// Instantiates a module; its start function is not run.
    pub(crate) fn new(compiled: &Compiled) -> wasmtime::Result<Self> {
        let host = Host { memory: None, execution: None, fuel: 0 };
        let mut store = Store::new(compiled.pre.module().engine(), host);
        let instance = compiled.pre.instantiate(&mut store)?;
        let memory = instance.get_memory(&mut store, MEMORY);
        let table = instance.get_table(&mut store, TABLE);
        store.data_mut().memory = memory;
        let globals = (0..compiled.info.mutable_globals)
            .filter_map(|number| instance.get_global(&mut store, &global_export(number)))
            .collect();
        Ok(Self { store, instance, memory, table, globals })
    }

    /// Instantiates a module and gives it the heap and globals of an image.
    pub(crate) fn from_image(compiled: &Compiled, image: &Image) -> wasmtime::Result<Self> {
        let mut sandbox = Self::new(compiled)?;
        sandbox.grow_to(image.bytes())?;
        if sandbox.restore(image) {
            Ok(sandbox)
        } else {
            Err(wasmtime::Error::msg("the image does not fit the module"))
        }
    }

    /// Makes the heap at least so large (a heap that is kept across an upgrade).
    fn grow_to(&mut self, bytes: usize) -> wasmtime::Result<()> {
        let Some(memory) = self.memory else {
            return Ok(());
        };
        let missing = bytes.saturating_sub(memory.data_size(&self.store));
        if missing > 0 {
            let pages = missing as u64 / memory.page_size(&self.store);
            memory.grow(&mut self.store, pages)?;
        }
        Ok(())
    }

    /// Gives an instance another heap than its own ("wasm_memory_persistence"); what it has beyond
    /// that heap becomes zero.
    pub(crate) fn keep_heap(&mut self, image: &Image) -> wasmtime::Result<()> {
        self.grow_to(image.bytes())?;
        let size = self.memory.map_or(0, |memory| memory.data_size(&self.store));
        let heap = image.heap_of(size);
        if heap.restore(&mut self.store, self.memory, &[]) {
            Ok(())
        } else {
            Err(wasmtime::Error::msg("the heap does not fit the module"))
        }
    }

    /// Takes heap and globals over into an image.
    pub(crate) fn capture(&mut self, image: &mut Image) {
        image.capture(&mut self.store, self.memory, &self.globals);
    }

    /// Back to an image; false if a new instance is needed.
    pub(crate) fn restore(&mut self, image: &Image) -> bool {
        image.restore(&mut self.store, self.memory, &self.globals)
    }

    /// Runs a function to its end, under the execution's instruction limit.
    pub(crate) fn run(&mut self, function: Function<'_>, execution: Box<Execution>) -> Ended {
        let canister = execution.facts.canister;
        let limit = execution.facts.instruction_limit;
        let host = self.store.data_mut();
        host.execution = Some(execution);
        host.fuel = limit;
        let result = self
            .store
            .set_fuel(limit)
            .and_then(|()| self.call(function))
            .map_err(|error| failure(canister, limit, &error));
        let left = self.store.get_fuel().unwrap_or(0);
        let execution = self.store.data_mut().execution.take();
        // `call` never takes the execution out, so it is still here.
        let execution = execution.unwrap_or_else(|| unreachable!("the execution left its store"));
        Ended { execution, result, instructions: limit.saturating_sub(left) }
    }

    fn call(&mut self, function: Function<'_>) -> wasmtime::Result<()> {
        match function {
            Function::Export(name) => {
                let func = self.instance.get_typed_func::<(), ()>(&mut self.store, name)?;
                func.call(&mut self.store, ())
            }
            Function::Callback(closure) => {
                let func = self.callback(closure.fun)?;
                let func = func.typed::<u32, ()>(&self.store)?;
                func.call(&mut self.store, closure.env)
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
        (None, Some(trap)) => Reject::error_from(canister, 502, format_args!("Canister trapped: {}", trap_text(trap))),
        (None, None) => Reject::error_from(canister, 502, format_args!("Canister trapped: {error}")),
    };
    Failure::Trap(reject)
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
