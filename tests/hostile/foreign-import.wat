;; A component that wants a clock.
(component
  (import "wasi:clocks/monotonic-clock@0.2.12" (instance (export "now" (func (result u64))))))
