;; Makes an edit by a rule that it does not list.
(func $bad (param i32) (result i32)
  (call $set-label (call $first-pod (local.get 0)) (i32.const 2048) (i32.const 3)
    (i32.const 2056) (i32.const 4) (i32.const 2064) (i32.const 3) (i32.const 768))
  (call $ok))
