;; Edits, then answers that it failed.
(func $bad (param i32) (result i32)
  (call $label (call $first-pod (local.get 0)) (i32.const 2112) (i32.const 8))
  (call $err (i32.const 2048) (i32.const 3)))
