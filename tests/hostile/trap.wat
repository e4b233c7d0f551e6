;; Says what is wrong, as a panic does, and traps, after an edit that must not stay.
(func $bad (param i32) (result i32)
  (call $label (call $first-pod (local.get 0)) (i32.const 2112) (i32.const 8))
  (call $log (i32.const 2096) (i32.const 5) (i32.const 2048) (i32.const 3))
  (unreachable))
