;; Collects handles of pods for ever.
(func $bad (param i32) (result i32)
  (loop $again (drop (call $first-pod (local.get 0))) (br $again))
  (unreachable))
