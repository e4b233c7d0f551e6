;; A bundle of two policies. `good` labels every pod `good=yes`; `bad` does what stands at the marker below.
(module
  (import "tollgate:policy/types@0.1.0" "[method]review.pods" (func $pods (param i32 i32)))
  (import "tollgate:policy/edits@0.1.0" "set-label"
    (func $set-label (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "tollgate:policy/findings@0.1.0" "report" (func $report (param i32)))
  (import "tollgate:policy/log@0.1.0" "write" (func $log (param i32 i32 i32 i32)))

  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 8192))

  (data (i32.const 2048) "bad")
  (data (i32.const 2056) "good")
  (data (i32.const 2064) "yes")
  (data (i32.const 2072) "rule")
  (data (i32.const 2080) "repair")
  (data (i32.const 2088) "{}")
  (data (i32.const 2096) "error")
  (data (i32.const 2104) "deny")
  (data (i32.const 2112) "00000000")
  (data (i32.const 2120) "\ff\fe\fd")

  ;; Allocates and never frees.
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (global.set $free (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get $size))))

  ;; Writes a string or a list of `length` at `$at`.
  (func $put (param $at i32) (param $pointer i32) (param $length i32)
    (i32.store (local.get $at) (local.get $pointer))
    (i32.store offset=4 (local.get $at) (local.get $length)))

  ;; A policy-info of a name, with the one rule at 1536.
  (func $policy (param $at i32) (param $name i32) (param $length i32)
    (call $put (local.get $at) (local.get $name) (local.get $length))
    (call $put (i32.add (local.get $at) (i32.const 8)) (i32.const 2112) (i32.const 1))
    (call $put (i32.add (local.get $at) (i32.const 16)) (i32.const 2048) (i32.const 3))
    (i32.store16 offset=24 (local.get $at) (i32.const 0x0101))
    (call $put (i32.add (local.get $at) (i32.const 28)) (i32.const 1536) (i32.const 1))
    (call $put (i32.add (local.get $at) (i32.const 36)) (i32.const 2088) (i32.const 2)))

  (func (export "tollgate:policy/guest@0.1.0#policies") (result i32)
    (call $put (i32.const 1536) (i32.const 2072) (i32.const 4))
    (call $put (i32.const 1544) (i32.const 2072) (i32.const 4))
    (call $put (i32.const 1552) (i32.const 2080) (i32.const 6))
    (call $policy (i32.const 1024) (i32.const 2048) (i32.const 3))
    (call $policy (i32.const 1092) (i32.const 2056) (i32.const 4))
    (call $put (i32.const 512) (i32.const 1024) (i32.const 2))
    (i32.const 512))

  ;; Keeps at 256 the first letter of each entry's policy.
  (func (export "tollgate:policy/guest@0.1.0#configure") (param $entries i32) (param $length i32) (result i32)
    (local $n i32)
    (block $done
      (loop $again
        (br_if $done (i32.ge_u (local.get $n) (local.get $length)))
        (i32.store8 offset=256 (local.get $n)
          (i32.load8_u (i32.load (i32.add (local.get $entries) (i32.mul (local.get $n) (i32.const 24))))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $again)))
    (call $ok))

  (func $ok (result i32)
    (i32.store8 (i32.const 512) (i32.const 0))
    (i32.const 512))

  ;; An `err` with a text.
  (func $err (param $pointer i32) (param $length i32) (result i32)
    (i32.store8 (i32.const 512) (i32.const 1))
    (call $put (i32.const 516) (local.get $pointer) (local.get $length))
    (i32.const 512))

  ;; Sets a label with a key of 8 digits on the first pod of the review.
  (func $label (param $pod i32) (param $key i32) (param $length i32)
    (call $set-label (local.get $pod) (i32.const 2072) (i32.const 4)
      (local.get $key) (local.get $length) (i32.const 2064) (i32.const 3) (i32.const 768)))

  (func $first-pod (param $review i32) (result i32)
    (call $pods (local.get $review) (i32.const 640))
    (i32.load (i32.load (i32.const 640))))

  (func $run (param $entry i32) (param $review i32) (result i32)
    (if (i32.eq (i32.load8_u offset=256 (local.get $entry)) (i32.const 98)) ;; b
      (then (return (call $bad (local.get $review)))))
    (call $label (call $first-pod (local.get $review)) (i32.const 2056) (i32.const 4))
    (call $ok))

  (func (export "tollgate:policy/mutator@0.1.0#mutate") (param i32 i32) (result i32)
    (call $run (local.get 0) (local.get 1)))
  (func (export "tollgate:policy/validator@0.1.0#validate") (param i32 i32) (result i32)
    (call $run (local.get 0) (local.get 1)))

  ;; BODY
)
