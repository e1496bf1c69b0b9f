package main

import (
	_ "time/tzdata" // time zones on machines that have none installed

	"github.com/spf13/cobra"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "coxswain",
		Short:         "Coxswain (舵手): run Kubernetes clusters from the chat room",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServeCommand(), newChatCommand(), newDoctorCommand(), newBundleCommand(), newVersionCommand())
	return root
}
