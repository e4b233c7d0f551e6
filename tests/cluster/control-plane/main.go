// A Kubernetes control plane, its client and, where the module has them, its nodes in one binary: the first argument names
// the part to run. Linked together they share one copy of the Kubernetes libraries, so that they are built once.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// parts holds what each first argument runs, given the rest of the command line, and returns the exit status.
var parts = map[string]func(args []string) int{
	"etcd":                    runEtcd,
	"kube-apiserver":          run(apiserver.NewAPIServerCommand),
	"kube-controller-manager": run(controllermanager.NewControllerManagerCommand),
	"kube-scheduler":          run(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubectl":                 run(kubectl.NewDefaultKubectlCommand),
}

func main() {
	if len(os.Args) > 1 {
		if part, known := parts[os.Args[1]]; known {
			// The parts read os.Args themselves, each as if it had been started alone.
			os.Args = os.Args[1:]
			os.Exit(part(os.Args))
		}
	}
	fmt.Fprintf(os.Stderr, "usage: %s PART [FLAG…], where PART is one of %s\n", os.Args[0], strings.Join(names(), ", "))
	os.Exit(2)
}

func names() []string {
	var all []string
	for name := range parts {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func run(command func() *cobra.Command) func([]string) int {
	return func([]string) int { return cli.Run(command()) }
}

func runEtcd(args []string) int {
	etcdmain.Main(args)
	return 0
}
