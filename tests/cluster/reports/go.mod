module tollgate.dev/tests/cluster/reports

go 1.26.0

// Only for the definitions of reports that they ship; nothing of them is built.
require (
	github.com/kyverno/kyverno v1.13.4
	github.com/openreports/reports-api v0.2.1
)
