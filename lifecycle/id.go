package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
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

// HashText is the hex sha256 of parts, each ended by a line feed.
func HashText(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		io.WriteString(h, p+"\n") //nolint:errcheck // a hash's Write never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}
