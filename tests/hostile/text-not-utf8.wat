;; Answers with a text that is not UTF-8.
(func $bad (param i32) (result i32)
  (call $err (i32.const 2120) (i32.const 3)))
