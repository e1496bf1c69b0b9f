package remote

import (
	"context"
	"io"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Host is one entered machine. It is safe for several goroutines; each call is a
// session of its own on one connection.
type Host interface {
	// Run executes a POSIX sh script read from standard input of the remote
	// shell, as root (through sudo when the user is not root). A non-zero exit
	// is an *ExitError.
	Run(ctx context.Context, script string, opt Options) (Result, error)
	// Unit runs a script that changes something as the transient systemd unit
	// name. When the unit exists already it is attached to instead, and when it
	// has ended its result is read: the script is never started twice under one
	// name. Its output is given to opt.Output line by line as it comes, from the
	// beginning.
	Unit(ctx context.Context, name, script string, opt Options) (Result, error)
	// StopUnit ends a unit that may be running and waits for it to be gone.
	StopUnit(ctx context.Context, name string) error
	// Upload brings content to path on the host with mode, going on from where
	// an earlier upload of the same sum was cut off; it is in place only after
	// the host's own sha256 agrees, and not sent when it is there already.
	Upload(ctx context.Context, f File, progress func(sent, total int64)) error
	// Dial opens a TCP connection from the host (to its API server, say).
	Dial(ctx context.Context, network, address string) (io.ReadWriteCloser, error)
	// HostKey is the key that the machine showed, authorized_keys form.
	HostKey() string
	Close() error
}

// Options of one remote run.
type Options struct {
	Env map[string]string // exported to the script; may hold secrets, so it travels on standard input
	// Output gets each line of standard output and error as it comes.
	Output func(line string)
	// Label is what messages call this run ("kubeadm init"); the script's text
	// never stands in an error.
	Label string
	// Limit bounds the output that is kept in the result, in bytes; 0 = 1 MiB.
	Limit int
	// Timeout of the run; 0 = only the context's.
	Timeout time.Duration
}

// Result is what a run left.
type Result struct {
	Stdout string
	Stderr string // empty for units: one stream
	// Truncated says that more came than Options.Limit let be kept.
	Truncated bool
}

// File is something to upload.
type File struct {
	Path   string // absolute, on the host
	Mode   uint32 // permission bits
	Size   int64  // bytes
	SHA256 string // hex
	Open   func() (io.ReadSeekCloser, error)
}

// Dialer enters machines.
type Dialer interface {
	// Dial connects to a. When a.HostKey is empty the key is taken and shown by
	// Host.HostKey for the caller to pin; when it differs, the error is Blocked
	// and says so.
	Dial(ctx context.Context, a lifecycle.Access) (Host, error)
}
