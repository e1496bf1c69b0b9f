package lifecycle

import (
	"fmt"
	"strings"
)

// unitPrefix starts the name of every transient unit of ours on a host.
const unitPrefix = "cox-"

// unitName is "cox-<operation>-<phase>-<attempt>"; one host runs a phase once at
// a time, so the node need not be in it.
func unitName(op *Operation, phase string, attempt int) string {
	return fmt.Sprintf("%s%d", unitPrefixOf(op, phase), attempt)
}

func unitPrefixOf(op *Operation, phase string) string {
	return unitPrefix + strings.ToLower(op.ID) + "-" + phase + "-"
}
