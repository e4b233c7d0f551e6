;; Logs a text of 4 MiB.
(func $bad (param i32) (result i32)
  (drop (memory.grow (i32.const 64)))
  (call $log (i32.const 2096) (i32.const 5) (i32.const 8192) (i32.const 4194304))
  (call $ok))
