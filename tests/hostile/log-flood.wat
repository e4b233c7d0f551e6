;; Logs for ever.
(func $bad (param i32) (result i32)
  (loop $again
    (call $log (i32.const 2096) (i32.const 5) (i32.const 4096) (i32.const 4096))
    (br $again))
  (unreachable))
