;; Answers with a variant that the contract does not have.
(func $bad (param i32) (result i32)
  (i32.store8 (i32.const 512) (i32.const 9))
  (i32.const 512))
