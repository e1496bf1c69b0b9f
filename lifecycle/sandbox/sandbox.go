package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/journal"
	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/vfs"
)

// Kind is the provider's persisted name.
const Kind = "sandbox"

// Sandbox is a provider of simulated machines, and those machines themselves.
type Sandbox struct {
	cfg     Config
	log     *slog.Logger
	lock    *os.File
	blobs   *vfs.DirBlobs
	journal *journal.Journal

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup // every goroutine of the sandbox

	settings atomic.Pointer[settings]

	mu       sync.Mutex // guards everything below, the rows and the file trees
	closed   bool
	tables   map[string]loader
	waiting  map[string]map[string]json.RawMessage // rows of tables that nobody has asked for yet
	current  *tx                                   // under way
	seq      uint64                                // number of the last line of the journal
	clusters *table[clusterRow]
	machines *table[machineRow]
	counters *table[int]
	secrets  *table[string]
	disks    map[string]*machine // by id
	live     map[string]*cluster // by id
	servers  map[string]*server  // SSH, by id of the machine
	procs    map[procID]*process
	runs     map[unitID]*unitRun // transient units, by machine and name
	lastPID  int

	commands map[string]func(*call) int
}

// New opens the sandbox of a directory and has everything in it go on: machines
// answer, units run, APIs serve. Nobody else may have the directory.
func New(c Config) (sb *Sandbox, err error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Dir == "" {
		return nil, errors.New("sandbox: no directory")
	}
	c = c.withDefaults()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("sandbox directory: %w", err)
	}
	lock, err := lockDir(c.Dir)
	if err != nil {
		return nil, err
	}
	sb = &Sandbox{cfg: c, log: c.Logger, lock: lock, tables: map[string]loader{}, waiting: map[string]map[string]json.RawMessage{},
		disks: map[string]*machine{}, live: map[string]*cluster{}, servers: map[string]*server{}, procs: map[procID]*process{}, runs: map[unitID]*unitRun{}, lastPID: 1000}
	sb.settings.Store(settingsOf(c))
	sb.life, sb.end = context.WithCancel(context.Background())
	if err := sb.open(); err != nil {
		return nil, errors.Join(err, sb.Close())
	}
	return sb, nil
}

func (sb *Sandbox) open() (err error) {
	if sb.blobs, err = vfs.OpenDir(filepath.Join(sb.cfg.Dir, "blobs")); err != nil {
		return err
	}
	sb.commands = allCommands()
	sb.mu.Lock()
	defer sb.mu.Unlock()
	sb.clusters, sb.machines = newTable[clusterRow](sb, "clusters"), newTable[machineRow](sb, "machines")
	sb.counters, sb.secrets = newTable[int](sb, "counters"), newTable[string](sb, "secrets")
	if err := compact(sb.cfg.Dir, compactAt); err != nil {
		return err
	}
	if sb.journal, err = journal.Open(filepath.Join(sb.cfg.Dir, journalName), sb.blobs.Sync, sb.replay); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	sb.seq = sb.journal.Last()
	if err := sb.sweep(); err != nil {
		return err
	}
	return sb.resume()
}

// sweep removes the content of files that are gone.
func (sb *Sandbox) sweep() error {
	inUse := map[string]bool{}
	for _, m := range sb.disks {
		m.fs.InUse(inUse)
	}
	return sb.blobs.Keep(inUse)
}

// resume has everything go on that went on before.
func (sb *Sandbox) resume() error {
	if err := sb.ensureClientKey(); err != nil {
		return err
	}
	for _, id := range sb.clusters.keys() {
		if err := sb.serveClusterLocked(id); err != nil {
			return fmt.Errorf("sandbox API of %s: %w", id, err)
		}
	}
	for _, id := range sb.machines.keys() {
		sb.disk(id).name = sb.machines.rows[id].Name
		if err := sb.serveSSH(id); err != nil {
			return fmt.Errorf("sandbox machine %s: %w", sb.machines.rows[id].Name, err)
		}
		sb.resumeUnits(sb.disk(id))
	}
	return nil
}

// Run owns the sandbox until ctx ends: it closes it then.
func (sb *Sandbox) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-sb.life.Done():
	}
	return sb.Close()
}

// Close stops the sandbox and waits for all that it runs. The machines' units
// stay in the journal, and go on with the next New.
func (sb *Sandbox) Close() error {
	sb.mu.Lock()
	if sb.closed {
		sb.mu.Unlock()
		sb.work.Wait()
		return nil
	}
	sb.closed = true
	sb.end()
	for _, s := range sb.servers {
		s.close()
	}
	for _, cl := range sb.live {
		cl.stop()
	}
	sb.mu.Unlock()
	sb.work.Wait()
	var errs []error
	if sb.journal != nil {
		errs = append(errs, sb.journal.Close())
	}
	return errors.Join(append(errs, sb.lock.Close())...)
}

// Kind implements lifecycle.Provider.
func (sb *Sandbox) Kind() string { return Kind }

// Capabilities implements lifecycle.Provider.
func (sb *Sandbox) Capabilities() lifecycle.Capabilities {
	return lifecycle.Capabilities{Simulated: true, Machines: true}
}

// Validate implements lifecycle.Provider: the sandbox needs nothing.
func (sb *Sandbox) Validate(ctx context.Context, _ lifecycle.Region) error {
	if sb.life.Err() != nil {
		return errClosed
	}
	return ctx.Err()
}

var errClosed = errors.New("the sandbox is closed")

func (sb *Sandbox) now() time.Time {
	if sb.current != nil {
		return sb.current.now
	}
	return sb.cfg.Now()
}

func (sb *Sandbox) listen(port int) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(sb.life, "tcp", hostPort(localhost, port))
}

// freePort finds a port of the loopback address that nobody uses, out of the
// range that the kernel gives to clients, so that it stays free while we are
// down.
func (sb *Sandbox) freePort() (int, error) {
	const first, count = 20000, 12000
	for range 200 {
		n, err := rand.Int(rand.Reader, big.NewInt(count))
		if err != nil {
			return 0, err
		}
		port := first + int(n.Int64())
		l, err := sb.listen(port)
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("sandbox: no free port on the loopback address")
}
