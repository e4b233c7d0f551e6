;; Never ends.
(func $bad (param i32) (result i32)
  (loop $again (br $again))
  (unreachable))
