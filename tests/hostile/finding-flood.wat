;; Reports findings for ever.
(func $bad (param i32) (result i32)
  (call $put (i32.const 3072) (i32.const 2072) (i32.const 4))
  (call $put (i32.const 3080) (i32.const 2104) (i32.const 4))
  (call $put (i32.const 3088) (i32.const 2112) (i32.const 8))
  (call $put (i32.const 3096) (i32.const 2112) (i32.const 8))
  (loop $again (call $report (i32.const 3072)) (br $again))
  (unreachable))
