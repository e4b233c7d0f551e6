;; Calls itself, and needs its frame afterwards.
(func $bad (param i32) (result i32)
  (i32.add (call $bad (local.get 0)) (i32.const 1)))
