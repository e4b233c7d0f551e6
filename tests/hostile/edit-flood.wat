;; Sets a thousand labels.
(func $bad (param i32) (result i32)
  (local $pod i32) (local $n i32)
  (local.set $pod (call $first-pod (local.get 0)))
  (loop $again
    (i32.store8 (i32.const 2112) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (i32.store8 (i32.const 2113) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $n) (i32.const 10)) (i32.const 10))))
    (i32.store8 (i32.const 2114) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 100))))
    (call $label (local.get $pod) (i32.const 2112) (i32.const 8))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
  (call $ok))
