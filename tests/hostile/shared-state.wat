;; Counts its calls within the instance, and sets a label named by the count on the first pod.
(func $bad (param i32) (result i32)
  (i32.store8 (i32.const 2119) (i32.add (i32.load8_u (i32.const 2119)) (i32.const 1)))
  (call $label (call $first-pod (local.get 0)) (i32.const 2112) (i32.const 8))
  (call $ok))
