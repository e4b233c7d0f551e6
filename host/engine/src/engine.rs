//! The engine: compiler, linker, and the clock that bounds guests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::Bundle;
use crate::config::{EngineOptions, engine_config};
use crate::state::State;

/// How often guests are interrupted to see whether their time is up, and to let others run.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// How often the clock looks for guests when there were none for a while.
const IDLE_TICK: Duration = Duration::from_millis(10);

/// Ticks without a guest after which the clock slows down.
const IDLE_AFTER: u32 = 200;

/// An engine that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the WebAssembly engine")]
pub struct EngineError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self(error.into())
    }
}

/// Compiles and runs components. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) linker: Arc<Linker<State>>,
    pub(crate) running: Running,
    pub(crate) instances: Running,
}

impl Engine {
    /// Starts an engine and its clock.
    ///
    /// # Errors
    ///
    /// When the machine does not give it the address space or the thread that it needs.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let wasm = wasmtime::Engine::new(&engine_config(options)?)?;
        let mut linker = Linker::new(&wasm);
        Bundle::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
        let running = Running::default();
        start_clock(wasm.weak(), running.clone())?;
        Ok(Self {
            wasm,
            linker: Arc::new(linker),
            running,
            instances: Running::default(),
        })
    }
}

/// How many of something there are: open sessions, or live instances.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<AtomicUsize>);

impl Running {
    pub(crate) fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self.clone())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of them.
pub(crate) struct Entered(Running);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Advances the epoch until the engine is gone.
fn start_clock(wasm: wasmtime::EngineWeak, running: Running) -> Result<(), EngineError> {
    let mut idle = 0;
    let tick = move || {
        loop {
            thread::sleep(if idle < IDLE_AFTER { TICK } else { IDLE_TICK });
            let Some(wasm) = wasm.upgrade() else { return };
            wasm.increment_epoch();
            let busy = running.count() > 0;
            idle = if busy { 0 } else { idle.saturating_add(1) };
        }
    };
    let clock = thread::Builder::new().name("epoch".to_owned()).spawn(tick);
    clock.map(drop).map_err(|err| EngineError(err.into()))
}
