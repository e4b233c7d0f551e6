//! Reads the state of a configured instance, for the snapshot.

use wasmtime::component::{Instance, Lift, WasmList};
use wasmtime_wizer::ComponentInstanceState;

use crate::state::State;

/// A configured instance of an instrumented component.
pub(crate) struct Configured<'a> {
    pub(crate) store: &'a mut wasmtime::Store<State>,
    pub(crate) instance: Instance,
    /// The first call that failed, if one did. The snapshot is then worthless.
    pub(crate) failed: Option<wasmtime::Error>,
}

impl Configured<'_> {
    /// Calls one of the functions that the instrumentation added.
    async fn call<R: Lift + 'static>(&mut self, instance: &str, func: &str) -> Option<R> {
        match self.try_call(instance, func).await {
            Ok(value) => Some(value),
            Err(err) => {
                self.failed.get_or_insert(err);
                None
            }
        }
    }

    async fn try_call<R: Lift + 'static>(
        &mut self,
        instance: &str,
        func: &str,
    ) -> wasmtime::Result<R> {
        let missing =
            || wasmtime::Error::msg(format!("the instrumentation made no `{instance}#{func}`"));
        let parent = self
            .instance
            .get_export_index(&mut *self.store, None, instance)
            .ok_or_else(missing)?;
        let index = self
            .instance
            .get_export_index(&mut *self.store, Some(&parent), func)
            .ok_or_else(missing)?;
        let func = self
            .instance
            .get_typed_func::<(), (R,)>(&mut *self.store, index)?;
        Ok(func.call_async(&mut *self.store, ()).await?.0)
    }
}

impl ComponentInstanceState for Configured<'_> {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        if let Some(list) = self.call::<WasmList<u8>>(instance, func).await {
            contents(list.as_le_slice(&*self.store));
        }
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.call(instance, func).await.unwrap_or_default()
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.call(instance, func).await.unwrap_or_default()
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.call::<f32>(instance, func)
            .await
            .unwrap_or_default()
            .to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.call::<f64>(instance, func)
            .await
            .unwrap_or_default()
            .to_bits()
    }
}
