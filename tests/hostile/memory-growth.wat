;; Takes memory for ever.
(func $bad (param i32) (result i32)
  (loop $again (drop (memory.grow (i32.const 16))) (br $again))
  (unreachable))
